"""Which platform has which step: collected while a run tells what happens, shown where somebody lacks one. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from harmony.model import Phase, Verdict
from harmony.text import several
from harmony.verdict.events import (
    ActorOutcome,
    CellFinished,
    CellStarted,
    Event,
    PlatformSupport,
    StepFinished,
    StepSupport,
    Support,
)
from harmony.verdict.tally import natural_order
from harmony.wire.step_contract import is_missing_step

_QUOTED: Final = re.compile(r"(?<!\w)'[^']*'( process\b)?")
_HAVING: Final = frozenset({Verdict.PASSED, Verdict.FAILED})
_LONGEST_WORDS: Final = 200


def sentence_shape(sentence: str) -> str:
    """Return a sentence without its keyword and its values: what one step definition stands for."""
    return _QUOTED.sub(lambda found: found[0] if found[1] else "'…'", sentence.partition(" ")[2])


def support_of(outcome: ActorOutcome) -> Support | None:
    """Return what an outcome shows about a step; none if a crash or a hang leaves it open."""
    if outcome.verdict is Verdict.UNDEFINED or (
        outcome.verdict is not Verdict.PASSED and is_missing_step(outcome.error)
    ):
        return Support.LACKS
    if outcome.verdict is Verdict.UNSUPPORTED:
        return Support.DECLINES
    return Support.HAS if outcome.verdict in _HAVING else None


@dataclass(slots=True)
class _Seen:
    cells: set[str] = field(default_factory=set)
    state: Support = Support.HAS
    words: str = ""


class SupportCollector:
    """A subscriber that learns from every step which platform has it."""

    def __init__(self) -> None:
        self._pairings: dict[str, Mapping[str, str]] = {}
        self._steps: dict[str, dict[str, _Seen]] = {}

    def __call__(self, event: Event) -> None:
        """Take one event."""
        if isinstance(event, CellStarted):
            self._pairings[event.cell] = event.pairing
        elif isinstance(event, CellFinished):
            self._pairings.pop(event.cell, None)
        elif isinstance(event, StepFinished) and event.phase is Phase.STEP:
            pairing = self._pairings.get(event.cell, {})
            for key, outcome in event.outcomes.items():
                # `writer#2` and `writer (before)` are other processes of the writer.
                platform = pairing.get(re.split(r"[# ]", key)[0])
                state = support_of(outcome)
                if platform is not None and state is not None:
                    self._take(event, platform, state, outcome.error)

    def events(self) -> list[StepSupport]:
        """Return what is to be told: each step that somebody lacks, and how everybody else stands to it."""
        return [
            StepSupport(step=step, platforms={name: _summary(one) for name, one in sorted(platforms.items())})
            for step, platforms in sorted(self._steps.items(), key=lambda entry: natural_order(entry[0]))
            if any(one.state is not Support.HAS for one in platforms.values())
        ]

    def _take(self, event: StepFinished, platform: str, state: Support, words: str) -> None:
        seen = self._steps.setdefault(sentence_shape(event.step), {}).setdefault(platform, _Seen())
        if state is Support.HAS:
            return
        seen.cells.add(event.cell)
        if seen.state is not Support.LACKS:
            seen.state = state
            seen.words = seen.words if seen.words and state is Support.DECLINES else _first_line(words)


@dataclass(frozen=True, slots=True)
class SupportTable:
    """The steps that somebody lacks.

    Attributes:
        platforms: The columns.
        rows: Step, and what is known of each platform; a platform that was never asked is absent.
    """

    platforms: tuple[str, ...]
    rows: Mapping[str, Mapping[str, PlatformSupport]]

    @classmethod
    def of(cls, events: Iterable[Event], platforms: Iterable[str] = ()) -> SupportTable:
        """Put together what one run or several shards have told.

        Args:
            events: Of them all.
            platforms: Columns that there are anyway.
        """
        rows: dict[str, dict[str, PlatformSupport]] = {}
        for event in events:
            if isinstance(event, StepSupport):
                row = rows.setdefault(event.step, {})
                for name, one in event.platforms.items():
                    row[name] = _together(row.get(name), one)
        columns = sorted({*platforms, *(name for row in rows.values() for name in row)})
        return cls(tuple(columns), {step: rows[step] for step in sorted(rows, key=natural_order)})


def support_lines(table: SupportTable) -> list[str]:
    """Return the table for a terminal: nothing if nobody lacks anything."""
    if not table.rows:
        return []
    heading = "step x platform"
    left = max(len(heading), *(len(step) for step in table.rows))
    sizes = [max(len(name), len(Support.DECLINES)) for name in table.platforms]
    head = (f"{name:^{size}}" for name, size in zip(table.platforms, sizes, strict=True))
    lines = ["  ".join([f"{heading:<{left}}", *head]).rstrip()]
    for step, row in table.rows.items():
        words = (word(row.get(name)) for name in table.platforms)
        shown = (f"{text:^{size}}" for text, size in zip(words, sizes, strict=True))
        lines.append("  ".join([f"{step:<{left}}", *shown]).rstrip())
        lines += [f"    {name}, {in_cells(one)}: {one.words}" for name, one in row.items() if one.words]
    return lines


def word(one: PlatformSupport | None) -> str:
    """Return what stands in a cell; nothing for a platform that was never asked."""
    return one.state.value if one else ""


def in_cells(one: PlatformSupport) -> str:
    """Return how many cells that cost."""
    return several(one.cells, "cell")


def unclaimed(notes: Sequence[str]) -> list[str]:
    """Return which capabilities are not claimed and how many cells that makes unsupported, from the cells' notes."""
    found = {note: notes.count(note) for note in sorted({*notes}) if note.startswith("not claimed: ")}
    return [f"{note} ({several(count, 'cell')})" for note, count in found.items()]


def _summary(seen: _Seen) -> PlatformSupport:
    return PlatformSupport(state=seen.state, cells=len(seen.cells), words=seen.words)


def _together(one: PlatformSupport | None, other: PlatformSupport) -> PlatformSupport:
    if one is None:
        return other
    gravest = max((one, other), key=lambda each: list(Support).index(each.state))
    return gravest.model_copy(update={"cells": one.cells + other.cells})


def _first_line(text: str) -> str:
    line = text.strip().partition("\n")[0]
    return line if len(line) <= _LONGEST_WORDS else f"{line[: _LONGEST_WORDS - 1]}…"
