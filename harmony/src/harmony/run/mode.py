"""Where the roles of a run's scenarios are played: the one seam between a session and what plays its cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from harmony.plan.cells import Cell
from harmony.spec.gherkin import Scenario
from harmony.verdict.events import Subscriber
from harmony.verdict.patience import Limit
from harmony.verdict.result import ScenarioResult


@dataclass(frozen=True, slots=True)
class Played:
    """What playing a cell gave.

    Attributes:
        result: What came of it, in the light of what is claimed and expected.
        facts: Names and values that belong beside it in reports.
    """

    result: ScenarioResult
    facts: Sequence[tuple[str, object]] = ()


class Mode(Protocol):
    """Plays cells."""

    @property
    def unavailable(self) -> Mapping[str, str]:
        """Platforms that cannot be started here, and why."""

    @property
    def versions(self) -> Mapping[str, str]:
        """What the platforms are that cannot tell it themselves, as a command prints it."""

    def cells(self, scenarios: Sequence[Scenario]) -> list[Cell]:
        """Return the cells of some scenarios that were asked for."""

    def every_cell(self, scenarios: Sequence[Scenario]) -> list[Cell]:
        """Return all cells of some scenarios that could run here."""

    def title(self, cell: Cell) -> str:
        """Return what a cell is called in this run."""

    def play(self, cell: Cell, tell: Subscriber, limits: Mapping[str, Limit]) -> Played:
        """Run a cell to its end and tell what happens, when it happens.

        Args:
            cell: The cell.
            tell: Hears it.
            limits: How long steps of roles may take that are not given the whole limit.
        """

    def judge(self, cell: Cell, result: ScenarioResult) -> ScenarioResult:
        """Return a result in the light of what is claimed and what is expected."""

    def repeat(self, cell: Cell) -> str:
        """Return the command that repeats a cell."""

    def close(self, tell: Subscriber) -> None:
        """End all that plays, and tell how it ended."""
