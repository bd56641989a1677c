"""Stops what fails the same way again and again, so that a broken program does not cost its deadline in every cell.

Pure: events in; out comes why a cell is not worth to be run. Who stops is whoever the longest row of like endings has
in common: a platform, a platform in a role, or a pairing. Every other ending of a cell with it begins the row anew.
Of several, who has ended well before is not meant: whether that was in between depends on the order alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from harmony.model import Verdict
from harmony.plan.pairing import Pairing
from harmony.verdict.blame import plainest, players, way
from harmony.verdict.events import CellFinished, Event
from harmony.verdict.verdicts import FAILING

_SCENARIOS_THAT_HANG: Final = 2
"""Of one scenario alone nobody is stopped: it may be what hangs."""
_NEUTRAL: Final = frozenset({Verdict.KNOWN_FAILURE, Verdict.DEVIATES})


_Like = Verdict | tuple[Verdict, str, str, str] | None
"""What likens endings: that they are timeouts, or the way in which they failed; nothing for one that stops nobody."""


@dataclass(slots=True)
class _Row:
    """Like endings, one after the other, of cells that have something in common."""

    like: _Like
    cells: list[str] = field(default_factory=list)
    scenarios: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Stop:
    who: frozenset[str]
    why: str


class Fuse:
    """Hears how cells end, and says which others are not to be run.

    Args:
        limit: How many times in a row: timeouts of any kind in so many cells of two scenarios or more; anything else,
            alike but for its values, in so many scenarios. 0 for never.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._rows: dict[str, _Row] = {}
        self._stops: list[_Stop] = []
        self._well: set[str] = set()
        self._heard: set[tuple[str, str]] = set()

    def __call__(self, event: Event) -> None:
        """Take an event, once."""
        if not self._limit or not isinstance(event, CellFinished) or (event.cell, event.at) in self._heard:
            return
        self._heard.add((event.cell, event.at))
        if event.verdict in _NEUTRAL or event.late or not event.played:
            return
        traits = _traits(event.pairing)
        like = _like(event)
        for trait in traits:
            row = self._rows.get(trait)
            if row is None or row.like != like:
                row = self._rows[trait] = _Row(like)
            row.cells.append(event.cell)
            row.scenarios.add(event.number or event.title)
        if like is None:
            self._well |= traits
        elif not self.stopped(event.pairing):
            self._judge(event, traits)

    def stopped(self, pairing: Mapping[str, str]) -> str:
        """Say why a cell of a pairing is not to be run; nothing if it is."""
        traits = _traits(pairing)
        return next((stop.why for stop in self._stops if stop.who <= traits), "")

    def _judge(self, event: CellFinished, traits: frozenset[str]) -> None:
        longest = max((self._rows[trait] for trait in traits), key=lambda row: len(row.cells))
        hangs = event.verdict is Verdict.TIMED_OUT
        needed = min(self._limit, _SCENARIOS_THAT_HANG) if hangs else self._limit
        if len(longest.cells) < self._limit or len(longest.scenarios) < needed:
            return
        common = frozenset(trait for trait in traits if self._rows[trait].cells == longest.cells)
        who = common - self._well or common
        times = len(longest.cells)
        what = f"{times} timeouts of" if hangs else f"{times} times {event.verdict} alike in"
        said = event.error.partition("\n")[0]
        where = f" {event.step or 'the set-up'}"
        self._stops.append(_Stop(who, f"{_name(who, event.pairing)} stopped after {what}{where}: {said}"))


def _like(event: CellFinished) -> _Like:
    if event.verdict not in FAILING:
        return None
    return Verdict.TIMED_OUT if event.verdict is Verdict.TIMED_OUT else way(event)


def _traits(pairing: Mapping[str, str]) -> frozenset[str]:
    return players(pairing) | {str(Pairing.of(pairing))}


def _name(who: frozenset[str], pairing: Mapping[str, str]) -> str:
    all_roles = Pairing.of(pairing)
    return all_roles.word if str(all_roles) in who else ", ".join(sorted(plainest(who)))
