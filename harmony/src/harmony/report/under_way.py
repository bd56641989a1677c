"""A run under way: which features are done, what plays and since when, how long it will take. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from harmony.model import Verdict
from harmony.plan.cells import scenario_of
from harmony.plan.durations import typical
from harmony.plan.pairing import Pairing
from harmony.report.progress import FeatureState, Playing
from harmony.verdict.events import (
    CellFinished,
    CellGoesOn,
    CellStarted,
    Event,
    RunFinished,
    RunPlanned,
    StepStarted,
)
from harmony.verdict.verdicts import counted

_ENOUGH: Final = 3
"""How many cells tell how fast a run is."""
_PART: Final = 0.05
"""Which part of what is known to be to do tells it."""


class UnderWay:
    """Keeps how a run stands.

    Args:
        past: How long cells took that passed in earlier runs, by their keys.

    Attributes:
        planned: How many cells run; 0 until that is known.
        features: By name, in the order of the run.
        playing: By their keys, those that have begun and not ended.
        others: How many tests have ended that are no cells.
        others_failed: How many of them failed.
        finished: How the run has ended; none before.
    """

    def __init__(self, past: Mapping[str, float] | None = None) -> None:
        self.planned = 0
        self.features: dict[str, FeatureState] = {}
        self.playing: dict[str, Playing] = {}
        self.others = self.others_failed = 0
        self.finished: RunFinished | None = None
        self._past = past or {}
        self._typical = typical(self._past)
        self._slowest: dict[str, float] = {}
        for cell, seconds in self._past.items():
            self._passed(cell, seconds)
        self._to_do = self._done = 0.0
        self._began: float | None = None

    def take(self, event: Event, now: float) -> FeatureState | None:
        """Take an event; return the feature that it is the end of."""
        match event:
            case RunPlanned():
                self.planned, self._to_do = event.cells, event.seconds
                self.features = {name: FeatureState(name, cells) for name, cells in event.features.items()}
            case CellStarted():
                self._began = now if self._began is None else self._began
                name = f"{event.scenario.partition(' ')[0]} {Pairing.of(event.pairing).word}"
                self.playing[event.cell] = Playing(name, now, self._before(event.cell))
            case StepStarted() if event.cell in self.playing:
                self.playing[event.cell].step = event.step
            case CellGoesOn() if event.cell in self.playing:
                self.playing[event.cell].stderr = event.stderr
            case CellFinished():
                return self._end(event, now)
            case RunFinished():
                self.finished = event
            case _:
                pass
        return None

    @property
    def ended(self) -> int:
        """How many cells have ended."""
        return sum(len(one.ended) for one in self.features.values())

    @property
    def red(self) -> int:
        """How many of them are red."""
        return sum(one.red for one in self.features.values())

    def counts(self) -> str:
        """Say how many ended how."""
        return counted(verdict for one in self.features.values() for verdict in one.ended.values())

    def seconds(self, now: float) -> float:
        """Return how long cells have played."""
        return 0.0 if self._began is None else now - self._began

    def longest(self) -> list[Playing]:
        """Return what plays, the longest first."""
        return sorted(self.playing.values(), key=lambda one: one.since)

    def left(self, now: float) -> float | None:
        """Return how many seconds the run will still take: by what cells took before, or else by what they take now.

        None where nobody can know, and at the end, when what still plays has taken longer than it should.
        """
        known = self._to_do > 0
        total = self._to_do if known else float(self.planned)
        under_way = self._under_way(now) if known else 0.0
        done = min(total, self._done + under_way)
        rest = total - done
        if self._began is None or self.ended >= self.planned or rest <= 0:
            return None
        if known and done < _PART * total:
            return rest / max(1, len(self.playing))
        if not known and self.ended < _ENOUGH:
            return None
        return rest * (now - self._began) / done if done else None

    def _under_way(self, now: float) -> float:
        """Return how much of what is known to be to do those have done that play."""
        return sum(min(now - one.since, self._weight(cell)) for cell, one in self.playing.items())

    def _weight(self, cell: str) -> float:
        return self._past.get(cell, self._typical) if self._to_do > 0 else 1.0

    def _before(self, cell: str) -> float | None:
        return self._past.get(cell, self._slowest.get(scenario_of(cell)))

    def _passed(self, cell: str, seconds: float) -> None:
        scenario = scenario_of(cell)
        self._slowest[scenario] = max(seconds, self._slowest.get(scenario, 0.0))

    def _end(self, event: CellFinished, now: float) -> FeatureState | None:
        feature = self.features.setdefault(event.feature, FeatureState(event.feature))
        playing = self.playing.pop(event.cell, None)
        was_done = feature.is_done and feature.ended
        if event.cell not in feature.ended:
            self._done += self._weight(event.cell)
            began = playing.since if playing else now
            feature.began = min(feature.began, began) if feature.ended else began
        feature.ended[event.cell] = event.verdict
        feature.total = max(feature.total, len(feature.ended))
        feature.seconds = now - feature.began
        if event.verdict is Verdict.PASSED:
            self._passed(event.cell, event.seconds)
        return feature if feature.is_done and not was_done else None
