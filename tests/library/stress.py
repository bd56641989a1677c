"""The long runs: a thousand deaths in the middle of operations, and how fast a death is noticed.

python -m tests.library.stress --deaths 1000 --seed 7
python -m tests.library.stress --deaths 0 --delays 200
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from tests.library import children, faults
from tests.library.processes import Child
from zerobuffer import DuplexClient, Reader, Writer, ZeroBufferError
from zerobuffer.ownership import remove_stale

CALLS = ("read_frame", "write_frame", "acquire", "request")


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def deaths(count: int, seed: int) -> None:
    """Let `count` processes die at random points; any survivor that is wrong ends the run."""
    generator = random.Random(seed)
    begin = time.monotonic()
    for number in range(count):
        one = random.Random(generator.randrange(1 << 64))
        try:
            faults.random_death(f"stress-{os.getpid()}-{number}", one)
        except BaseException:
            sys.stderr.write(f"death {number} of seed {seed} went wrong\n")
            raise
        if (number + 1) % 100 == 0:
            say(f"{number + 1} deaths survived, {time.monotonic() - begin:.0f} s")


def delay(name: str, call: str, rest: tuple[float, float]) -> float:
    """Return the seconds between `kill -9` of the peer and the end of a call that was blocked for so long."""
    peer = {"read_frame": children.hold_writer, "request": children.serve_slowly}.get(call, children.hold_reader)
    if call == "read_frame":
        with Reader(name) as reader, Child(peer, name=name) as child:
            child.hear("ready")
            return _killed_while(child, lambda: reader.read_frame(60), rest)
    with Child(peer, name=name) as child:
        child.hear("ready")
        if call == "request":
            with DuplexClient(name) as client:
                return _killed_while(child, lambda: client.request(b"x", 60), rest)
        with Writer(name) as writer:
            writer.write_frame(bytes(4080))
            return _killed_while(child, lambda: getattr(writer, call)(b"x" if call == "write_frame" else 1, 60), rest)


def _killed_while(child: Child, blocked: Callable[[], object], rest: tuple[float, float]) -> float:
    moment: list[float] = []

    def kill() -> None:
        moment.append(time.monotonic())
        child.kill()

    timer = threading.Timer(random.uniform(*rest), kill)
    timer.start()
    try:
        blocked()
    except ZeroBufferError as error:
        end = time.monotonic()
        if error.code not in {"writer_dead", "reader_dead"}:
            raise
        return end - moment[0]
    finally:
        timer.join()
    msg = "the blocked call ended without an error"
    raise AssertionError(msg)


RESTS = {"short": (0.03, 0.08), "long": (0.2, 0.4)}
"""Seconds that a call was blocked when its peer was killed. A short wait looks at the peer, a long one is told."""


def delays(count: int) -> None:
    """Print how fast each kind of blocked call ends."""
    for call, rest in itertools.product(CALLS, RESTS):
        measured = sorted(delay(f"delay-{os.getpid()}-{call}-{n}", call, RESTS[rest]) * 1000 for n in range(count))
        for number in range(count):
            _clean(f"delay-{os.getpid()}-{call}-{number}")
        say(
            f"{call:12} {rest:5} n={count} median {statistics.median(measured):.1f} ms, "
            f"p95 {measured[int(count * 0.95)]:.1f} ms, max {measured[-1]:.1f} ms"
        )


def _clean(name: str) -> None:
    for one in (name, f"{name}_request", f"{name}_response"):
        remove_stale(one)


def main() -> None:
    """Run what the command line asks for, and leave nothing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deaths", type=int, default=1000)
    parser.add_argument("--delays", type=int, default=0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options = parser.parse_args()
    say(f"seed {options.seed}")
    with tempfile.TemporaryDirectory() as locks:
        os.environ["ZEROBUFFER_LOCK_DIR"] = locks
        deaths(options.deaths, options.seed)
        if options.delays:
            delays(options.delays)
        own = (f"stress-{os.getpid()}-", f"delay-{os.getpid()}-")
        left = [path.name for path in Path("/dev/shm").iterdir() if any(name in path.name for name in own)]
        assert not left, f"left behind: {left}"
        assert not list(Path(locks).iterdir()), "lock files left behind"


if __name__ == "__main__":
    main()
