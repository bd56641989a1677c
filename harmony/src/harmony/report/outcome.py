"""What came of one run, or of all shards of one, whichever form it is told in. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from harmony.errors import ExitCode
from harmony.verdict.blame import Blame, blame
from harmony.verdict.events import (
    CellFinished,
    ClauseEntry,
    Event,
    PlannedCells,
    RunFinished,
    RunPlanned,
    SpecificationRead,
    StepSupport,
)
from harmony.verdict.implementations import Implementation, implementations
from harmony.verdict.tally import combined, exit_code, rate_line, whole_plan
from harmony.verdict.verdicts import BROKEN_OFF


@dataclass(frozen=True)
class Outcome:
    """Results, and how a run ends that has them.

    Attributes:
        files: What was read.
        results: One for each cell.
        problems: What is wrong with the expectations.
        lacking: What of the plan has no result.
        supports: Which platform has which step, of those that somebody lacks.
        min_pass_rate: What forgives up to it; nothing does if absent.
        implementations: What has played, and who has told it.
        clauses: What scenarios may cite, and which do.
        planned: How many cells of each pairing are played, of a run that has not ended.
        to_come: How many cells of the plan have no result yet; nothing of a run that has ended.
        broken_off: How a run ended that did not come to its end.
    """

    files: tuple[str, ...]
    results: Sequence[CellFinished]
    problems: Sequence[str]
    lacking: Sequence[str]
    supports: Sequence[StepSupport]
    min_pass_rate: float | None = None
    implementations: Sequence[Implementation] = ()
    clauses: Sequence[ClauseEntry] = ()
    planned: Sequence[PlannedCells] = ()
    to_come: int | None = None
    broken_off: ExitCode | None = None

    @classmethod
    def of(cls, runs: Mapping[str, Sequence[Event]], min_pass_rate: float | None = None) -> Outcome:
        """Put the events of several files together.

        Raises:
            ConfigurationError: The files do not divide one plan.
        """
        results, lacking = whole_plan(runs)
        every = [event for events in runs.values() for event in events]
        problems = {problem for event in every if isinstance(event, RunFinished) for problem in event.problems}
        supports = [event for event in every if isinstance(event, StepSupport)]
        players = implementations(every)
        told = [*_told(broken_off := _broken_off(every)), *lacking]
        return cls(
            tuple(runs),
            results,
            sorted(problems),
            told,
            supports,
            min_pass_rate,
            players,
            _clauses(every),
            broken_off=broken_off,
        )

    @classmethod
    def at_end(cls, events: Sequence[Event], min_pass_rate: float | None = None) -> Outcome:
        """Return what came of the run, or of the shard, whose events these are; it has just ended."""
        results, planned = _played(events)
        (end,) = (event for event in events if isinstance(event, RunFinished))
        lacking = [f"{planned - len(results)} of {planned} cells have no result"] if len(results) < planned else []
        broken_off = _broken_off([end])
        if end.exit_code and broken_off is None and exit_code(results, end.problems, min_pass_rate) is ExitCode.OK:
            lacking.append(f"the run ended with exit code {end.exit_code}")
        supports = [event for event in events if isinstance(event, StepSupport)]
        players = implementations(events)
        told = [*_told(broken_off), *lacking]
        clauses = _clauses(events)
        return cls((), results, end.problems, told, supports, min_pass_rate, players, clauses, broken_off=broken_off)

    @classmethod
    def so_far(cls, events: Sequence[Event], min_pass_rate: float | None = None) -> Outcome:
        """Return what has come of a run that may go on."""
        if any(isinstance(event, RunFinished) for event in events):
            return cls.at_end(events, min_pass_rate)
        results, planned = _played(events)
        left = max(planned - len(results), 0)
        plans = [one for event in events if isinstance(event, RunPlanned) for one in event.pairings]
        players = implementations(events)
        return cls((), results, (), (), (), min_pass_rate, players, planned=plans, to_come=left)

    @cached_property
    def code(self) -> ExitCode:
        """How the run ends."""
        if self.broken_off is not None:
            return self.broken_off
        code = exit_code(self.results, self.problems, self.min_pass_rate)
        return ExitCode.FAILED if code is ExitCode.OK and (self.lacking or not self.results) else code

    @property
    def word(self) -> str:
        """How the run ends, in a word or two."""
        if self.to_come is not None:
            return "running"
        if self.code is not ExitCode.OK:
            return self.code.name.lower().replace("_", " ")
        return "red cells forgiven" if self.blames else "passed"

    @cached_property
    def blames(self) -> list[Blame]:
        """Who and what made cells red."""
        return blame(self.results)

    @property
    def rate(self) -> str:
        """The pass rate beside the one that is asked for; nothing where none is."""
        return "" if self.min_pass_rate is None else rate_line(self.results, self.min_pass_rate)


def _played(events: Sequence[Event]) -> tuple[list[CellFinished], int]:
    """Return one result for each cell, and of how many cells there should be one."""
    results = combined(event for event in events if isinstance(event, CellFinished))
    return results, next((event.cells for event in events if isinstance(event, RunPlanned)), len(results))


def _broken_off(events: Iterable[Event]) -> ExitCode | None:
    ends = (event.exit_code for event in events if isinstance(event, RunFinished))
    return next((ExitCode(code) for code in ends if code in BROKEN_OFF), None)


def _told(broken_off: ExitCode | None) -> list[str]:
    if broken_off is None:
        return []
    why = {ExitCode.INTERRUPTED: "it was interrupted", ExitCode.INTERNAL: "an internal error"}.get(broken_off)
    return [f"the run was broken off: {why or f'exit code {broken_off:d}'}"]


def _clauses(events: Sequence[Event]) -> list[ClauseEntry]:
    told = {one.id: one for event in events if isinstance(event, SpecificationRead) for one in event.clauses}
    return list(told.values())
