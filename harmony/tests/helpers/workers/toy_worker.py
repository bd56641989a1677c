"""A step worker with a handful of plain sentences, hosted by the real server."""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from harmony.model import LogRecord, ScenarioStart, StepCall, StepOutcome, Verdict
from harmony.serve.conversation import OfferedStep, SessionOptions
from harmony.serve.streams import StandardStreams
from harmony.serve.worker import leave, serve_socket, serve_streams

SENTENCES = {
    "given": ["the test environment is initialized", "all processes are ready"],
    "when": [
        r"it sleeps (\S+) s",
        r"it blocks the loop for (\S+) s",
        r"it blocks a thread for (\S+) s",
        r"it refuses to be cancelled",
        r"it prints",
        r"it exits",
        r"it declines",
        r"it fails with '([^']*)'",
        r"it holds the file '([^']*)'",
        r"it reads stdin",
        r"it tells its scenario",
        r"it tells its table",
        r"it returns rubbish",
    ],
}


class Toy:
    release_takes = 0.0

    def __init__(self) -> None:
        self.start_ = ScenarioStart("", "", "", 0, 0)
        self.files: list[Path] = []

    def offered(self) -> Sequence[OfferedStep]:
        return [OfferedStep(kind, pattern) for kind, patterns in SENTENCES.items() for pattern in patterns]

    def diagnose(self) -> Mapping[str, str]:
        return {"toy": "half wound"}

    def in_background(self) -> tuple[str, float] | None:
        return None

    async def start(self, scenario: ScenarioStart) -> None:
        if scenario.scenario == "refuse":
            raise ValueError("this scenario cannot start")
        self.start_ = scenario

    async def perform(self, call: StepCall) -> StepOutcome:
        known = [found for ps in SENTENCES.values() for p in ps if (found := re.fullmatch(p, call.text))]
        if not known:
            return StepOutcome(Verdict.UNDEFINED)
        argument = known[0].group(1) if known[0].groups() else ""
        data: dict[str, object] = {}
        match call.text.split()[:2]:
            case ["it", "sleeps"]:
                await asyncio.sleep(float(argument))
            case ["it", "blocks"] if "loop" in call.text:
                time.sleep(float(argument))  # noqa: ASYNC251 - that is the fault it shows
            case ["it", "blocks"]:
                await asyncio.to_thread(time.sleep, float(argument))
            case ["it", "refuses"]:
                deadline = time.monotonic() + 60
                while time.monotonic() < deadline:
                    try:
                        await asyncio.sleep(60)
                    except asyncio.CancelledError:
                        continue
            case ["it", "prints"]:
                print("print")  # noqa: T201 - that is the fault it shows
                sys.stdout.write("Content-Length: 2\r\n\r\n{}")
                os.write(1, b"descriptor 1\n")
                libc = ctypes.CDLL(None)
                libc.puts(b"libc")
                libc.fflush(None)
                subprocess.run(["echo", "child"], check=True)  # noqa: ASYNC221 - short, and the descriptors matter
            case ["it", "exits"]:
                sys.exit(3)
            case ["it", "declines"]:
                return StepOutcome(Verdict.UNSUPPORTED, "no such objects on this system")
            case ["it", "fails"]:
                logs = (LogRecord("2026-01-01T00:00:00Z", 4, "about to fail"),)
                return StepOutcome(Verdict.FAILED, argument, {"seen": argument}, logs, 0.1)
            case ["it", "holds"]:
                path = Path(argument)
                path.write_text(str(os.getpid()))  # noqa: ASYNC240 - a small file
                self.files.append(path)
            case ["it", "reads"]:
                data["stdin"] = sys.stdin.read()
            case ["it", "tells"] if "table" in call.text:
                data["table"] = call.table.dicts() if call.table else None
                data["doc"] = [call.doc_string.content, call.doc_string.media_type] if call.doc_string else None
            case ["it", "tells"]:
                data = {"role": self.start_.role, "id": self.start_.test_run_id, "seed": self.start_.seed}
            case ["it", "returns"]:
                data = {
                    "nan": float("nan"),
                    "bytes": b"x" * 9,
                    "object": object,
                    "surrogate": "\ud800",
                    "big": "y" * 10**6,
                }
        return StepOutcome(Verdict.PASSED, data=data, seconds=0.01)

    async def finish(self) -> None:
        await asyncio.sleep(self.release_takes)
        for path in self.files:
            path.unlink(missing_ok=True)
        self.files.clear()

    async def close(self) -> None:
        threading.excepthook = threading.__excepthook__


def main() -> None:
    settings = json.loads(os.environ.get("TOY", "{}"))
    Toy.release_takes = settings.get("release_takes", 0.0)
    pid, feature = os.environ.get("HARMONY_HOST_PID"), os.environ.get("HARMONY_FEATURE_ID")
    options = SessionOptions(
        step_timeout=settings.get("timeout", 30.0),
        seed=7,
        host_pid=int(pid) if pid else None,
        feature_id=int(feature) if feature else None,
    )
    if settings.get("listen"):
        leave(serve_socket(Path(settings["listen"]), Toy, options))
    leave(serve_streams(StandardStreams(), Toy, options))


if __name__ == "__main__":
    main()
