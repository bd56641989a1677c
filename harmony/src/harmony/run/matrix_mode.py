"""Each role in a process of its own, over every pairing that was asked for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from harmony.errors import ConfigurationError
from harmony.plan.cells import Cell, plan_cells
from harmony.plan.pairing import PairingRequest
from harmony.plan.platforms import STRENGTHS, playing
from harmony.platform_settings import Platform
from harmony.process.remains import LeakProbe
from harmony.run.mode import Played
from harmony.run.orchestrator import CellRunner
from harmony.run.pool import WorkerPool
from harmony.run.pool import unavailable as reason_of
from harmony.run.project_run import ProjectRun
from harmony.run.versions import version_of
from harmony.spec.capabilities import asked
from harmony.spec.gherkin import Scenario
from harmony.verdict.events import Event, Subscriber, WorkerStarted
from harmony.verdict.implementations import implementations
from harmony.verdict.judging import by_claims, by_definitions, by_expectations
from harmony.verdict.lacks import Lack, Lacks
from harmony.verdict.patience import Limit
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


class MatrixMode:
    """Plays cells with workers and drivers.

    Attributes:
        root: The directory from which they are started.

    Args:
        run: The project and what was chosen.
        request: What was asked for.
    """

    def __init__(self, run: ProjectRun, request: MatrixRequest) -> None:
        self._run = run
        self._request = request
        self.root = run.project.home
        self._runner: CellRunner | None = None

    @cached_property
    def platforms(self) -> dict[str, Platform]:
        """The platforms that can be started here.

        Raises:
            ConfigurationError: There is none, or one that was named cannot be started.
        """
        every = self._playing
        if not self._run.project.settings.platforms:
            raise ConfigurationError(
                "the project file has no platforms", hint="add one: [platforms.NAME] with command = [...]"
            )
        missing = self.unavailable
        named = self._request.pairings.named(every)
        for name in sorted(named & missing.keys()):
            raise ConfigurationError(f"{name} is not available: {missing[name]}", hint="build it, or leave it out")
        return {name: platform for name, platform in every.items() if name not in missing}

    @cached_property
    def _playing(self) -> dict[str, Platform]:
        """The platforms that may play, whether they can be started here or not."""
        return playing(self._run.project.settings.platforms, self._request.pairings)

    @cached_property
    def unavailable(self) -> dict[str, str]:
        """The platforms that cannot be started here, and why."""
        reasons = {name: reason_of(name, platform, self.root) for name, platform in self._playing.items()}
        return {name: reason for name, reason in reasons.items() if reason}

    @cached_property
    def versions(self) -> dict[str, str]:
        """What the platforms are that cannot tell it themselves, as a command prints it."""
        return {name: version_of(one, self.root) for name, one in self.platforms.items() if one.version}

    def look_again(self) -> None:
        """Find out anew what can be started here.

        Raises:
            HarmonyError: Nothing can, or not what was named.
        """
        for name in ("unavailable", "platforms"):
            self.__dict__.pop(name, None)
        _ = self.platforms

    def cells(self, scenarios: Sequence[Scenario]) -> list[Cell]:
        """Return the cells of some scenarios."""
        return plan_cells(scenarios, self.platforms, self._request.pairings)

    def every_cell(self, scenarios: Sequence[Scenario]) -> list[Cell]:
        """Return the cells of some scenarios over all pairings of what is here that the project asks for."""
        strength = STRENGTHS[self._run.project.settings.pairings]
        return plan_cells(scenarios, self.platforms, PairingRequest(strength=strength))

    def title(self, cell: Cell) -> str:
        """Return the scenario's, with the pairing."""
        return cell.name

    def play(self, cell: Cell, tell: Subscriber, limits: Mapping[str, Limit]) -> Played:
        """Run the cell."""
        heard: list[Event] = []

        def hear(event: Event) -> None:
            if isinstance(event, WorkerStarted):
                heard.append(event)
            tell(event)

        result = self._cell_runner.run(cell, hear, limits, known=self._known(cell))
        drivers = {one.platform: one.drivers for one in implementations(heard)}
        versions = [(f"version {name}", ", ".join(told)) for name, told in drivers.items()]
        return Played(result, [("pairing", str(cell.pairing)), *versions])

    def close(self, tell: Subscriber) -> None:
        """End all workers."""
        runner, self._runner = self._runner, None
        if runner is not None:
            runner.close(tell)

    def repeat(self, cell: Cell) -> str:
        """Return the command that repeats one cell."""
        return self._run.repeat(cell.scenario, cell.pairing)

    def lacks(self, cell: Cell) -> Lacks:
        """Return which capabilities a cell needs and nobody claims."""
        settings = self._run.project.settings
        needed = asked(cell.scenario.tags, settings.capabilities)
        return frozenset(
            Lack(role, platform, one.capability)
            for role, platform in cell.pairing.assigned
            for one in needed
            if one.of(role) and not settings.platforms[platform].claims(one.capability, role)
        )

    def lacking(self, cell: Cell) -> list[str]:
        """Say which capabilities a cell needs and nobody claims: `cpp: duplex`, or `cpp as reader: duplex`."""
        settings = self._run.project.settings
        of_one = {one.capability for one in asked(cell.scenario.tags, settings.capabilities) if one.role}
        lacking = [
            f"{lack.platform} as {lack.role}: {lack.capability}"
            if lack.capability in of_one or settings.platforms[lack.platform].differs(lack.role)
            else f"{lack.platform}: {lack.capability}"
            for lack in sorted(self.lacks(cell), key=lambda lack: (lack.platform, lack.role, lack.capability))
        ]
        return list(dict.fromkeys(lacking))

    def believable(self, cell: Cell) -> Lacks:
        """Return what a cell lacks, if nothing else is known of it: what is expected is always played."""
        lacks = self.lacks(cell)
        expected = lacks and self._run.expectations.about(cell, dt.datetime.now(dt.UTC).date())
        return frozenset() if expected else lacks

    def judge(self, cell: Cell, result: ScenarioResult) -> ScenarioResult:
        """Return a result in the light of what is claimed and what is expected."""
        told = by_definitions(result, self._run.defined)
        judged = by_expectations(by_claims(told, self.lacking(cell)), cell, self._run.expectations)
        return self._run.weighed(judged, cell.scenario)

    def _known(self, cell: Cell) -> bool:
        """Whether a cell is known not to pass, or not to be red, and steps may be less patient then."""
        if not self._run.project.settings.patience:
            return False
        if self.lacks(cell) or not self._run.is_asked_of_all(cell.scenario):
            return True
        return self._run.expectations.expect_failure(cell, dt.datetime.now(dt.UTC).date())

    def _probes(self, platform: str = "") -> list[LeakProbe]:
        return self._run.project.probes(platform) if self._run.project.settings.leaks.check else []

    @property
    def _cell_runner(self) -> CellRunner:
        if self._runner is None:
            settings = self._run.project.settings
            options = self._run.options
            longest = max([options.step_timeout, *options.tag_timeouts.values()])
            pool = WorkerPool(
                settings.platforms, self.root, self._run.seed, step_timeout=longest, library=lambda: self._run.library
            )
            self._runner = CellRunner(
                pool,
                options,
                probes=self._probes(),
                own_probes={name: self._probes(name) for name in settings.platforms},
                careless=[name for name, platform in settings.platforms.items() if not platform.leaks.check],
                seed=self._run.seed,
                repeat=self.repeat,
                judge=self.judge,
                record=self._request.record,
            )
        return self._runner
