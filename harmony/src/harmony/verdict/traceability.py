"""Clause x scenario x platform: what a run shows about each clause of a specification. Pure: events in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Final

from harmony.verdict.attribution import Answer
from harmony.verdict.events import CellFinished, ClauseEntry, Event, SpecificationRead
from harmony.verdict.tally import combined, natural_order

STATES: Final[Mapping[str, str]] = {
    "passed": "every cell passed",
    "partly": "some did, with some partners or in some scenarios",
    "deviates": "none did",
    "unsupported": "it cannot do it",
    "open": "nothing can be told: it was stopped, a step is wrong itself, or something was left behind",
}
"""How a platform in a role can stand to a clause; one that is absent has not played it."""


@dataclass(slots=True)
class Seen:
    """The cells of a clause in which a platform plays a role.

    Attributes:
        passed: How many passed.
        deviating: How many did not do what their scenario says.
        unsupported: How many cannot be done.
        open: How many have no answer.
    """

    passed: int = 0
    deviating: int = 0
    unsupported: int = 0
    open: int = 0

    def take(self, cell: CellFinished) -> None:
        """Count a cell."""
        match Answer.of(cell):
            case Answer.PASSED:
                self.passed += 1
            case Answer.DEVIATES:
                self.deviating += 1
            case Answer.UNSUPPORTED:
                self.unsupported += 1
            case Answer.OPEN:
                self.open += 1

    @property
    def counts(self) -> dict[str, int]:
        """The numbers by their names."""
        return asdict(self)

    @property
    def state(self) -> str:
        """One of :data:`STATES`."""
        if self.deviating:
            return "partly" if self.passed else "deviates"
        if self.passed:
            return "passed"
        return "unsupported" if self.unsupported else "open"


@dataclass(frozen=True, slots=True)
class Row:
    """A clause.

    Attributes:
        clause: It, with the scenarios that cite it.
        seen: By role and platform, what came of its cells.
    """

    clause: ClauseEntry
    seen: Mapping[tuple[str, str], Seen] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Traceability:
    """The table.

    Attributes:
        document: Where the clauses come from; empty where there are only citations.
        columns: Role and platform.
        rows: In the order of the document; what it has not got, at last.
    """

    document: str
    columns: tuple[tuple[str, str], ...]
    rows: tuple[Row, ...]

    @property
    def uncited(self) -> list[ClauseEntry]:
        """The clauses that no scenario cites."""
        return [row.clause for row in self.rows if not row.clause.scenarios]

    @classmethod
    def of(cls, events: Iterable[Event]) -> Traceability:
        """Put together what one run or several shards have told."""
        entries: dict[str, ClauseEntry] = {}
        document = ""
        results: list[CellFinished] = []
        for event in events:
            if isinstance(event, SpecificationRead):
                document = event.document or document
                entries |= {one.id: one for one in event.clauses}
            elif isinstance(event, CellFinished):
                results.append(event)
        seen: dict[str, dict[tuple[str, str], Seen]] = {}
        for result in combined(results):
            for clause in result.clauses:
                entries.setdefault(clause, ClauseEntry(id=clause, scenarios=[result.number or result.title]))
                for player in result.pairing.items():
                    seen.setdefault(clause, {}).setdefault(player, Seen()).take(result)
        columns = sorted({player for one in seen.values() for player in one}, key=_order)
        rows = tuple(Row(entry, seen.get(number, {})) for number, entry in entries.items())
        return cls(document, tuple(columns), rows)


def rows_for_programs(table: Traceability) -> list[dict[str, object]]:
    """Return the rows as JSON has them."""
    return [
        {**row.clause.model_dump(), "platforms": [_told(player, row.seen[player]) for player in _players(row.seen)]}
        for row in table.rows
    ]


def _players(seen: Mapping[tuple[str, str], Seen]) -> Sequence[tuple[str, str]]:
    return sorted(seen, key=_order)


def _told(player: tuple[str, str], seen: Seen) -> dict[str, object]:
    return {"role": player[0], "platform": player[1], "state": seen.state, **seen.counts}


def _order(player: tuple[str, str]) -> tuple[object, ...]:
    return player[0], natural_order(player[1])
