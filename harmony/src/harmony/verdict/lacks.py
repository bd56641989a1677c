"""Believes that a platform lacks something, once a cell has shown it: the others that need the same are not played.

Pure: events in; out comes which cell has shown what another one lacks. A lack is shown by a cell that was played and
failed, or declined. A crash, a deadline and a pass show none, and then the next cell of the same lacks is played.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from harmony.model import Verdict
from harmony.verdict.events import CellFinished, Event

_SHOWING: Final = frozenset({Verdict.FAILED, Verdict.UNSUPPORTED})


@dataclass(frozen=True, slots=True, order=True)
class Lack:
    """A capability that a scenario asks for and that who plays there does not claim.

    Attributes:
        role: Who is asked.
        platform: Who plays it.
        capability: What is not claimed.
    """

    role: str
    platform: str
    capability: str


Lacks = frozenset[Lack]


class Believer:
    """Hears how cells end, and says of which others it is known what comes of them.

    Args:
        lacking: What each cell lacks, by its key, in the order in which they are played; a cell that lacks nothing, or
            is always played, is absent.
    """

    def __init__(self, lacking: Mapping[str, Lacks]) -> None:
        self._lacking = lacking
        self._shown: dict[Lacks, str] = {}

    def __call__(self, event: Event) -> None:
        """Take an event."""
        if not isinstance(event, CellFinished) or not event.played or event.late:
            return
        lacks = self._lacking.get(event.cell)
        if lacks and event.verdict is Verdict.UNSUPPORTED and event.found in _SHOWING:
            self._shown.setdefault(lacks, event.cell)

    def shown_by(self, cell: str) -> str:
        """Return the cell that has shown a lack of this one; nothing if this one is to be played."""
        lacks = self._lacking.get(cell, frozenset())
        return next((by for shown, by in self._shown.items() if shown <= lacks and by != cell), "")

    def first_and_last(self) -> tuple[set[str], set[str]]:
        """Return the cells that show a lack, which are played first, and those that wait for them till the end."""
        first: dict[Lacks, str] = {}
        for cell, lacks in self._lacking.items():
            first.setdefault(lacks, cell)
        showing = {cell for lacks, cell in first.items() if not any(other < lacks for other in first)}
        return showing, self._lacking.keys() - showing
