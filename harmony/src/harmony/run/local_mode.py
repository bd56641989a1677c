"""Every role in this process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

from harmony.logs import LEVELS
from harmony.plan.cells import Cell, plan_cells
from harmony.plan.pairing import Pairing, PairingRequest
from harmony.plan.seeds import seed_of
from harmony.process.child import ProcessSpec
from harmony.process.resources import ResourceMonitor
from harmony.run.local_runner import PLATFORM, LocalRunner
from harmony.run.mode import Played
from harmony.run.pool import spec_of
from harmony.run.project_run import ProjectRun
from harmony.spec.gherkin import Scenario
from harmony.spec.routing import roles_of
from harmony.verdict.event_factory import cell_finished, cell_started, step_finished, step_started
from harmony.verdict.events import Subscriber
from harmony.verdict.judging import by_expectations
from harmony.verdict.patience import Limit
from harmony.verdict.result import ScenarioResult


class LocalMode:
    """Plays scenarios with the project's steps in this process; a cell is a scenario."""

    unavailable: Mapping[str, str] = {}
    versions: Mapping[str, str] = {}

    def __init__(self, run: ProjectRun) -> None:
        self._run = run

    def cells(self, scenarios: Sequence[Scenario]) -> list[Cell]:
        """Return a cell for each scenario."""
        return [local_cell(scenario) for scenario in scenarios]

    every_cell = cells

    def title(self, cell: Cell) -> str:
        """Return the scenario's own."""
        return cell.scenario.id

    def play(self, cell: Cell, tell: Subscriber, limits: Mapping[str, Limit]) -> Played:
        """Run the scenario; who plays is always the same, and has the whole limit."""
        del limits
        tell(cell_started(cell, seed_of(self._run.seed, cell.scenario)))
        done = self._runner.run(
            cell.scenario,
            observe=lambda one: tell(step_finished(cell, one)),
            begins=lambda step: tell(step_started(cell, step)),
        )
        facts: list[tuple[str, object]] = [(f"timing {name}", str(timing)) for name, timing in done.timings.items()]
        if done.usage is not None:
            facts.append(("memory_mb", round(done.usage.memory_mb, 1)))
            facts.append(("cpu_seconds", round(done.usage.cpu_seconds, 3)))
        result = self.judge(cell, done.result)
        tell(cell_finished(cell, result, self.repeat(cell)))
        return Played(result, facts)

    def judge(self, cell: Cell, result: ScenarioResult) -> ScenarioResult:
        """Return a result in the light of what is expected."""
        return self._run.weighed(by_expectations(result, cell, self._run.expectations), cell.scenario)

    def repeat(self, cell: Cell) -> str:
        """Return the command that runs the scenario again."""
        return self._run.repeat(cell.scenario)

    def close(self, tell: Subscriber) -> None:
        """Nothing runs on between two scenarios."""

    @cached_property
    def _runner(self) -> LocalRunner:
        settings = self._run.project.settings
        library = self._run.library
        monitor = ResourceMonitor(settings.leaks, self._run.project.probes()) if settings.leaks.check else None
        level = LEVELS[settings.log_level]
        return LocalRunner(library, self._run.options, monitor, self._run.seed, level, self._driver())

    def _driver(self) -> ProcessSpec | None:
        settings, root = self._run.project.settings, self._run.project.home
        name = settings.driver.local
        if not name:
            return None
        platform = settings.platforms[name]
        return spec_of(name, platform, platform.driver_command, root)


def local_cell(scenario: Scenario) -> Cell:
    """Return the cell of a scenario that runs in this process."""
    return Cell(scenario, Pairing.of(dict.fromkeys(roles_of(scenario), PLATFORM)))


def possible_cells(run: ProjectRun) -> list[Cell]:
    """Return every cell there could be: in this process, and over all pairings of all platforms of the project."""
    platforms = run.project.settings.platforms
    return [*map(local_cell, run.scenarios), *plan_cells(run.scenarios, platforms, PairingRequest())]
