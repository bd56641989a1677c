"""The matrix of a pytest session: what is asked for, the cells as items, and what came of them."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

import pytest

from harmony.actor import Verdict
from harmony.config import Platform
from harmony.errors import ConfigurationError
from harmony.events import CellFinished, line
from harmony.expectations import EXPECTATIONS_FILE, Expectation, judge, problems, read_expectations
from harmony.failure_report import one_line
from harmony.gherkin import Scenario
from harmony.items import RESULT, FeatureFile, HarmonyRun, ScenarioFailedError, ScenarioItem
from harmony.orchestrator import CellRunner
from harmony.pairing import PairingRequest, split_word
from harmony.planning import Cell, plan_cells, shard
from harmony.pool import WorkerPool, unavailable
from harmony.resources import load_probes
from harmony.scenario_run import ScenarioResult, merged

STATE_DIRECTORY: Final = ".harmony"
DURATIONS_FILE: Final = "durations.json"


@dataclass(frozen=True, slots=True)
class MatrixRequest:
    """What a person asked of the matrix.

    Attributes:
        pairings: Which pairings.
        shard: Which part of how many; everything if absent.
        record: Directory for recordings.
        expectations: File with what is known to fail.
    """

    pairings: PairingRequest = field(default_factory=PairingRequest)
    shard: tuple[int, int] | None = None
    record: Path | None = None
    expectations: Path | None = None


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

    @cached_property
    def expectations(self) -> list[Expectation]:
        """What is known to fail."""
        return read_expectations(self.request.expectations or self.root / EXPECTATIONS_FILE)

    @cached_property
    def seconds(self) -> dict[str, float]:
        """How long each cell took last time."""
        file = self.root / STATE_DIRECTORY / DURATIONS_FILE
        try:
            return {str(key): float(value) for key, value in json.loads(file.read_text("utf-8")).items()}
        except (OSError, ValueError, AttributeError, TypeError):
            return {}

    def remember(self, results: Sequence[CellFinished]) -> None:
        """Keep how long each cell took, for the next division into shards."""
        directory = self.root / STATE_DIRECTORY
        directory.mkdir(exist_ok=True)
        merged_seconds = self.seconds | {result.cell: round(result.seconds, 4) for result in results}
        draft = directory / f"{DURATIONS_FILE}.new"
        draft.write_text(json.dumps(merged_seconds, indent=0, sort_keys=True), encoding="utf-8")
        draft.replace(directory / DURATIONS_FILE)

    def cells(self, scenarios: Sequence[Scenario]) -> list[Cell]:
        """Return the cells of some scenarios."""
        return plan_cells(scenarios, sorted(self.platforms), self.request.pairings)

    @cached_property
    def mine(self) -> set[str] | None:
        """The cells of this shard among all that may run; `None` if there are no shards."""
        if self.request.shard is None:
            return None
        chosen = [cell.key for cell in self.cells(self.run.choose())]
        return shard(chosen, *self.request.shard, self.seconds)

    @property
    def runner(self) -> CellRunner:
        """What runs the cells."""
        if self._runner is None:
            settings = self.run.project.settings
            options = self.run.options
            longest = max([options.step_timeout, *options.tag_timeouts.values()])
            pool = WorkerPool(settings.platforms, self.root, self.run.seed, step_timeout=longest)
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
            runner.close()

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
        """Return a result in the light of what is claimed and what is expected.

        What a platform says it lacks is tried all the same: a claim is no proof.
        """
        lacking = self.lacking(cell)
        if lacking:
            passed = result.verdict is Verdict.PASSED
            said = f"not claimed: {', '.join(lacking)}" + ("; yet the scenario passes: claim it" if passed else "")
            verdict = Verdict.UNEXPECTED_PASS if passed else Verdict.UNSUPPORTED
            return dataclasses.replace(merged(result, verdict, "capabilities", said), verdict=verdict)
        error = result.failure.error if result.failure else ""
        today = dt.datetime.now(dt.UTC).date()
        verdict, said = judge(self.expectations, cell, result.verdict, error, today)
        if not said:
            return result
        return dataclasses.replace(merged(result, verdict, "expectations", said), verdict=verdict)

    def problems(self) -> list[str]:
        """Return what is wrong with the expectations themselves, whatever runs now."""
        every = plan_cells(self.run.scenarios, sorted(self.run.project.settings.platforms), PairingRequest())
        return problems(self.expectations, every, dt.datetime.now(dt.UTC).date())

    def items(self, parent: FeatureFile, scenario: Scenario) -> Iterator[pytest.Item]:
        """Return an item for each cell of a scenario."""
        for cell in self.cells([scenario]):
            if not self.run.is_chosen(scenario) or self.mine is None or cell.key in self.mine:
                yield CellItem.of_cell(parent, cell, self)


EVENT_LINES: Final = pytest.StashKey[list[str]]()


class CellItem(ScenarioItem):
    """One scenario with one pairing."""

    cell: Cell
    matrix: Matrix

    @classmethod
    def of_cell(cls, parent: FeatureFile, cell: Cell, matrix: Matrix) -> CellItem:
        """Make the item of a cell."""
        item = cls.of(parent, cell.scenario, matrix.run, name=cell.name)
        item.cell = cell
        item.matrix = matrix
        return item

    def runtest(self) -> None:
        """Run the cell."""
        events: list[str] = []
        self.stash[EVENT_LINES] = events
        result = self.matrix.runner.run(self.cell, lambda event: events.append(line(event))).result
        self.stash[RESULT] = result
        self.user_properties.append(("verdict", result.verdict.value))
        self.user_properties.append(("pairing", str(self.cell.pairing)))
        self.user_properties.append(("seed", self.run.seed))
        if result.verdict is Verdict.UNSUPPORTED:
            raise pytest.skip.Exception(one_line(result), _use_item_location=True)
        if result.verdict is Verdict.KNOWN_FAILURE:
            raise pytest.xfail.Exception(one_line(result))
        if result.verdict is not Verdict.PASSED:
            raise ScenarioFailedError(result)

    def repeat_command(self) -> str:
        """Return the command that repeats this cell."""
        return self.matrix.repeat(self.cell)
