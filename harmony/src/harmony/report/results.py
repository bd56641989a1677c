"""What a run has shown of each implementation: what deviates, from which clause, with whom, and how to see it again.

Pure, and a function of the run alone: the same files make the same document.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from harmony.model import NetworkKind, Verdict
from harmony.report.outcome import Outcome
from harmony.text import shown
from harmony.verdict.attribution import Answer, Attribution, attributed, by_scenario, weak
from harmony.verdict.blame import way
from harmony.verdict.events import CellFinished, Event, NetworkLine, RunStarted
from harmony.verdict.tally import natural_order
from harmony.verdict.traceability import Seen, Traceability

_LONGEST_SAID: Final = 300
_MOST_SAID: Final = 3
_FIRST_TRACE: Final = 12
_LAST_TRACE: Final = 12


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that deviates.

    Attributes:
        scenario: Its number and name.
        level: ``must``, ``should``, ``may`` or ``arguable``; empty where the scenario says nothing: it must hold.
        clauses: What it cites.
        attribution: Whose it is.
        said: What was expected and seen, each with how often, in one line.
        weak: How many of the cells are of implementations that share code.
        trace: What went from role to role in the first cell.
        repeat: The command that shows it again.
    """

    scenario: str
    level: str
    clauses: tuple[str, ...]
    attribution: Attribution
    said: tuple[tuple[int, str], ...]
    weak: int
    trace: tuple[str, ...]
    repeat: str

    @property
    def weighs(self) -> str:
        """Level and clauses, as a person says it."""
        return " ".join(filter(None, (self.level, ", ".join(self.clauses))))

    @property
    def red(self) -> bool:
        """Whether a cell of it is more than a deviation from what is not asked of everybody."""
        return any(one.verdict is not Verdict.DEVIATES for one in self.attribution.cells)


@dataclass(frozen=True, slots=True)
class Results:
    """All of it.

    Attributes:
        outcome: Of the run.
        dates: The days on which it ran, in UTC.
        seeds: Of everything random.
        unavailable: Platforms that could not play, and why.
        families: By platform, a word that those have in common which share code.
        parts: By platform and role, what came of its cells.
        findings: In the order of the scenarios.
        clauses: What the run shows about each.
    """

    outcome: Outcome
    dates: tuple[str, ...]
    seeds: tuple[int, ...]
    unavailable: Mapping[str, str]
    families: Mapping[str, str]
    parts: Mapping[tuple[str, str], Seen]
    findings: tuple[Finding, ...]
    clauses: Traceability

    @classmethod
    def of(cls, runs: Mapping[str, Sequence[Event]], outcome: Outcome) -> Results:
        """Put together what the events of one run, or of all shards of one, show.

        Args:
            runs: The events of each file.
            outcome: What has been gathered of them.
        """
        events = [event for one in runs.values() for event in one]
        begun = [event for event in events if isinstance(event, RunStarted)]
        families = {name: word for one in begun for name, word in one.families.items()}
        parts: dict[tuple[str, str], Seen] = {}
        for cell in outcome.results:
            for role, platform in cell.pairing.items():
                parts.setdefault((platform, role), Seen()).take(cell)
        return cls(
            outcome,
            tuple(sorted({one.at[:10] for one in begun})),
            tuple(sorted({one.seed for one in begun})),
            {name: why for one in begun for name, why in sorted(one.platforms.items()) if why},
            families,
            {part: parts[part] for part in sorted(parts, key=lambda part: (natural_order(part[0]), part[1]))},
            tuple(findings(outcome.results, families)),
            Traceability.of(events),
        )

    @property
    def open(self) -> list[CellFinished]:
        """The cells that say nothing about an implementation."""
        return [one for one in self.outcome.results if Answer.of(one) is Answer.OPEN]

    @property
    def weak_cells(self) -> int:
        """How many cells are of implementations that share code."""
        return sum(weak(cell, self.families) for cell in self.outcome.results)


def findings(results: Iterable[CellFinished], families: Mapping[str, str]) -> list[Finding]:
    """Return what deviates, scenario by scenario."""
    return [_finding(one, families) for cells in by_scenario(results).values() for one in attributed(cells)]


def mild_lines(results: Iterable[CellFinished]) -> list[str]:
    """Return a line for what deviates and is not red, and whose it is."""
    groups = by_scenario(results).values()
    some = [cell for cells in groups if any(one.verdict is Verdict.DEVIATES for one in cells) for cell in cells]
    mild = [one for one in findings(some, {}) if any(c.verdict is Verdict.DEVIATES for c in one.attribution.cells)]
    return [f"deviates, not red: {shown(one.scenario, 80)} ({one.weighs}): {one.attribution}" for one in mild]


def in_one_line(error: str) -> str:
    """Return what an error says, with what was expected and seen where it says that below."""
    first, *more = error.splitlines() or [""]
    told = {key: text.strip() for key, _, text in (line.strip().partition(": ") for line in more)}
    beside = [f"{key} {told[key]}" for key in ("expected", "seen") if told.get(key)]
    return shown(f"{first}: {', '.join(beside)}" if beside else first, _LONGEST_SAID)


def trace_of(network: Sequence[NetworkLine]) -> tuple[str, ...]:
    """Return what was seen and done between the roles of a cell, a line for each, head and tail."""
    lines = [
        f"{line.at[11:].rstrip('Z')} {'' if line.kind is NetworkKind.STEP else '    '}{shown(str(line), _LONGEST_SAID)}"
        for line in network
    ]
    left = len(lines) - _FIRST_TRACE - _LAST_TRACE
    if left <= 0:
        return tuple(lines)
    return (*lines[:_FIRST_TRACE], f"… {left} lines left out …", *lines[-_LAST_TRACE:])


def _named(cell: CellFinished) -> str:
    """Return the title of a scenario, which has the number of its outline; of a row, its own number, too."""
    return cell.title if not cell.number or cell.number in cell.title.split() else f"{cell.title} ({cell.number})"


def _finding(one: Attribution, families: Mapping[str, str]) -> Finding:
    # What is not of the implementation's kin says most about it.
    first = min(one.cells, key=lambda cell: weak(cell, families))
    ways = Counter(way(cell) for cell in one.cells)
    said = [
        (count, next(cell for cell in one.cells if way(cell) == kind)) for kind, count in ways.most_common(_MOST_SAID)
    ]
    return Finding(
        _named(first),
        first.level,
        tuple(first.clauses),
        one,
        tuple((count, f"{cell.found or cell.verdict}: {in_one_line(cell.error or cell.note)}") for count, cell in said),
        sum(weak(cell, families) for cell in one.cells),
        trace_of(first.network),
        first.repeat,
    )
