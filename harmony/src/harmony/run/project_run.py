"""One run over a project: what was chosen, with which seed. Everything is read when it is first needed."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from harmony.plan.pairing import Pairing, word_names
from harmony.project import Project
from harmony.run.catalogues import Catalogues, ask_workers
from harmony.run.role_driver import with_drivers
from harmony.run.scenario_run import RunOptions
from harmony.run.telemetry import OpenTelemetry, Telemetry
from harmony.spec.clauses import cited_clauses, wrong_citations
from harmony.spec.gherkin import Feature, Scenario, Step
from harmony.spec.levels import Standing
from harmony.spec.selection import require_some, select
from harmony.steps.announced import unannounced
from harmony.steps.library import StepLibrary
from harmony.steps.lint import LintRules, Problem, lint
from harmony.verdict.events import ClauseEntry, SpecificationRead
from harmony.verdict.expectations import EXPECTATIONS_FILE, Expectations, read_expectations
from harmony.verdict.judging import by_level
from harmony.verdict.result import ScenarioResult


@dataclass(frozen=True)
class Choice:
    """What a person asked to run.

    Attributes:
        words: Numbers, features, patterns and names; everything if there are none.
        tags: Opt-in tags that may run.
    """

    words: Sequence[str] = ()
    tags: Sequence[str] = ()


@dataclass(frozen=True)
class Invocation:
    """How a run was called.

    Attributes:
        program: What calls pytest.
        options: What must be said again, so that a cell is found and does the same.
        directory: Where it was called.
        template: How the line that repeats a cell is made; the project says it, where this is empty.
    """

    program: str = "pytest"
    options: Sequence[str] = ()
    directory: Path = field(default_factory=Path.cwd)
    template: str = ""


class ProjectRun:
    """A project, a choice and a seed.

    Attributes:
        expectations_file: What is known to fail.
        invocation: How the run was called.
    """

    def __init__(self, project: Project, choice: Choice | None = None, seed: int = 0) -> None:
        self.project = project
        self.choice = choice or Choice()
        self.seed = seed
        self.expectations_file = project.home / EXPECTATIONS_FILE
        self.invocation = Invocation()

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
        platforms = self.project.settings.platforms
        return with_drivers(self.project.library(), [name for name, one in platforms.items() if one.driver_command])

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

    def weighed(self, result: ScenarioResult, scenario: Scenario) -> ScenarioResult:
        """Return a result in the light of what its scenario proves."""
        settings = self.project.settings.clauses
        return by_level(result, Standing.of(scenario, settings.tag), settings.red)

    def is_asked_of_all(self, scenario: Scenario) -> bool:
        """Whether a deviation from what a scenario proves is red."""
        settings = self.project.settings.clauses
        level = Standing.of(scenario, settings.tag).level
        return not level or level in settings.red

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
        """Return what lint finds in the whole project.

        Raises:
            ConfigurationError: The project names a module or a probe that is not there.
        """
        features, problems = self._read
        if not features:
            return problems
        settings = self.project.settings
        for platform in ("", *settings.platforms):
            self.project.probes(platform)
        rules = LintRules(
            settings.numbered,
            frozenset(self.project.known_tags),
            frozenset(settings.roles),
            settings.played_roles,
            bool(settings.steps),
        )
        unknown = [] if settings.steps or self.catalogues.silent else unannounced(features, self.catalogues.announced)
        return sorted({*problems, *lint(features, self.library, rules), *unknown, *self._wrong_citations()})

    def specification(self) -> SpecificationRead | None:
        """Return the clauses of the project and who cites them; nothing where there is neither document nor citation.

        Raises:
            ConfigurationError: The document cannot be read.
        """
        settings = self.project.settings.clauses
        listed = self.project.clauses(self.scenarios) if self._needs_document else []
        clauses = listed or cited_clauses(self.scenarios, settings.tag)
        entries = [
            ClauseEntry(
                id=one.number,
                level=one.level.tag,
                text=one.name,
                scenarios=list(one.scenarios),
                tests=list(one.tests),
            )
            for one in clauses
        ]
        document = settings.document.as_posix() if settings.document else ""
        return SpecificationRead(document=document, clauses=entries) if entries else None

    @property
    def _needs_document(self) -> bool:
        """Whether the list of clauses must be there: levels are held to it, mere citations stand without."""
        settings = self.project.settings.clauses
        if settings.document is None or (self.project.root / settings.document).exists():
            return True
        return any(Standing.of(scenario, settings.tag).level for scenario in self.scenarios)

    def _wrong_citations(self) -> list[Problem]:
        """Return what scenarios say of clauses and the document does not: a level decides what is red."""
        settings = self.project.settings.clauses
        if settings.document is None or not self._needs_document:
            return []
        clauses = self.project.clauses()
        wrong = wrong_citations(clauses, self.scenarios, settings.tag, settings.document.as_posix())
        hint = "correct the tag, or the document"
        return [Problem(place, "citation", said, hint, cause=said) for place, said in wrong]

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

    def repeat(self, scenario: Scenario, pairing: Pairing | None = None) -> str:
        """Return the command that runs a cell again, as this run was called and with its seed.

        Args:
            scenario: What is run.
            pairing: Who plays; nobody is named in a run without pairings.
        """
        invocation, platforms = self.invocation, self.project.settings.platforms
        words = [self._word(scenario.number, "--scenario", scenario.id)]
        if pairing is not None:
            word = pairing.word if word_names(pairing, platforms) else ""
            words.insert(0, self._word(word, "--pairing", str(pairing)))
        return (invocation.template or self.project.settings.repeat).format(
            pytest=invocation.program, words=shlex.join([*words, *invocation.options]), seed=self.seed
        )

    def _word(self, word: str, option: str, name: str) -> str:
        """Return a word, or the option that says the same where there is none, or where it would name a file."""
        if word and not (self.invocation.directory / word).exists():
            return word
        return f"{option}={word or name}"

    @cached_property
    def _closed(self) -> set[str]:
        return {tag for tag in self.project.settings.opt_in if tag not in self.choice.tags}

    @cached_property
    def _chosen(self) -> set[str]:
        return {str(chosen.place) for chosen in self.choose()}
