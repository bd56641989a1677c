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
    """

    runs: Sequence[PastRun]

    @cached_property
    def causes(self) -> Sequence[RedCauses]:
        """Why cells are red now, each as it stood when it was last played, and since when."""
        return red_causes(self.runs, self.of("cell"))

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
    oldest_first = list(reversed(runs))
    return OverTime(
        [" ".join(filter(None, (moment(run), commit(run.commit)))) for run in oldest_first],
        _rates(oldest_first, lambda cell: id(cell.pairing), lambda cell: set(cell.pairing.values())),
        _rates(oldest_first, lambda cell: cell.number or cell.title, lambda cell: {cell.scenario}),
        red_since(runs),
        flaky(runs),
        runs,
    )


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


def standing(runs: Sequence[PastRun]) -> dict[str, PastRun]:
    """Return for each cell the run that played it last; what a run of everything has no more is gone."""
    stand: dict[str, PastRun] = {}
    for run in runs:
        stand = {**dict.fromkeys(run.played, run), **stand}
        if run.exhaustive:
            break
    return stand


def red_causes(runs: Sequence[PastRun], cells: Mapping[str, Since]) -> list[RedCauses]:
    """Return why cells are red now, each as it stood when it was last played, and since when.

    Args:
        runs: The newest first.
        cells: By the key of each red cell, since when it is.
    """
    results = [run.cells[key].result(key, run.seed) for key, run in standing(runs).items()]
    told = []
    for one in blame(results):
        keys = tuple(result.cell for result in one.cells)
        times = span(cells, keys)
        if times is not None:
            told.append(RedCauses(headline(one), keys, *times))
    return told


def red_since(runs: Sequence[PastRun]) -> list[Since]:
    """Return which platforms, features and cells are red now, and since when; the longest red first of each kind.

    It is followed from run to run how each cell stands: a run of a part says nothing of what it leaves out.
    """
    kinds: tuple[tuple[str, Callable[[str, PastCell], Iterable[str]]], ...] = (
        ("platform", lambda _, cell: cell.pairing.values()),
        ("feature", lambda _, cell: (cell.feature,)),
        ("cell", lambda key, _: (key,)),
    )
    cells = [(key, run.cells[key]) for key, run in standing(runs).items()]
    told: list[Since] = []
    for what, names in kinds:
        found = _streaks(what, names, runs)
        sizes = Counter(name for key, cell in cells for name in set(names(key, cell)))
        red = Counter(name for key, cell in cells if cell.red for name in set(names(key, cell)))
        some = [replace(one, red=red[one.name], of=sizes[one.name]) for one in found]
        told += sorted(some, key=lambda one: (-one.runs, -one.red, natural_order(one.name)))
    return told


def _streaks(what: str, names: Callable[[str, PastCell], Iterable[str]], runs: Sequence[PastRun]) -> Iterable[Since]:
    red: dict[str, PastCell] = {}
    found: dict[str, Since] = {}
    green: dict[str, PastRun] = {}
    for run in reversed(runs):
        red = {
            **{
                key: cell
                for key, cell in red.items()
                if key not in run.played and (key in run.cells or not run.exhaustive)
            },
            **{key: run.cells[key] for key in run.red},
        }
        bad = {name for key, cell in red.items() for name in names(key, cell)}
        touched = _touched(what, run)
        green.update(dict.fromkeys(touched - bad, run))
        found = {name: one for name, one in found.items() if name in bad}
        for name in touched & bad:
            if name in found:
                found[name] = replace(found[name], runs=found[name].runs + 1)
            else:
                last = green.get(name)
                after = (last.commit or last.name) if last else ""
                found[name] = Since(what, name, 0, 0, run.name, run.commit, run.at, 1, after, known=bool(last))
    return found.values()


def _touched(what: str, run: PastRun) -> frozenset[str]:
    """Return what of a kind was played in a run."""
    if what == "cell":
        return run.played
    return frozenset(run.platforms if what == "platform" else {cell.feature for cell in run.cells.values()})


def flaky(runs: Sequence[PastRun]) -> list[Flaky]:
    """Return the cells that ended in two ways although nothing had changed, the most flaky first.

    Two runs compare if both know their commit, no file differed from it, and the commit and the versions of those who
    play are the same. A cell that is flaky in a run by itself counts as one repetition that ended otherwise.
    """
    flips: Counter[str] = Counter()
    pairs: Counter[str] = Counter()
    same: dict[str, dict[str, tuple[object, Verdict]]] = {}
    for run in reversed(runs):
        pairings = {id(cell.pairing): cell.pairing.values() for cell in run.cells.values()}
        # Who does not play in a cell may have changed.
        versions = {key: tuple(run.versions.get(name) for name in names) for key, names in pairings.items()}
        now = {key: (versions[id(run.cells[key].pairing)], run.cells[key].verdict) for key in run.played}
        own = {key for key, (_, verdict) in now.items() if verdict is Verdict.FLAKY}
        flips.update(own)
        pairs.update(own)
        if run.clean_commit:
            before = same.setdefault(run.clean_commit, {})
            again = {key for key in before.keys() & now.keys() if before[key][0] == now[key][0]}
            pairs.update(again)
            flips.update(key for key in again if before[key][1] is not now[key][1] and key not in own)
            before.update(now)
    found = []
    for key, count in flips.items():
        seen = dict.fromkeys(run.cells[key].verdict.value for run in runs if key in run.played)
        found.append(Flaky(key, round(count / pairs[key], 3), count, pairs[key], tuple(seen)))
    return sorted(found, key=lambda one: (-one.score, -one.flips, natural_order(one.cell)))


def _rates(
    runs: Sequence[PastRun], kind: Callable[[PastCell], object], names: Callable[[PastCell], Iterable[str]]
) -> dict[str, list[float | None]]:
    """Return for each name the part of its cells that passed, run by run; nothing where it had none.

    Args:
        runs: The oldest first.
        kind: What cells with the same names have in common; quick.
        names: Of a cell.
    """
    found: dict[str, list[float | None]] = {}
    for index, run in enumerate(runs):
        some = {kind(cell): cell for cell in run.cells.values()}
        tally: dict[str, list[int]] = {}
        for (what, verdict), count in Counter((kind(cell), cell.verdict) for cell in run.cells.values()).items():
            # As in the pass rate: unsupported counts neither way.
            for name in names(some[what]) if verdict is not Verdict.UNSUPPORTED else ():
                numbers = tally.setdefault(name, [0, 0])
                numbers[0] += count * (verdict is Verdict.PASSED)
                numbers[1] += count
        for name, (passed, of) in tally.items():
            found.setdefault(name, [None] * len(runs))[index] = round(passed / of, 4)
    return dict(sorted(found.items(), key=lambda entry: natural_order(entry[0])))


def sparkline(rates: Sequence[float | None]) -> str:
    """Return rates as a line of bars; only a whole 1 is a full one.

    Example:
        >>> sparkline([1.0, 0.99, None, 0.0])
        '█▇·▁'
    """
    last = len(_LEVELS) - 1
    return "".join(_NONE if rate is None else _LEVELS[min(last, int(rate * last))] for rate in rates)
