"""``python -m benchmarks steps``: what a step through ``harmony serve`` costs, and how long its commands take to start.

Everything is compared with its own yardstick within one run, in turns, so that what else the machine does hits both: a
step with an echo (`health`) of the same worker, a start with the imports that cannot be avoided.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.table import Table

_DEADLINE = 60.0
_WARM_UP = 50
_PLAIN, _ASYNC = "the 'x' process does nothing", "the 'x' process awaits nothing"
_PROJECT = {
    "harmony.toml": 'steps = ["idle_steps"]\n',
    "idle_steps.py": f"""from harmony import step


class Idle:
    @step("{_PLAIN}")
    def does_nothing(self) -> None:
        pass

    @step("{_ASYNC}")
    async def awaits_nothing(self) -> None:
        pass
""",
    # What a worker in Python costs at the very least: framing, JSON, two pipes.
    "echo.py": """import json, os
buffer = b""
while data := os.read(0, 65536):
    buffer += data
    while (end := buffer.find(b"\\r\\n\\r\\n")) >= 0:
        length = int(buffer[:end].rpartition(b":")[2])
        if len(buffer) < end + 4 + length:
            break
        request = json.loads(buffer[end + 4 : end + 4 + length])
        buffer = buffer[end + 4 + length :]
        body = json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": True}).encode()
        os.write(1, b"Content-Length: %d\\r\\n\\r\\n%b" % (len(body), body))
""",
}
_ECHO = [sys.executable, "-S", "echo.py"]
_SERVE = [sys.executable, "-m", "harmony", "serve"]
_INITIALIZE = {"Role": "x", "Platform": "python", "Scenario": "s", "HostPid": 1, "FeatureId": 1, "TestRunId": "1_1"}

ECHO, HEALTH = "bare JSON-RPC echo", "health"
PLAIN_STEP, ASYNC_STEP = "step, plain method", "step, async method"
START, IMPORTS = "harmony serve: start to first answer", "python -c 'import asyncio, pydantic.main'"
HELP, TYPER = "harmony --help", "python -c 'import typer'"


@dataclass(frozen=True, slots=True)
class Bound:
    """What may cost at most so many times what else."""

    subject: str
    yardstick: str
    times: float


BOUNDS = (
    Bound(ASYNC_STEP, HEALTH, 3.0),
    Bound(PLAIN_STEP, HEALTH, 3.0),
    Bound(START, IMPORTS, 2.5),
    Bound(HELP, TYPER, 2.5),
)


class Peer:
    """A worker process and a conversation with it that costs as little as possible."""

    def __init__(self, command: Sequence[str], directory: Path) -> None:
        self._process = subprocess.Popen(
            command, cwd=directory, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._in, self._out = self._process.stdin.fileno(), self._process.stdout.fileno()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._process.kill()
        self._process.communicate(timeout=_DEADLINE)

    def ask(self, message: bytes) -> Any:
        """Return the result of a request."""
        os.write(self._in, message)
        buffer = b""
        while True:
            head, end, body = buffer.partition(b"\r\n\r\n")
            if end and len(body) == int(head.rpartition(b":")[2]):
                return json.loads(body)["result"]
            more = os.read(self._out, 65536)
            if not more:
                raise EOFError(f"a worker ended with {self._process.wait(_DEADLINE)}")
            buffer += more


def request(method: str, *params: Mapping[str, Any]) -> bytes:
    """Return a framed request."""
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


def step(sentence: str) -> bytes:
    """Return the request to perform a sentence, with the fields that every orchestrator sends."""
    fields = {"Process": "x", "StepType": 1, "Step": sentence, "Parameters": {}, "Context": {}, "IsBroadcast": False}
    return request("executeStep", fields)


@dataclass(frozen=True, slots=True)
class Effort:
    """How often: rounds, round trips of each kind in a round, and starts of each kind."""

    rounds: int
    trips: int
    starts: int


def round_trips(directory: Path, effort: Effort) -> dict[str, list[float]]:
    """Return the median seconds of a round trip, for each kind and round."""
    with ExitStack() as stack:
        echo, worker = (stack.enter_context(Peer(command, directory)) for command in (_ECHO, _SERVE))
        assert worker.ask(request("initialize", _INITIALIZE)) is True
        kinds: dict[str, tuple[Peer, bytes]] = {
            ECHO: (echo, request("health")),
            HEALTH: (worker, request("health")),
            ASYNC_STEP: (worker, step(_ASYNC)),
            PLAIN_STEP: (worker, step(_PLAIN)),
        }
        for peer, message in kinds.values():
            for _ in range(_WARM_UP):
                result = peer.ask(message)
                assert result is True or result["success"], result
        return _in_turns(effort.rounds, {name: _several(*what, effort.trips) for name, what in kinds.items()})


def starts(directory: Path, effort: Effort) -> dict[str, list[float]]:
    """Return the seconds that each start took."""

    def first_answer() -> None:
        with Peer(_SERVE, directory) as peer:
            peer.ask(request("health"))

    def wall_time_of(*words: str) -> Callable[[], float]:
        def run() -> None:
            subprocess.run(
                [sys.executable, *words], cwd=directory, stdout=subprocess.DEVNULL, timeout=_DEADLINE, check=True
            )

        return lambda: _seconds(run)

    return _in_turns(
        effort.starts,
        {
            IMPORTS: wall_time_of("-c", "import asyncio, pydantic.main"),
            START: lambda: _seconds(first_answer),
            TYPER: wall_time_of("-c", "import typer"),
            HELP: wall_time_of("-m", "harmony", "--help"),
        },
    )


def _several(peer: Peer, message: bytes, count: int) -> Callable[[], float]:
    return lambda: statistics.median(_seconds(lambda: peer.ask(message)) for _ in range(count))


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _in_turns(rounds: int, kinds: Mapping[str, Callable[[], float]]) -> dict[str, list[float]]:
    """Measure everything once a round, each round in another order; the first round of all only warms up."""
    order = random.Random(1)
    found: dict[str, list[float]] = {name: [] for name in kinds}
    for number in range(rounds + 1):
        for name in order.sample(list(kinds), len(kinds)):
            seconds = kinds[name]()
            if number:
                found[name].append(seconds)
    return found


@dataclass(frozen=True, slots=True)
class Judged:
    """A bound and the median of what was measured, round by round."""

    bound: Bound
    measured: float

    @property
    def reached(self) -> bool:
        """Whether it is within its bound."""
        return self.measured <= self.bound.times


def judged(found: Mapping[str, Sequence[float]], bounds: Sequence[Bound] = BOUNDS) -> list[Judged]:
    """Compare each subject with its yardstick, round by round."""
    return [
        Judged(
            bound, statistics.median(a / b for a, b in zip(found[bound.subject], found[bound.yardstick], strict=True))
        )
        for bound in bounds
    ]


def _show(found: Mapping[str, Sequence[float]], judgements: Sequence[Judged]) -> None:
    table = Table("what", "median ms", "least", "most", title="in turns, one run")
    for name, seconds in found.items():
        table.add_row(
            name, *(f"{value * 1e3:.3f}" for value in (statistics.median(seconds), min(seconds), max(seconds)))
        )
    bounds = Table("what", "against", "times", "at most", "")
    for one in judgements:
        state = "[green]reached[/]" if one.reached else "[red]missed[/]"
        bounds.add_row(one.bound.subject, one.bound.yardstick, f"{one.measured:.2f}", f"{one.bound.times:g}", state)
    console = Console()
    console.print(table, bounds)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, tell, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks steps", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds: some ten seconds")
    parser.add_argument("--check", action="store_true", help="exit code 1 if anything is above its limit")
    parser.add_argument("--json", metavar="FILE", type=Path, help="everything measured, as JSON")
    arguments = parser.parse_args(argv)
    effort = Effort(10, 100, 5) if arguments.quick else Effort(40, 200, 15)
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        for file, text in _PROJECT.items():
            (directory / file).write_text(text, encoding="utf-8")
        found = round_trips(directory, effort) | starts(directory, effort)
    judgements = judged(found)
    _show(found, judgements)
    if arguments.json:
        document = {"seconds": found, "bounds": [{**asdict(one), "reached": one.reached} for one in judgements]}
        arguments.json.write_text(json.dumps(document, indent=1), encoding="utf-8")
    return int(arguments.check and not all(one.reached for one in judgements))
