"""How each cell stands, and since when. Pure: it is told events, and is asked for rows."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from harmony.model import Verdict
from harmony.plan.pairing import Pairing
from harmony.plan.touched import Touched
from harmony.report.narration import LONGEST_CAUSE
from harmony.text import shown
from harmony.verdict.events import CellFinished, CellStarted, Event
from harmony.verdict.verdicts import counted, is_red


@dataclass(slots=True)
class Row:
    """How a cell stands.

    Attributes:
        title: Number and title of the scenario.
        pairing: Who plays, in short.
        feature: Its feature.
        verdict: What it was found to be; none before the first time.
        since: The moment of the event since which it is that.
        running: Whether it plays.
        cause: Why it is not what it should be.
        changed: Whether the last event about it has changed the verdict.
    """

    title: str
    pairing: str
    feature: str = ""
    verdict: Verdict | None = None
    since: str = ""
    running: bool = False
    cause: str = ""
    changed: bool = False

    @property
    def red(self) -> bool:
        """Whether it spoils the run."""
        return self.verdict is not None and is_red(self.verdict)

    @property
    def clock(self) -> str:
        """The local time since which it is so."""
        return local_time(self.since) if self.since else ""


class Board:
    """All cells that have been seen."""

    def __init__(self) -> None:
        self._rows: dict[str, Row] = {}
        self._seen: set[str] = set()

    def take(self, event: Event) -> Row | None:
        """Take an event; return the row that it is the end of."""
        match event:
            case CellStarted():
                self._row(event.cell, event.scenario, event.pairing).running = True
                return None
            case CellFinished():
                row = self._row(event.cell, event.title, event.pairing)
                row.changed = row.verdict is not event.verdict
                if row.changed:
                    row.verdict, row.since = event.verdict, event.at
                row.feature, row.running = event.feature, False
                row.cause = shown(event.said, LONGEST_CAUSE)
                self._seen.add(event.cell)
                return row
            case _:
                return None

    def begin(self) -> None:
        """Begin a run; one before it may have been cut short."""
        self._seen.clear()
        for row in self._rows.values():
            row.running = False

    def end(self, touched: Touched) -> None:
        """End a run that has come to its end: a cell that was to run and did not is no more."""
        features = {self._rows[key].feature for key in self._seen}
        for key, row in list(self._rows.items()):
            meant = touched.everything or (not touched.platforms and row.feature in features)
            if self._seen and meant and key not in self._seen:
                del self._rows[key]

    def rows(self) -> list[Row]:
        """Return the rows: red ones first, then what plays, then what has changed last."""
        lately = sorted(self._rows.values(), key=lambda row: row.since, reverse=True)
        return sorted(lately, key=lambda row: (not row.red, not row.running))

    def counts(self) -> str:
        """Say how many there are of each verdict."""
        return counted(row.verdict for row in self._rows.values() if row.verdict is not None) or "nothing yet"

    def seen(self) -> tuple[int, int]:
        """Return how many cells have ended in this run, and how many of them are red."""
        return len(self._seen), sum(self._rows[key].red for key in self._seen)

    def _row(self, key: str, title: str, pairing: dict[str, str]) -> Row:
        return self._rows.setdefault(key, Row(title, Pairing.of(pairing).word))


def local_time(moment: str) -> str:
    """Return the local time of a moment in UTC."""
    return dt.datetime.fromisoformat(moment).astimezone().strftime("%H:%M:%S")
