"""What former runs say of a run, as its page shows it: since when what is red, what is flaky, how who has fared. Pure.

The room of history reckons it, for a command, a site and a page alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from harmony.plan.cells import scenario_of
from harmony.text import shown
from harmony.verdict.events import CellFinished

Rates = Mapping[str, Sequence[float | None]]
"""By name the part of its cells that passed, from run to run, the oldest first; nothing where none was played."""
_COMMIT: Final = 12
_MOST_RUNS: Final = 60
"""Of a trend that is drawn."""
_BAR: Final = 5


@dataclass(frozen=True, slots=True)
class Since:
    """How long something is red without a break, as far as runs are known.

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
        known: Whether such a run is known; otherwise it may be red for longer.
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

    def __str__(self) -> str:
        """Return it for a person."""
        runs = "1 run" if self.runs == 1 else f"{self.runs} runs"
        before = "the same commit" if self.after == self.commit else commit(self.after)
        after = f"not before on {before}" if self.known else "or longer: no run before it is known"
        return f"since {commit(self.commit) or self.run} ({shown(self.at[:10], 40)}), {runs}; {after}"


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

    def __str__(self) -> str:
        """Return how often, and in which ways."""
        return f"{self.flips} of {self.repetitions} repetitions; {', '.join(self.verdicts)}"


@dataclass(frozen=True)
class Past:
    """What runs say over time, of which the newest is the one that is shown.

    Attributes:
        moments: When each began and on which commit, the oldest first.
        platforms: How each has fared.
        scenarios: The same.
        red: What is red since when.
        flaky: What ended in two ways although nothing had changed.
    """

    moments: Sequence[str]
    platforms: Rates
    scenarios: Rates
    red: Sequence[Since]
    flaky: Sequence[Flaky]

    def of(self, what: str) -> dict[str, Since]:
        """Return by their names what of a kind is red."""
        return {one.name: one for one in self.red if one.what == what}


def span(cells: Mapping[str, Since], keys: Iterable[str]) -> tuple[Since, Since] | None:
    """Return when the first of some cells became red, and when the last; nothing if none is known to be."""
    times = sorted((cells[key] for key in keys if key in cells), key=lambda known: (known.at, known.run))
    return (times[0], times[-1]) if times else None


def told_since(past: Past | None, keys: Sequence[str]) -> str:
    """Return since when cells are red, and how many of them only now; nothing without an older run."""
    cells = past.of("cell") if past and len(past.moments) > 1 else {}
    times = span(cells, keys)
    if times is None:
        return ""
    new = sum(cells[key].runs == 1 for key in keys if key in cells)
    if new == len(keys):
        return f"new in this run: {times[0]}" if times[0].known else "red for the first time that is known"
    return f"red {times[0]}" + (f"; {new} of {len(keys)} are new in this run" if new else "")


def past_data(past: Past | None, results: Sequence[CellFinished]) -> dict[str, Any] | None:
    """Return what the script of the page reads of it: cells by their keys, scenarios by what stands there for them."""
    if past is None or len(past.moments) < 2:
        return None
    cells = {one.cell for one in results}
    words: dict[str, int] = {}
    scenarios = {scenario_of(one.cell): one.number or one.title for one in results}
    platforms = dict.fromkeys(name for one in results for name in one.pairing.values())
    return {
        "runs": past.moments[-_MOST_RUNS:],
        "red": {key: words.setdefault(str(one), len(words)) for key, one in past.of("cell").items() if key in cells},
        "words": list(words),
        "flaky": {one.cell: (one.score, str(one)) for one in past.flaky if one.cell in cells},
        "scenarios": {
            key: _thousandths(past.scenarios[name]) for key, name in scenarios.items() if name in past.scenarios
        },
        "platforms": {name: _thousandths(past.platforms[name]) for name in platforms if name in past.platforms},
    }


def commit(text: str) -> str:
    """Return a commit as short as a person knows it; a star says that files differed from it."""
    plain = text.removesuffix("-dirty")
    return shown(plain[:_COMMIT], _COMMIT * 8) + ("*" if plain != text else "")


def percent(rates: Sequence[float | None]) -> str:
    """Return the last rate; only the whole is 100, and only nothing is 0."""
    rate = next((rate for rate in reversed(rates) if rate is not None), None)
    return "" if rate is None else _percent(rate)


def bars(rates: Sequence[float | None], moments: Sequence[str]) -> list[dict[str, Any]]:
    """Return a trend as bars, the newest at the right: each as high as the part that passed, and what it says."""
    made = []
    for index, (rate, moment) in enumerate(list(zip(rates, moments, strict=False))[-_MOST_RUNS:]):
        high = 2 if rate is None else max(2, round(rate * 18))
        kind = "none" if rate is None else "good" if rate == 1 else "bad"
        said = "not played" if rate is None else f"{_percent(rate)} passed"
        made.append({"x": index * _BAR, "y": 20 - high, "height": high, "kind": kind, "said": f"{moment}: {said}"})
    return made


def _percent(rate: float) -> str:
    return f"{min(max(rate * 100, 0.1), 99.9):.1f} %" if 0 < rate < 1 else f"{rate * 100:.0f} %"


def _thousandths(rates: Sequence[float | None]) -> list[int]:
    # Cut off: only the whole is a thousand.
    return [-1 if rate is None else int(rate * 1000) for rate in rates[-_MOST_RUNS:]]
