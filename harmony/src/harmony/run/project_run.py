"""One run over a project: what was chosen, with which seed. Everything is read when it is first needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from harmony.plan.cells import Cell
from harmony.project import Project
from harmony.run.catalogues import Catalogues, ask_workers
from harmony.run.role_driver import with_drivers
from harmony.run.scenario_run import RunOptions
from harmony.run.telemetry import OpenTelemetry, Telemetry
from harmony.spec.gherkin import Feature, Scenario, Step
from harmony.spec.selection import require_some, select
from harmony.steps.announced import unannounced
from harmony.steps.library import StepLibrary
from harmony.steps.lint import LintRules, Problem, lint
from harmony.verdict.expectations import EXPECTATIONS_FILE, Expectations, read_expectations


@dataclass(frozen=True)
class Choice:
    """What a person asked to run.

    Attributes:
        words: Numbers, features, patterns and names; everything if there are none.
        tags: Opt-in tags that may run.
    """

    words: Sequence[str] = ()
    tags: Sequence[str] = ()


class ProjectRun:
    """A project, a choice and a seed.

    Attributes:
        expectations_file: What is known to fail.
    """

    def __init__(self, project: Project, choice: Choice | None = None, seed: int = 0) -> None:
        self.project = project
        self.choice = choice or Choice()
        self.seed = seed
        self.expectations_file = project.root / EXPECTATIONS_FILE

    @cached_property
    def _read(self) -> tuple[list[Feature], list[Problem]]:
        features, errors = self.project.features()
        return features, [Problem(error.place, "syntax", error.message.partition(": ")[2]) for error in errors]

    @property
    def features(self) -> list[Feature]:
        """The project's features that are Gherkin."""
        return self._read[0]

    @property
    def scenarios(self) -> list[Scenario]:
        """All scenarios of the project."""
        return [scenario for feature in self.features for scenario in feature.scenarios]

    @cached_property
    def library(self) -> StepLibrary:
        """The project's steps."""
        return with_drivers(self.project.library())

    def defined(self, step: Step) -> str:
        """Return what the project's definition of a step is called; nothing if it has none."""
        matches = self.library.registry.matches(step.type, step.text)
        return matches[0].definition.qualified_name if matches else ""

    @cached_property
    def expectations(self) -> Expectations:
        """What is known to fail.

        Raises:
            ConfigurationError: The file is wrong.
        """
        return read_expectations(self.expectations_file)

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

    def problems(self) -> list[Problem]:
        """Return what lint finds in the whole project."""
        features, problems = self._read
        if not features:
            return problems
        settings = self.project.settings
        rules = LintRules(settings.numbered, frozenset(settings.tags), frozenset(settings.roles), bool(settings.steps))
        unknown = [] if settings.steps or self.catalogues.silent else unannounced(features, self.catalogues.announced)
        return sorted({*problems, *lint(features, self.library, rules), *unknown})

    @cached_property
    def catalogues(self) -> Catalogues:
        """What the workers of the project announce; nobody is asked where the project defines its steps itself."""
        if self.project.settings.steps:
            return Catalogues({}, {})
        return ask_workers(self.project)

    def allowed(self) -> list[Scenario]:
        """Return the scenarios that run if nothing is chosen: all but those that run on request only."""
        return [scenario for scenario in self.scenarios if not self._closed & set(scenario.tags)]

    def choose(self) -> list[Scenario]:
        """Return what was asked for.

        Raises:
            UnknownSelectionError: A word names nothing.
            NothingSelectedError: Nothing is left.
        """
        named = select(self.scenarios, self.choice.words) if self.choice.words else self.scenarios
        return require_some(named, self.project.settings.opt_in, self.choice.tags)

    def is_chosen(self, scenario: Scenario) -> bool:
        """Whether a scenario was asked for; without words, all are that need no request."""
        if self.choice.words:
            return str(scenario.place) in self._chosen
        return not self._closed & set(scenario.tags)

    def repeat(self, words: str) -> str:
        """Return the command that runs some words again, with the seed of this run."""
        return self.project.settings.repeat.format(words=words, seed=self.seed)

    @cached_property
    def _closed(self) -> set[str]:
        return {tag for tag in self.project.settings.opt_in if tag not in self.choice.tags}

    @cached_property
    def _chosen(self) -> set[str]:
        return {str(chosen.place) for chosen in self.choose()}


def words_for(cell: Cell) -> str:
    """Return the words that choose a cell's scenario."""
    return cell.scenario.number or f'"{cell.scenario.title}"'
