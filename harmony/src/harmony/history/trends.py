"""What runs say over time: since when something is red, what is flaky, how platforms and scenarios have fared. Pure.

:func:`over_time` is the one gatherer: the command, the page and the site show what it returns.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from harmony.history.past_run import PastCell, PastRun
from harmony.model import Verdict
from harmony.report.causes import headline
from harmony.verdict.blame import blame
from harmony.verdict.tally import natural_order

_LEVELS: Final = "▁▂▃▄▅▆▇█"
Rates = dict[str, list[float | None]]
_NONE: Final = "·"
"""Of a run in which nothing of it was played."""


@dataclass(frozen=True, slots=True)
class Since:
    """How long something is red without a break, as far as runs are kept.

    Attributes:
        what: A cell, a feature or a platform.
        name: Its name.
        red: How many of its cells are red now, each as it stood when it was last played.
        of: How many it has.
        run: The first run of this red time.
        commit: Of that run.
        at: When that was.
        runs: How many runs that are.
        after: The commit of the last run before in which nothing of it was red; empty if none is known.
        known: Whether such a run is kept; otherwise it may be red for longer.
    """

    what: str
    name: str
    red: int
    of: int
    run: str
    commit: str
    at: str
    runs: int
    after: str
    known: bool


@dataclass(frozen=True, slots=True)
class Flaky:
    """A cell that ended in two ways although nothing had changed.

    Attributes:
        cell: Its key.
        score: The part of the repetitions in which it ended otherwise than before: 0 never, 1 each time.
        flips: How many these are.
        repetitions: How many pairs of runs on the same commit and with the same versions of those who play had it.
        verdicts: How it ended, the newest first, each once.
    """

    cell: str
    score: float
    flips: int
    repetitions: int
    verdicts: tuple[str, ...]


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
class OverTime:
    """What runs say over time.

    Attributes:
        runs: The newest first.
        platforms: By name the part of its cells that passed, from run to run, the oldest first.
        scenarios: The same.
        causes: Why cells are red now.
        red: What is red since when.
        flaky: What ended in two ways although nothing had changed.
    """

    runs: Sequence[PastRun]
    platforms: Rates
    scenarios: Rates
    causes: Sequence[RedCauses]
    red: Sequence[Since]
    flaky: Sequence[Flaky]

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
    since = red_since(runs)
    return OverTime(
        runs,
        _rates(oldest_first, lambda cell: id(cell.pairing), lambda cell: set(cell.pairing.values())),
        _rates(oldest_first, lambda cell: cell.number or cell.title, lambda cell: {cell.scenario}),
        red_causes(runs, since),
        since,
        flaky(runs),
    )


def standing(runs: Sequence[PastRun]) -> dict[str, PastRun]:
    """Return for each cell the run that played it last; what a run of everything has no more is gone."""
    stand: dict[str, PastRun] = {}
    for run in runs:
        stand = {**dict.fromkeys(run.played, run), **stand}
        if run.exhaustive:
            break
    return stand


def red_causes(runs: Sequence[PastRun], since: Sequence[Since]) -> list[RedCauses]:
    """Return why cells are red now, each as it stood when it was last played, and since when.

    Args:
        runs: The newest first.
        since: What is red since when.
    """
    results = [run.cells[key].result(key, run.seed) for key, run in standing(runs).items()]
    begun = {one.name: one for one in since if one.what == "cell"}
    told = []
    for one in blame(results):
        keys = tuple(result.cell for result in one.cells)
        times = sorted((begun[key] for key in keys), key=lambda known: (known.at, known.run))
        told.append(RedCauses(headline(one), keys, times[0], times[-1]))
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
) -> Rates:
    """Return for each name the part of its cells that passed, run by run; nothing where it had none.

    Args:
        runs: The oldest first.
        kind: What cells with the same names have in common; quick.
        names: Of a cell.
    """
    found: Rates = {}
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


def percent(rates: Sequence[float | None]) -> str:
    """Return the last rate; only the whole is 100, and only nothing is 0."""
    rate = next((rate for rate in reversed(rates) if rate is not None), None)
    if rate is None:
        return ""
    return f"{min(max(rate * 100, 0.1), 99.9):.1f} %" if 0 < rate < 1 else f"{rate * 100:.0f} %"
