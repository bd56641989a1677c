"""Scenarios as pytest items, so that filters, IDEs, reports and plugins just work."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import pytest
from _pytest._code.code import ReprEntryNative, ReprExceptionInfo, ReprFileLocation, ReprTraceback

from harmony.actor import Verdict
from harmony.events import Event, line
from harmony.expectations import EXPECTATIONS_FILE, Expectations, read_expectations
from harmony.failure_report import failure_report, one_line
from harmony.gherkin import Feature, Scenario
from harmony.judging import by_expectations
from harmony.lint import LintRules, Problem, is_known, lint
from harmony.local import StepLibrary
from harmony.local_run import PLATFORM, LocalRunner, seed_of
from harmony.logs import LEVELS
from harmony.pairing import Pairing, PairingRequest
from harmony.planning import Cell, plan_cells
from harmony.project import Project
from harmony.resources import ResourceMonitor, load_probes
from harmony.routing import roles_of
from harmony.scenario_run import RunOptions, ScenarioResult
from harmony.selection import require_some, select
from harmony.telemetry import OpenTelemetry, Telemetry
from harmony.telling import cell_finished, cell_started, step_finished, step_started

ItemSource = Callable[["FeatureFile", Scenario], Iterator[pytest.Item]]
RESULT: Final = pytest.StashKey[ScenarioResult]()
EVENT_LINES: Final = pytest.StashKey[list[str]]()
"""What an item has told, as lines, so that pytest-xdist can carry them."""


class ScenarioFailedError(Exception):
    """A scenario has not passed."""

    def __init__(self, result: ScenarioResult) -> None:
        super().__init__(one_line(result))
        self.result = result


@dataclass(frozen=True)
class Choice:
    """What a person asked to run.

    Attributes:
        words: Numbers, features, patterns and names; everything if there are none.
        tags: Opt-in tags that may run.
    """

    words: Sequence[str] = ()
    tags: Sequence[str] = ()


class HarmonyRun:
    """One pytest session over the features of a project. Everything is read when it is first needed.

    Attributes:
        items_of: Makes the items of a scenario; one that runs it in this process by default.
        every_cell: Returns all cells of scenarios on the platforms of this run; one for each scenario by default.
        judged: Sees a result in the light of what is expected, and in a matrix also of what is claimed.
        repeat_of: Returns the command that repeats a cell.
        expectations_file: What is known to fail.
        unavailable: Platforms that cannot be started here, and why.
        last_lines: What is told after the last cell, as lines.
    """

    def __init__(self, project: Project, choice: Choice, seed: int) -> None:
        self.project = project
        self.choice = choice
        self.seed = seed
        self._features: list[Feature] | None = None
        self._problems: list[Problem] = []
        self._library: StepLibrary | None = None
        self._runner: LocalRunner | None = None
        self._chosen: set[str] | None = None
        self.items_of: ItemSource = _local_item
        self.every_cell: Callable[[Sequence[Scenario]], list[Cell]] = lambda scenarios: [*map(local_cell, scenarios)]
        self.judged: Callable[[Cell, ScenarioResult], ScenarioResult] = lambda cell, result: by_expectations(
            result, cell, self.expectations
        )
        self.repeat_of: Callable[[Cell], str] = lambda cell: self.repeat(cell.scenario)
        self.expectations_file = project.root / EXPECTATIONS_FILE
        self.unavailable: Mapping[str, str] = {}
        self.last_lines: list[str] = []
        self._expectations: Expectations | None = None

    @property
    def features(self) -> list[Feature]:
        """The project's features that are Gherkin."""
        if self._features is None:
            self._features, errors = self.project.features()
            self._problems = [Problem(error.place, "syntax", error.message.partition(": ")[2]) for error in errors]
        return self._features

    @property
    def scenarios(self) -> list[Scenario]:
        """All scenarios of the project."""
        return [scenario for feature in self.features for scenario in feature.scenarios]

    @property
    def library(self) -> StepLibrary:
        """The project's steps."""
        if self._library is None:
            self._library = self.project.library()
        return self._library

    @property
    def expectations(self) -> Expectations:
        """What is known to fail.

        Raises:
            ConfigurationError: The file is wrong.
        """
        if self._expectations is None:
            self._expectations = read_expectations(self.expectations_file)
        return self._expectations

    @property
    def options(self) -> RunOptions:
        """How scenarios run."""
        settings = self.project.settings
        return RunOptions(
            step_timeout=settings.timeouts.step,
            tag_timeouts=settings.timeouts.by_tag,
            setup_timeout=settings.timeouts.setup,
            cleanup_timeout=settings.timeouts.cleanup,
            strict=settings.driver.strict,
            telemetry=OpenTelemetry() if settings.telemetry else Telemetry(),
        )

    @property
    def runner(self) -> LocalRunner:
        """What runs the scenarios."""
        if self._runner is None:
            settings = self.project.settings
            library = self.library
            monitor = (
                ResourceMonitor(settings.leaks, load_probes(settings.leaks.probes)) if settings.leaks.check else None
            )
            self._runner = LocalRunner(
                library,
                self.options,
                monitor,
                self.seed,
                LEVELS[settings.log_level],
            )
        return self._runner

    def problems(self) -> list[Problem]:
        """Return what lint finds in the whole project."""
        rules = LintRules(self.project.settings.numbered, frozenset(self.project.settings.tags))
        return sorted({*self._problems, *lint(self.features, self.library, rules)}) if self.features else self._problems

    def allowed(self) -> list[Scenario]:
        """Return the scenarios that run if nothing is chosen: all but those that run on request only."""
        closed = {tag for tag in self.project.settings.opt_in if tag not in self.choice.tags}
        return [scenario for scenario in self.scenarios if not closed & set(scenario.tags)]

    def choose(self) -> list[Scenario]:
        """Return what was asked for.

        Raises:
            UnknownSelectionError: A word names nothing.
            NothingSelectedError: Nothing is left.
        """
        named = select(self.scenarios, self.choice.words) if self.choice.words else self.scenarios
        return require_some(named, self.project.settings.opt_in, self.choice.tags)

    def is_chosen(self, scenario: Scenario) -> bool:
        """Whether a scenario was asked for."""
        if self._chosen is None:
            self._chosen = {str(chosen.place) for chosen in self.choose()}
        return str(scenario.place) in self._chosen

    def touched_by(self, arguments: Iterable[str], directory: Path) -> bool:
        """Whether pytest's arguments include feature files of this project."""
        features = self.project.features_directory
        for argument in arguments:
            path = (directory / argument.partition("::")[0]).resolve()
            if path == features or path in features.parents or features in path.parents:
                return True
        return False

    def repeat(self, scenario: Scenario) -> str:
        """Return the command that runs a scenario again."""
        word = scenario.number or f'"{scenario.title}"'
        return self.project.settings.repeat.format(words=word, seed=self.seed)


class FeatureFile(pytest.File):
    """A feature file; its scenarios are its items."""

    run: HarmonyRun

    @classmethod
    def of(cls, parent: pytest.Collector, path: Path, run: HarmonyRun) -> FeatureFile:
        """Make the collector of a feature file."""
        collector: FeatureFile = cls.from_parent(parent, path=path)
        collector.run = run
        return collector

    def collect(self) -> Iterator[pytest.Item]:
        """Return an item for each scenario."""
        feature = next((feature for feature in self.run.features if feature.path == self.path), None)
        if feature is None:
            problem = next((str(problem) for problem in self.run.problems() if problem.place.file == self.path), "")
            raise self.CollectError(problem or f"{self.path} is no feature of {self.run.project.file}")
        for tag in sorted({tag for scenario in feature.scenarios for tag in scenario.tags}):
            # A tag of a family, such as clause:3.2, is declared by its pattern: its name shows in a feature only.
            if tag not in self.run.project.settings.tags and is_known(tag, self.run.project.settings.tags):
                self.config.addinivalue_line("markers", marker_name(tag))
        for scenario in feature.scenarios:
            yield from self.run.items_of(self, scenario)


class ScenarioItem(pytest.Item):
    """One scenario, with every role in this process."""

    scenario: Scenario
    cell: Cell
    run: HarmonyRun

    @classmethod
    def of(cls, parent: FeatureFile, cell: Cell, run: HarmonyRun, name: str = "") -> Self:
        """Make the item of a scenario."""
        item: Self = cls.from_parent(parent, name=name or cell.scenario.id)
        item.scenario = cell.scenario
        item.cell = cell
        item.run = run
        for tag in cell.scenario.tags:
            item.add_marker(marker_name(tag))
        return item

    def runtest(self) -> None:
        """Run the scenario."""
        lines: list[str] = []
        self.stash[EVENT_LINES] = lines
        result = self.play(lambda event: lines.append(line(event)))
        self.stash[RESULT] = result
        self.user_properties.append(("verdict", result.verdict.value))
        self.user_properties.append(("seed", self.run.seed))
        match result.verdict:
            case Verdict.PASSED:
                return
            case Verdict.UNSUPPORTED:
                raise pytest.skip.Exception(one_line(result), _use_item_location=True)
            case Verdict.KNOWN_FAILURE:
                raise pytest.xfail.Exception(one_line(result))
            case _:
                raise ScenarioFailedError(result)

    def play(self, tell: Callable[[Event], None]) -> ScenarioResult:
        """Run the scenario, tell what happens, and return what came of it."""
        tell(cell_started(self.cell, seed_of(self.run.seed, self.scenario)))
        done = self.run.runner.run(
            self.scenario,
            observe=lambda one: tell(step_finished(self.cell, one)),
            begins=lambda step: tell(step_started(self.cell, step)),
        )
        self.user_properties += [(f"timing {name}", str(timing)) for name, timing in done.timings.items()]
        if done.usage is not None:
            self.user_properties.append(("memory_mb", round(done.usage.memory_mb, 1)))
            self.user_properties.append(("cpu_seconds", round(done.usage.cpu_seconds, 3)))
        result = self.run.judged(self.cell, done.result)
        tell(cell_finished(self.cell, result, self.repeat_command()))
        return result

    def repeat_command(self) -> str:
        """Return the command that runs this item again."""
        return self.run.repeat_of(self.cell)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Return the report that a person can act on."""
        if isinstance(excinfo.value, ScenarioFailedError):
            result = excinfo.value.result
            text = failure_report(result, self.repeat_command())
            place = result.failure.step.place if result.failure and result.failure.step else self.scenario.place
            # pytest's own form, so that the short summary, JUnit and pytest-xdist find the cause on one line.
            return ReprExceptionInfo(
                reprtraceback=ReprTraceback([ReprEntryNative([text + "\n"])], None, "native"),
                reprcrash=ReprFileLocation(str(place.file), place.line, one_line(result)),
            )
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[os.PathLike[str] | str, int | None, str]:
        """Return where the scenario stands.

        With the feature's title before it, because pytest writes the dots of a bare name as ``::``.
        """
        return self.path, self.scenario.place.line - 1, f"{self.scenario.feature}: {self.name}"


def local_cell(scenario: Scenario) -> Cell:
    """Return the cell of a scenario that runs in this process."""
    return Cell(scenario, Pairing.of(dict.fromkeys(roles_of(scenario), PLATFORM)))


def possible_cells(run: HarmonyRun) -> list[Cell]:
    """Return every cell there could be: in this process, and over all pairings of all platforms of the project."""
    platforms = sorted(run.project.settings.platforms)
    return [*map(local_cell, run.scenarios), *plan_cells(run.scenarios, platforms, PairingRequest())]


def _local_item(parent: FeatureFile, scenario: Scenario) -> Iterator[pytest.Item]:
    yield ScenarioItem.of(parent, local_cell(scenario), parent.run)


def marker_name(tag: str) -> str:
    """Return the marker that stands for a tag."""
    return re.sub(r"\W", "_", tag)
