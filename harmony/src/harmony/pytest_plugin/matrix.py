"""The matrix of a pytest session: what is asked for, the cells as items, and what came of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pytest

from harmony.config import Platform
from harmony.errors import ConfigurationError
from harmony.plan.cells import Cell, plan_cells
from harmony.plan.pairing import PairingRequest, split_word
from harmony.process.resources import load_probes
from harmony.pytest_plugin.items import FeatureFile, HarmonyRun, ScenarioItem
from harmony.run.orchestrator import CellRunner
from harmony.run.pool import WorkerPool, unavailable
from harmony.spec.gherkin import Scenario
from harmony.verdict.events import Event, line
from harmony.verdict.judging import by_claims, by_expectations
from harmony.verdict.result import ScenarioResult


@dataclass(frozen=True, slots=True)
class MatrixRequest:
    """What a person asked of the matrix.

    Attributes:
        pairings: Which pairings.
        record: Directory for recordings.
    """

    pairings: PairingRequest = field(default_factory=PairingRequest)
    record: Path | None = None


class Matrix:
    """One matrix run over a project.

    Args:
        run: The pytest session's project and selection.
        request: What was asked for.
    """

    def __init__(self, run: HarmonyRun, request: MatrixRequest) -> None:
        self.run = run
        self.request = request
        self.root = run.project.root
        self._runner: CellRunner | None = None

    @cached_property
    def platforms(self) -> dict[str, Platform]:
        """The platforms that can be started here.

        Raises:
            ConfigurationError: There is none, or one that was named cannot be started.
        """
        every = self.run.project.settings.platforms
        if not every:
            raise ConfigurationError(
                "the project file has no platforms", hint="add one: [platforms.NAME] with command = [...]"
            )
        missing = self.missing
        pairings = self.request.pairings
        named = set(pairings.roles.values())
        for word in pairings.words:
            named |= (
                {part.partition("=")[2] for part in word.split(",")} if "=" in word else set(split_word(word, every))
            )
        for name in sorted(named & missing.keys()):
            raise ConfigurationError(f"{name} is not available: {missing[name]}", hint="build it, or leave it out")
        return {name: platform for name, platform in every.items() if name not in missing}

    @cached_property
    def missing(self) -> dict[str, str]:
        """The platforms that cannot be started here, and why."""
        every = self.run.project.settings.platforms
        reasons = {name: unavailable(name, platform, self.root) for name, platform in every.items()}
        return {name: reason for name, reason in reasons.items() if reason}

    def cells(self, scenarios: Sequence[Scenario]) -> list[Cell]:
        """Return the cells of some scenarios."""
        return plan_cells(scenarios, sorted(self.platforms), self.request.pairings)

    def every_cell(self, scenarios: Sequence[Scenario]) -> list[Cell]:
        """Return the cells of some scenarios over all pairings of what is here."""
        return plan_cells(scenarios, sorted(self.platforms), PairingRequest())

    @property
    def runner(self) -> CellRunner:
        """What runs the cells."""
        if self._runner is None:
            settings = self.run.project.settings
            options = self.run.options
            longest = max([options.step_timeout, *options.tag_timeouts.values()])
            pool = WorkerPool(
                settings.platforms, self.root, self.run.seed, step_timeout=longest, library=lambda: self.run.library
            )
            self._runner = CellRunner(
                pool,
                options,
                probes=load_probes(settings.leaks.probes) if settings.leaks.check else (),
                seed=self.run.seed,
                repeat=self.repeat,
                judge=self.judged,
                record=self.request.record,
            )
        return self._runner

    def close(self) -> None:
        """End all workers."""
        runner, self._runner = self._runner, None
        if runner is not None:
            runner.close(lambda event: self.run.last_lines.append(line(event)))

    def repeat(self, cell: Cell) -> str:
        """Return the command that repeats one cell."""
        words = cell.scenario.number or f'"{cell.scenario.title}"'
        return self.run.project.settings.repeat.format(words=f"{cell.pairing.word} {words}", seed=self.run.seed)

    def lacking(self, cell: Cell) -> list[str]:
        """Return which capabilities a cell needs and its platforms do not claim: `cpp: duplex`."""
        settings = self.run.project.settings
        needed = [tag for tag in cell.scenario.tags if tag in settings.capabilities]
        return [
            f"{platform}: {tag}"
            for platform in sorted(set(cell.pairing.platforms.values()))
            for tag in needed
            if tag not in settings.platforms[platform].capabilities
        ]

    def judged(self, cell: Cell, result: ScenarioResult) -> ScenarioResult:
        """Return a result in the light of what is claimed and what is expected."""
        return by_expectations(by_claims(result, self.lacking(cell)), cell, self.run.expectations)

    def items(self, parent: FeatureFile, scenario: Scenario) -> Iterator[pytest.Item]:
        """Return an item for each cell of a scenario."""
        for cell in self.cells([scenario]):
            yield CellItem.of_cell(parent, cell, self)


class CellItem(ScenarioItem):
    """One scenario with one pairing, each role in a process of its own."""

    matrix: Matrix

    @classmethod
    def of_cell(cls, parent: FeatureFile, cell: Cell, matrix: Matrix) -> CellItem:
        """Make the item of a cell."""
        item = cls.of(parent, cell, matrix.run, name=cell.name)
        item.matrix = matrix
        return item

    def play(self, tell: Callable[[Event], None]) -> ScenarioResult:
        """Run the cell, tell what happens, and return what came of it."""
        self.user_properties.append(("pairing", str(self.cell.pairing)))
        return self.matrix.runner.run(self.cell, tell).result
