"""What is different from one run to another: cells, causes, times, versions. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from harmony.history.past_run import PastCell, PastRun
from harmony.model import Verdict
from harmony.plan.cells import scenario_of
from harmony.plan.pairing import Pairing
from harmony.verdict.blame import way
from harmony.verdict.tally import natural_order

_LEAST_RUNS: Final = 5
"""Of a cell, for its history to say what is usual."""
_SPREADS: Final = 4.0
"""How many spreads (median absolute deviations, scaled to a standard deviation) above the median are noise."""
_LEAST_SECONDS: Final = 0.1
"""Less than this more is never slower."""
_TIMES: Final = 1.5
"""Neither is less than this many times as long."""
_TIMES_UNKNOWN: Final = 2.0
_SECONDS_UNKNOWN: Final = 0.5
"""The same where history is too short to say what is usual."""


class Kind(StrEnum):
    """How a cell differs; a cell has at most one of them beside ``slower``."""

    NEWLY_RED = "newly-red"
    CHANGED_ERROR = "changed-error"
    NO_LONGER_PASSED = "no-longer-passed"
    VANISHED = "vanished"
    SLOWER = "slower"
    NEWLY_GREEN = "newly-green"
    EXCUSED = "excused"
    NEW = "new"


SAYS: Final[Mapping[Kind, str]] = {
    Kind.NEWLY_RED: "newly red",
    Kind.CHANGED_ERROR: "red for another cause",
    Kind.NO_LONGER_PASSED: "no longer passed, not red",
    Kind.VANISHED: "vanished",
    Kind.SLOWER: "slower than noise",
    Kind.NEWLY_GREEN: "newly green",
    Kind.EXCUSED: "no longer red, not passed",
    Kind.NEW: "new, not red",
}
GATES: Final = (Kind.NEWLY_RED, Kind.CHANGED_ERROR, Kind.NO_LONGER_PASSED, Kind.VANISHED, Kind.SLOWER)
"""What a comparison may fail on."""


@dataclass(frozen=True, slots=True)
class Change:
    """A cell that differs.

    Attributes:
        cell: Its key, with the names of NEW.
        kind: How.
        old: What came of it in OLD, if it was there.
        new: What came of it in NEW, if it is there.
        why: Of a slower one, what was usual.
    """

    cell: str
    kind: Kind
    old: PastCell | None
    new: PastCell | None
    why: str = ""


@dataclass(frozen=True)
class Comparison:
    """Two runs side by side.

    Attributes:
        old: The one, with the names of the other.
        new: The other.
        changes: Each cell that differs, in the order of kinds and scenarios.
        versions: By platform, what it was and what it is; empty where it does not tell.
        notes: What a reader must know to believe the rest.
        names: How platforms of OLD are called here.
    """

    old: PastRun
    new: PastRun
    changes: tuple[Change, ...]
    versions: Mapping[str, tuple[str, str]]
    notes: tuple[str, ...]
    names: Mapping[str, str]

    def of(self, kind: Kind) -> list[Change]:
        """The cells that differ in one way."""
        return [change for change in self.changes if change.kind is kind]


def compare(
    old: PastRun, new: PastRun, past: Sequence[PastRun] = (), names: Mapping[str, str] | None = None
) -> Comparison:
    """Compare two runs.

    Args:
        old: What was.
        new: What is.
        past: Runs from which noise is known.
        names: Platforms of OLD by the names of those in NEW that they are compared with.
    """
    names = names or {}
    before, now = _mapped(old, new, names)
    notes = list(_notes(before, now))
    changes = [
        change
        for key in {**before.cells, **now.cells}
        if (change := _change(key, before.cells.get(key), now.cells.get(key), before, now))
    ]
    slower, said = _slower(before, now, [_mapped(run, new, names)[0] for run in past])
    order = list(Kind)
    changes = sorted([*changes, *slower], key=lambda one: (order.index(one.kind), natural_order(one.cell)))
    return Comparison(before, now, tuple(changes), _versions(old, now, names), (*notes, *said), names)


def _mapped(old: PastRun, new: PastRun, names: Mapping[str, str]) -> tuple[PastRun, PastRun]:
    """Return OLD with other names, and both without the cells in which the other one of a pair plays."""
    if not names:
        return old, new
    theirs = set(names.values()) - set(names)
    ours = set(names) - set(names.values())
    before = old.only(lambda cell: theirs.isdisjoint(cell.pairing.values()))
    renamed: dict[str, PastCell] = {}
    for key, cell in before.cells.items():
        pairing = {role: names.get(platform, platform) for role, platform in cell.pairing.items()}
        renamed[f"{scenario_of(key)}[{Pairing.of(pairing)}]"] = replace(cell, pairing=pairing)
    return replace(before, cells=renamed), new.only(lambda cell: ours.isdisjoint(cell.pairing.values()))


def _change(key: str, old: PastCell | None, new: PastCell | None, before: PastRun, now: PastRun) -> Change | None:
    kind: Kind | None = None
    match old, new:
        case None, PastCell():
            kind = Kind.NEWLY_RED if new.red else Kind.NEW if before.exhaustive else None
        case PastCell(), None:
            kind = Kind.VANISHED if now.exhaustive else None
        case PastCell(), PastCell() if new.red:
            other = not old.red or way(old.result(key, 0)) != way(new.result(key, 0))
            kind = (Kind.CHANGED_ERROR if old.red else Kind.NEWLY_RED) if other else None
        case PastCell(), PastCell() if old.verdict is not new.verdict:
            passed = Verdict.PASSED in {old.verdict, new.verdict}
            green = Kind.NEWLY_GREEN if new.verdict is Verdict.PASSED else Kind.NO_LONGER_PASSED
            kind = green if passed else Kind.EXCUSED if old.red else None
        case _:
            pass
    return Change(key, kind, old, new) if kind else None


def _slower(before: PastRun, now: PastRun, past: Sequence[PastRun]) -> tuple[list[Change], list[str]]:
    """Return the cells that took longer than noise explains, and how that is known.

    A machine that is slower as a whole makes no cell slower: times of NEW are divided by what they usually are, on the
    median over all cells, to those of OLD.
    """
    both = {
        key: (was.seconds, is_.seconds)
        for key, is_ in now.cells.items()
        if (was := before.cells.get(key)) and was.verdict is is_.verdict is Verdict.PASSED
    }
    if not both:
        return [], []
    pace = max(1.0, statistics.median(new / max(old, _LEAST_SECONDS / 100) for old, new in both.values()))
    times: dict[str, list[float]] = {}
    for run in {run.name: run for run in (before, *past)}.values():
        # What other machines need says nothing here, and NEW is not its own noise.
        if run.name != now.name and run.machine == now.machine:
            for key, cell in run.cells.items():
                if key in both and cell.verdict is Verdict.PASSED:
                    times.setdefault(key, []).append(cell.seconds)
    found: list[Change] = []
    for key, (old, new) in both.items():
        known = times.get(key, [])
        usual, limit, why = _usual(known) if len(known) >= _LEAST_RUNS else _guessed(old)
        if new / pace > limit and new > limit:
            told = f"{new:.3f} s, usually {usual:.3f} s, at most {limit:.3f} s is noise ({why})"
            found.append(Change(key, Kind.SLOWER, before.cells[key], now.cells[key], told))
    said = [f"NEW is {pace:.2f} times as slow as a whole: of each cell that is taken off"] if pace > _TIMES else []
    return found, said


def _usual(known: Sequence[float]) -> tuple[float, float, str]:
    usual = statistics.median(known)
    spread = 1.4826 * statistics.median(abs(one - usual) for one in known)
    limit = max(*known, usual + _SPREADS * spread, usual + _LEAST_SECONDS, usual * _TIMES)
    return usual, limit, f"{len(known)} runs"


def _guessed(old: float) -> tuple[float, float, str]:
    return old, max(old * _TIMES_UNKNOWN, old + _SECONDS_UNKNOWN), "history is short"


def _versions(old: PastRun, new: PastRun, names: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Return what each platform was and is, where that differs; one that has another name there, with its name."""
    found = {}
    for was, is_ in names.items():
        found[is_] = (f"{was} {old.versions.get(was, '')}".strip(), f"{is_} {new.versions.get(is_, '')}".strip())
    for name in sorted({*old.versions, *new.versions} - set(names) - set(names.values())):
        pair = (old.versions.get(name, ""), new.versions.get(name, ""))
        if pair[0] != pair[1]:
            found[name] = pair
    return found


def _notes(old: PastRun, new: PastRun) -> Iterable[str]:
    for what, run in (("OLD", old), ("NEW", new)):
        if not run.complete:
            yield f"{what} was broken off: {'; '.join(run.partial)}"
        elif not run.whole:
            yield f"{what} is a part: {'; '.join(run.partial)}"
        yield from (f"not available in {what}: {name}: {why}" for name, why in sorted(run.absent.items()))
    if old.machine != new.machine and old.machine and new.machine:
        yield f"they ran on different machines: {old.machine}; {new.machine}"
