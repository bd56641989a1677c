"""What runs say over time: since when something is red, what is flaky, how platforms and scenarios have fared. Pure.

:func:`over_time` is the one gatherer: the command, the page and the site show what it returns.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any, Final

from harmony.history.past_run import PastCell, PastRun
from harmony.model import Verdict
from harmony.report.causes import headline
from harmony.report.past import Flaky, Past, Since, commit, span
from harmony.text import shown
from harmony.verdict.blame import blame
from harmony.verdict.tally import natural_order

_LEVELS: Final = "▁▂▃▄▅▆▇█"
MOST_CELLS: Final = 200_000
"""Of all runs that a page looks back at: its writing takes no minutes, however much is kept."""
_NONE: Final = "·"
"""Of a run in which nothing of it was played."""


@dataclass(frozen=True, slots=True)
class RedCauses:
    """Red cells with one blame, and since when they are red.

    Attributes:
        headline: Who and what.
        cells: Their keys.
        since: When the first of them became red.
        newest: When the last of them did.
    """

    headline: str
    cells: tuple[str, ...]
    since: Since
    newest: Since


@dataclass(frozen=True)
class OverTime(Past):
    """What runs say over time.

    Attributes:
        runs: The newest first.
        standing: For each cell the run that played it last; what a run of everything has no more is gone.
    """

    runs: Sequence[PastRun]
    standing: Mapping[str, PastRun]

    @cached_property
    def causes(self) -> Sequence[RedCauses]:
        """Why cells are red now, each as it stood when it was last played, and since when."""
        cells = self.of("cell")
        told = []
        for one in blame([run.cells[key].result(key, run.seed) for key, run in self.standing.items()]):
            keys = tuple(result.cell for result in one.cells)
            times = span(cells, keys)
            if times is not None:
                told.append(RedCauses(headline(one), keys, *times))
        return told

    @property
    def document(self) -> dict[str, Any]:
        """All of it for JSON, the runs the oldest first, as the rates are."""
        runs = [
            {"name": run.name, "at": run.at, "commit": run.commit, "whole": run.whole, "counts": run.counts}
            for run in reversed(self.runs)
        ]
        lists = {name: [asdict(one) for one in getattr(self, name)] for name in ("causes", "red", "flaky")}
        return {"runs": runs, "platforms": self.platforms, "scenarios": self.scenarios, **lists}


def over_time(runs: Sequence[PastRun]) -> OverTime:
    """Gather what runs say over time.

    Args:
        runs: The newest first.
    """
    trends = Trends()
    for run in reversed(runs):
        trends.add(run)
    return trends.so_far()


def within(runs: Iterable[PastRun], cells: int = MOST_CELLS) -> list[PastRun]:
    """Return the first of some runs, until they have so many cells together; at least one."""
    found: list[PastRun] = []
    for run in runs:
        found.append(run)
        cells -= len(run.cells)
        if cells < 0:
            break
    return found


def moment(run: PastRun) -> str:
    """Return when a run began, as far as a person wants to know it."""
    return shown(run.at[:16].replace("T", " "), 40)


class Trends:
    """Gathers what runs say over time, run by run, the oldest first; each takes as long as it has cells."""

    def __init__(self) -> None:
        self._runs: list[PastRun] = []
        self._moments: list[str] = []
        self._standing: dict[str, PastRun] = {}
        self._platforms = _Rates(lambda cell: id(cell.pairing), lambda cell: set(cell.pairing.values()))
        self._scenarios = _Rates(lambda cell: cell.number or cell.title, lambda cell: {cell.scenario})
        self._red = (
            _Streaks("platform", lambda _, cell: cell.pairing.values()),
            _Streaks("feature", lambda _, cell: (cell.feature,)),
            _Streaks("cell", lambda key, _: (key,)),
        )
        self._flips = _Flips()

    def add(self, run: PastRun) -> None:
        """Take a run that is newer than all before it."""
        self._runs.append(run)
        self._moments.append(" ".join(filter(None, (moment(run), commit(run.commit)))))
        self._standing = {**({} if run.exhaustive else self._standing), **dict.fromkeys(run.played, run)}
        for one in (self._platforms, self._scenarios, *self._red, self._flips):
            one.add(run)

    def so_far(self) -> OverTime:
        """Return what the runs up to here say; the newest is the one that is shown.

        It is followed from run to run how each cell stands: a run of a part says nothing of what it leaves out.
        """
        cells = [(key, run.cells[key]) for key, run in self._standing.items()]
        return OverTime(
            tuple(self._moments),
            self._platforms.told(),
            self._scenarios.told(),
            [since for one in self._red for since in one.told(cells)],
            self._flips.told(),
            self._runs[::-1],
            dict(self._standing),
        )


class _Streaks:
    """Which names of a kind are red, and since when.

    Args:
        what: The kind.
        names: Of a cell.
    """

    def __init__(self, what: str, names: Callable[[str, PastCell], Iterable[str]]) -> None:
        self._what = what
        self._names = names
        self._red: dict[str, PastCell] = {}
        self._found: dict[str, Since] = {}
        self._green: dict[str, PastRun] = {}

    def add(self, run: PastRun) -> None:
        self._red = {
            **{
                key: cell
                for key, cell in self._red.items()
                if key not in run.played and (key in run.cells or not run.exhaustive)
            },
            **{key: run.cells[key] for key in run.red},
        }
        bad = {name for key, cell in self._red.items() for name in self._names(key, cell)}
        touched = self._touched(run)
        self._green.update(dict.fromkeys(touched - bad, run))
        found = self._found = {name: one for name, one in self._found.items() if name in bad}
        for name in touched & bad:
            if name in found:
                found[name] = replace(found[name], runs=found[name].runs + 1)
            else:
                last = self._green.get(name)
                after = (last.commit or last.name) if last else ""
                found[name] = Since(self._what, name, 0, 0, run.name, run.commit, run.at, 1, after, known=bool(last))

    def told(self, cells: Sequence[tuple[str, PastCell]]) -> list[Since]:
        """Return what is red, the longest first, with how many of the cells that are."""
        sizes = Counter(name for key, cell in cells for name in set(self._names(key, cell)))
        red = Counter(name for key, cell in cells if cell.red for name in set(self._names(key, cell)))
        some = [replace(one, red=red[one.name], of=sizes[one.name]) for one in self._found.values()]
        return sorted(some, key=lambda one: (-one.runs, -one.red, natural_order(one.name)))

    def _touched(self, run: PastRun) -> frozenset[str]:
        """Return what of the kind was played in a run."""
        if self._what == "cell":
            return run.played
        return frozenset(run.platforms if self._what == "platform" else {cell.feature for cell in run.cells.values()})


class _Flips:
    """Which cells ended in two ways although nothing had changed.

    Two runs compare if both know their commit, no file differed from it, and the commit and the versions of those who
    play are the same. A cell that is flaky in a run by itself counts as one repetition that ended otherwise.
    """

    def __init__(self) -> None:
        self._flips: Counter[str] = Counter()
        self._pairs: Counter[str] = Counter()
        self._same: dict[str, dict[str, tuple[object, Verdict]]] = {}
        self._seen: dict[str, tuple[Verdict, ...]] = {}

    def add(self, run: PastRun) -> None:
        pairings = {id(cell.pairing): cell.pairing.values() for cell in run.cells.values()}
        # Who does not play in a cell may have changed.
        versions = {key: tuple(run.versions.get(name) for name in names) for key, names in pairings.items()}
        now = {key: (versions[id(run.cells[key].pairing)], run.cells[key].verdict) for key in run.played}
        own = {key for key, (_, verdict) in now.items() if verdict is Verdict.FLAKY}
        self._flips.update(own)
        self._pairs.update(own)
        if run.clean_commit:
            before = self._same.setdefault(run.clean_commit, {})
            again = {key for key in before.keys() & now.keys() if before[key][0] == now[key][0]}
            self._pairs.update(again)
            self._flips.update(key for key in again if before[key][1] is not now[key][1] and key not in own)
            before.update(now)
        for key, (_, verdict) in now.items():
            seen = self._seen.get(key, ())
            if not seen or seen[0] is not verdict:
                self._seen[key] = (verdict, *(one for one in seen if one is not verdict))

    def told(self) -> list[Flaky]:
        """Return them, the most flaky first."""
        found = [
            Flaky(key, round(count / self._pairs[key], 3), count, self._pairs[key], tuple(map(str, self._seen[key])))
            for key, count in self._flips.items()
        ]
        return sorted(found, key=lambda one: (-one.score, -one.flips, natural_order(one.cell)))


class _Rates:
    """The part of the cells of each name that passed, run by run; nothing where it had none.

    Args:
        kind: What cells with the same names have in common; quick.
        names: Of a cell.
    """

    def __init__(self, kind: Callable[[PastCell], object], names: Callable[[PastCell], Iterable[str]]) -> None:
        self._kind = kind
        self._names = names
        self._found: dict[str, list[float | None]] = {}
        self._runs = 0

    def add(self, run: PastRun) -> None:
        kind = self._kind
        some = {kind(cell): cell for cell in run.cells.values()}
        tally: dict[str, list[int]] = {}
        for (what, verdict), count in Counter((kind(cell), cell.verdict) for cell in run.cells.values()).items():
            # As in the pass rate: unsupported counts neither way.
            for name in self._names(some[what]) if verdict is not Verdict.UNSUPPORTED else ():
                numbers = tally.setdefault(name, [0, 0])
                numbers[0] += count * (verdict is Verdict.PASSED)
                numbers[1] += count
        for name in tally:
            self._found.setdefault(name, [None] * self._runs)
        for name, rates in self._found.items():
            passed, of = tally.get(name, (0, 0))
            rates.append(round(passed / of, 4) if of else None)
        self._runs += 1

    def told(self) -> dict[str, list[float | None]]:
        return {name: list(self._found[name]) for name in sorted(self._found, key=natural_order)}


def sparkline(rates: Sequence[float | None]) -> str:
    """Return rates as a line of bars; only a whole 1 is a full one.

    Example:
        >>> sparkline([1.0, 0.99, None, 0.0])
        '█▇·▁'
    """
    last = len(_LEVELS) - 1
    return "".join(_NONE if rate is None else _LEVELS[min(last, int(rate * last))] for rate in rates)
