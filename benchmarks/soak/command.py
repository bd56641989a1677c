"""``python -m benchmarks soak``: random use of all pairings built here, and whether what is promised holds."""

import argparse
import asyncio
import ctypes
import itertools
import json
import os
import random
import signal
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console

from benchmarks.soak.crew import Crew, partners
from benchmarks.soak.judge import judge
from benchmarks.soak.plan import plan
from benchmarks.soak.report import Report
from benchmarks.soak.stage import Stage

_SET_CHILD_SUBREAPER = 36
_BROKEN_OFF = 130


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    here = partners()
    parser = argparse.ArgumentParser(prog="python -m benchmarks soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0, help="how long (1)")
    parser.add_argument("--seed", type=int, help="what all plans are made from")
    parser.add_argument("--languages", metavar="A,B", default=",".join(here), help="who takes part (all built here)")
    parser.add_argument("--round", type=int, help="this round again and again, and no other")
    parser.add_argument("--lanes", type=int, default=2, help="rounds at once (2)")
    parser.add_argument("--json", metavar="FILE", type=Path, help="the report as JSON, too")
    arguments = parser.parse_args(argv)
    arguments.languages = arguments.languages.split(",")
    missing = sorted(set(arguments.languages) - set(here))
    if missing:
        parser.error(f"not built here: {', '.join(missing)} (harmony build); built: {', '.join(here)}")
    return arguments


class Soak:
    """A run.

    Args:
        report: What it adds to.
        numbers: Rounds to perform.
        until: When to begin no more of them.
        directory: For locks and logs. The caller removes it.
    """

    def __init__(self, report: Report, numbers: Iterator[int], until: float, directory: Path) -> None:
        self._report = report
        self._numbers = numbers
        self._until = until
        self._locks = directory / "locks"
        self._locks.mkdir()
        self._crew = Crew(directory)
        self._names = (f"soak-{os.getpid()}-{number}" for number in itertools.count(1))

    async def run(self, lanes: int) -> None:
        """Performs rounds, so many at once, until the time is over."""
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(lanes):
                    group.create_task(self._lane())
        finally:
            await self._crew.close()

    async def _lane(self) -> None:
        while True:
            planned = plan(self._report.seed, next(self._numbers), self._report.languages)
            seen = await Stage(planned, next(self._names), self._crew, self._locks).perform()
            self._report.add(planned, seen, judge(planned, seen))
            if time.monotonic() >= self._until:
                return


async def _run(soak: Soak, lanes: int) -> None:
    task = asyncio.ensure_future(soak.run(lanes))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    await task


def main(argv: Sequence[str] | None = None) -> int:
    """Soaks, reports; returns the exit code."""
    arguments = _arguments(argv)
    seed = random.SystemRandom().randrange(1 << 32) if arguments.seed is None else arguments.seed
    languages = arguments.languages
    report = Report(seed, languages, f"python -m benchmarks soak --seed {seed} --languages {','.join(languages)}")
    # What an agent has forked is reaped here when the agent has died.
    ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1)
    numbers = itertools.count() if arguments.round is None else itertools.repeat(arguments.round)
    console = Console()
    console.print(f"seed {seed}", highlight=False)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="soak-") as directory:
        soak = Soak(report, numbers, began + 60 * arguments.minutes, Path(directory))
        try:
            asyncio.run(_run(soak, arguments.lanes))
            broken_off = 0
        except asyncio.CancelledError:
            broken_off = _BROKEN_OFF
    report.seconds = round(time.monotonic() - began, 1)
    report.show(console)
    if arguments.json:
        arguments.json.write_text(json.dumps(report.to_json(), indent=1), encoding="utf-8")
    return int(bool(report.wrong)) or broken_off
