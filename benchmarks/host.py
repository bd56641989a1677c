"""The process that stands in the environment of one peer and measures it on demand: JSON lines on stdin and stdout.

Started by path with the interpreter of that environment. This project's root comes last on its path, so that a peer
which imports under a name of ours is found first.
"""

import importlib
import importlib.metadata
import json
import os
import sys
from pathlib import Path
from typing import Any, TextIO

sys.path.append(str(Path(__file__).resolve().parent.parent))

from benchmarks import pair
from benchmarks.plan import ONE_DIRECTION, Job, Kind


def measure(module: Any, job: Job) -> dict[str, Any]:
    """Runs one job."""
    make = module.PeerChannel
    if job.kind not in make.kinds:
        return {"unsupported": f"{job.kind} is nothing this peer does"}
    match job.kind:
        case kind if kind in ONE_DIRECTION:
            return pair.one_way(job, make)
        case Kind.ROUND_TRIP:
            return pair.round_trip(job, make)
        case Kind.IDLE:
            return pair.idle(job, make)
        case Kind.GROWTH_CAPACITY | Kind.GROWTH_BUFFERS | Kind.GROWTH_FRAMES:
            return {"slices_ns": module.grow(job)}


def _answer(out: TextIO, message: dict[str, Any]) -> None:
    out.write(json.dumps(message) + "\n")
    out.flush()


def main() -> int:
    """Says who is there, then answers jobs until stdin ends."""
    module_name, distribution = sys.argv[1:]
    # The real stdout is the protocol's; whatever a peer prints goes to stderr.
    out = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    try:
        # A dotted name is a peer from elsewhere: the tests keep broken ones.
        qualified = module_name if "." in module_name else f"benchmarks.peers.{module_name}"
        module = importlib.import_module(qualified)
        version = importlib.metadata.version(distribution) if distribution else sys.version.split()[0]
    except Exception as error:
        _answer(out, {"missing": f"{type(error).__name__}: {error}"})
        return 0
    _answer(out, {"version": version})
    for line in sys.stdin:
        try:
            _answer(out, measure(module, Job.from_json(json.loads(line))))
        except Exception as error:
            _answer(out, {"error": f"{type(error).__name__}: {error}"})
    return 0


if __name__ == "__main__":
    sys.exit(main())
