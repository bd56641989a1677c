"""A run while it goes on, as lines: what is red, what is done, each step if that is asked for. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from harmony.errors import ExitCode
from harmony.model import Phase, Verdict
from harmony.plan.pairing import Pairing
from harmony.report.github import LogFolds
from harmony.report.progress import FeatureState, clock, tails
from harmony.report.under_way import UnderWay
from harmony.text import several, shown
from harmony.verdict.blame import way
from harmony.verdict.events import CellFinished, CellStarted, Event, RunFinished, RunPlanned, RunStarted, StepFinished
from harmony.verdict.verdicts import BROKEN_OFF, MEANINGS, counted, is_red

LONGEST_CAUSE: Final = 300
"""Characters of it on a line."""
SILENCE: Final = 30.0
"""Seconds after which something is said although nothing has ended."""
_NAMED: Final = 3
"""How many cells that play it names."""
_TAIL: Final = 5
_AROUND: Final = {Phase.START: "(set-up)", Phase.FINISH: "(clean-up)"}


class Line(NamedTuple):
    """What is said, and its colour where there is one."""

    text: str
    style: str = ""


class Narration:
    """Tells what happens in lines.

    Args:
        under_way: How the run stands, which is told each event before this.
        name: The project, where a person may not know which it is.
        begins: Whether to tell how it begins.
        steps: Whether to tell each step.
        mixed: Whether cells run side by side, so that each line must say whose it is.
        drawn: Whether somebody draws how far the run is; otherwise each feature is told when it is done.
        folds: Folds the cells of a feature below its line; without it only the line is told.
    """

    def __init__(
        self,
        under_way: UnderWay,
        *,
        name: str = "",
        begins: bool = True,
        steps: bool = False,
        mixed: bool = False,
        drawn: bool = False,
        folds: LogFolds | None = None,
    ) -> None:
        self._run = under_way
        self._name = f"{name}: " if name else ""
        self._begins = begins
        self._steps = steps
        self._mixed = mixed
        self._drawn = drawn
        self._folds = folds
        self._names: dict[str, str] = {}
        self._ways: set[object] = set()
        self._folded: dict[str, list[str]] = {}
        self._tails: set[str] = set()

    def lines(self, event: Event, now: float, done: FeatureState | None = None) -> Iterator[Line]:
        """Give the lines of an event.

        Args:
            event: What has happened.
            now: The time.
            done: The feature that has come to its end by it.
        """
        match event:
            case RunStarted() if self._begins:
                yield Line(f"harmony: {self._name}seed {event.seed}")
            case RunPlanned() if self._begins:
                part = f", shard {event.shard} of {event.of}" if event.shard else ""
                yield Line(f"{several(event.cells, 'cell')}{part}")
            case CellStarted() if self._steps:
                self._names[event.cell] = f"{event.cell.partition('[')[0]} {Pairing.of(event.pairing).word}"
                if not self._mixed:
                    yield Line(f"{event.scenario} [{Pairing.of(event.pairing)}]")
            case StepFinished() if self._steps:
                yield from self._step(event)
            case CellFinished():
                yield from self._end(event)
                if done is not None and not self._drawn and not self._steps:
                    yield from self._feature(done)
            case RunFinished():
                yield from self._rest(event, now)
            case _:
                pass

    def beat(self, now: float) -> Iterator[Line]:
        """Give lines for a time in which nothing has ended, so that nobody takes a long run for one that hangs."""
        run = self._run
        left = run.left(now)
        parts = [f"{run.ended} of {several(run.planned, 'cell')} after {clock(run.seconds(now))}"]
        parts += [f"{run.red} red"] if run.red else []
        parts += [f"about {clock(left)} left"] if left is not None else []
        longest = run.longest()
        plays = [f"{one.name} for {one.told(now)}" for one in longest[:_NAMED]]
        plays += [f"and {len(longest) - _NAMED} more"] if len(longest) > _NAMED else []
        yield Line("; ".join([", ".join(parts), *([f"playing {', '.join(plays)}"] if plays else [])]))
        for one in longest[:_NAMED]:
            if one.is_late(now) and one.stderr and one.name not in self._tails:
                self._tails.add(one.name)
                yield Line(f"    {one.name}: {one.step}")
                yield from (Line(f"      {text}") for text in tails(one, _TAIL))

    def _step(self, event: StepFinished) -> Iterator[Line]:
        # What surrounds the steps is of interest only where it goes wrong.
        if not event.step and event.verdict is Verdict.PASSED:
            return
        what = event.step or _AROUND.get(event.phase, f"({event.phase})")
        roles = ", ".join(event.outcomes)
        style = MEANINGS[event.verdict].style if event.verdict is not Verdict.PASSED else ""
        yield Line(
            f"{self._before(event.cell)}{event.verdict:<11} {event.seconds * 1e3:8.1f} ms  {roles}: {what}", style
        )

    def _end(self, event: CellFinished) -> Iterator[Line]:
        red, style, cause = is_red(event.verdict), MEANINGS[event.verdict].style, shown(event.said, LONGEST_CAUSE)
        repeat = []
        # Hundreds may fail the same way; the report at the end has them all.
        if red and event.repeat and event.verdict is not Verdict.NOT_RUN and way(event) not in self._ways:
            self._ways.add(way(event))
            repeat = [Line(f"    repeat with: {event.repeat}")]
        if self._steps and not event.late:
            told = f"{self._before(event.cell)}= {event.verdict:<9} {event.seconds:8.3f} s   {cause}".rstrip()
            yield Line(told, style)
            yield from repeat
        elif red:
            yield Line(f"{event.verdict} {event.title} [{Pairing.of(event.pairing)}]: {cause}", style)
            yield from repeat
        if self._folds:
            text = f"{event.verdict:<11} {event.seconds:8.3f} s  {event.title} [{Pairing.of(event.pairing)}]"
            self._folded.setdefault(event.feature, []).append(f"{text}  {cause}".rstrip())

    def _feature(self, feature: FeatureState) -> Iterator[Line]:
        left = feature.total - len(feature.ended)
        more = f", {left} without a result" if left else ""
        title = f"{feature.mark} {feature.name}: {counted(feature.ended.values())}{more} ({feature.seconds:.1f} s)"
        cells = self._folded.pop(feature.name, [])
        yield from map(Line, self._folds.folded(title, cells) if self._folds and cells else [title])

    def _rest(self, event: RunFinished, now: float) -> Iterator[Line]:
        """Give what is told of features that have not come to their end, and of cells: no report of these will come."""
        if not self._drawn and not self._steps:
            for feature in self._run.features.values():
                if feature.ended and not feature.is_done:
                    yield from self._feature(feature)
        if event.exit_code not in BROKEN_OFF or not (self._run.planned or event.exit_code == ExitCode.INTERRUPTED):
            return
        far = (
            f"after {self._run.ended} of {several(self._run.planned, 'cell')}" if self._run.planned else "at its start"
        )
        yield Line(f"broken off {far}", "bold red")
        for one in self._run.longest():
            yield Line(f"  {one.name} played for {one.told(now)}{f': {one.step}' if one.step else ''}")
            yield from (Line(f"      {text}") for text in tails(one, _TAIL))

    def _before(self, cell: str) -> str:
        return f"{self._names.get(cell, cell)} | " if self._mixed else "  "
