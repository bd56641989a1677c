"""Runs scenarios over a mutant until one notices. ``python -m tests.zoo.watch`` writes the table of docs/mutants.md."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from harmony import Project, Verdict, load_project
from harmony.run.local_runner import LocalRun, LocalRunner
from harmony.run.scenario_run import RunOptions
from harmony.spec.gherkin import Scenario
from step_definitions.observer import objects_of_run
from tests.zoo.mutants import MUTANTS, Mutant

ROOT = Path(__file__).resolve().parents[2]
NOTICED = frozenset({Verdict.FAILED, Verdict.TIMED_OUT, Verdict.CRASHED})
SHORT = {
    "ZEROBUFFER_STEPS_READ_TIMEOUT": "2",
    "ZEROBUFFER_STEPS_ATTEMPT_TIMEOUT": "1",
    "ZEROBUFFER_STEPS_BULK_TIMEOUT": "15",
    "ZEROBUFFER_STEPS_IDLE_TIMEOUT": "0.5",
    "ZEROBUFFER_STEPS_SLACK": "0.5",
}
PATIENT = {"ZEROBUFFER_STEPS_BULK_TIMEOUT": "50", "ZEROBUFFER_STEPS_SLACK": "10"}


@dataclass(frozen=True)
class Sighting:
    """Which scenario noticed, and what it said."""

    mutant: Mutant
    scenario: Scenario | None
    error: str
    tried: int
    seconds: float


@cache
def scenarios() -> Mapping[str, Scenario]:
    features, _ = project().features()
    return {scenario.number: scenario for feature in features for scenario in feature.scenarios}


@cache
def project() -> Project:
    return load_project(ROOT)


@cache
def runner(seconds: float) -> LocalRunner:
    return LocalRunner(project().library(), RunOptions(step_timeout=seconds, cleanup_timeout=seconds), show_logs=6)


@contextmanager
def library(name: str, settings: Mapping[str, str]) -> Iterator[None]:
    """Put a library behind the driver."""
    before = dict(os.environ)
    os.environ.update(settings, ZEROBUFFER_STEPS_LIBRARY=name)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def run(name: str, number: str, *, patient: bool) -> LocalRun:
    """Run a scenario over a library, and remove what it leaves; what must pass is given the time of a busy machine."""
    with library(name, PATIENT if patient else SHORT):
        played = runner(60.0 if patient else 15.0).run(scenarios()[number])
        for path in map(Path, objects_of_run(f"_{played.run_id}")):
            path.rmdir() if path.is_dir() else path.unlink(missing_ok=True)
        return played


def watch(mutant: Mutant, numbers: tuple[str, ...] = ()) -> Sighting:
    """Run scenarios over a mutant until one notices."""
    begin = time.monotonic()
    tried = 0
    for number in numbers or mutant.scenarios:
        tried += 1
        result = run(f"tests.zoo.mutants:{mutant.name}", number, patient=False).result
        if result.verdict in NOTICED and result.failure is not None:
            error = result.failure.error.strip().splitlines()[0]
            return Sighting(mutant, result.plan.scenario, error, tried, time.monotonic() - begin)
    return Sighting(mutant, None, "", tried, time.monotonic() - begin)


def table(sightings: Iterable[Sighting]) -> Iterator[str]:
    """Return a table as Markdown, line by line."""
    yield "| mutant | what is wrong | caught by | which says |"
    yield "|---|---|---|---|"
    for one in sightings:
        where = one.scenario.number if one.scenario else "**nothing**"
        said = re.sub(r"_\d+_\d+", "", one.error).replace("|", "\\|")[:110]
        yield f"| `{one.mutant.name}` | {one.mutant.wrong} | {where} | {said} |"


if __name__ == "__main__":
    for line in table(watch(one) for one in MUTANTS.values()):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
