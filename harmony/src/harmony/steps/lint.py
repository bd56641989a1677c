"""Whether features and steps fit together. Pure: everything wrong is found at once, before anything runs."""

from __future__ import annotations

import ast
import fnmatch
import inspect
import textwrap
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from harmony.config import unknown_role
from harmony.errors import (
    AmbiguousStepError,
    ConversionError,
    Place,
    StepClassError,
    UndefinedStepError,
)
from harmony.model import StepType
from harmony.own_code import is_own_code
from harmony.spec.gherkin import Feature, Scenario, Step, feature_number
from harmony.spec.levels import mixed
from harmony.spec.routing import done_by_harmony, ends_named_in, role_named_in, route
from harmony.spec.sentence import normalised, outline
from harmony.steps.binding import bind, parameters_of
from harmony.steps.library import StepLibrary
from harmony.steps.registry import StepDefinition
from harmony.steps.scaffold import undefined_wordings
from harmony.suggestion import did_you_mean
from harmony.text import visible

_MOST_PLACES: Final = 3


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        place: Where.
        code: Stable name of the kind of problem.
        message: What is wrong.
        hint: The way out.
        snippet: For undefined steps that are near to no other, a method to start from.
        cause: What it has in common with other problems of its kind that one change mends; empty if there is none.
    """

    place: Place
    code: str
    message: str
    hint: str = ""
    snippet: str = ""
    cause: str = ""

    def __str__(self) -> str:
        """Return ``file:line: code: message``."""
        return f"{self.place}: {self.code}: {self.message}"


@dataclass(frozen=True, slots=True)
class LintRules:
    """What a project asks of its features.

    Attributes:
        numbered: Whether titles begin with a number.
        tags: The known tags; ``clause:*`` stands for all that begin so.
        roles: The known roles; any if there are none.
        played: The roles that some platform plays; any if one plays all, or there are none.
        defined: Whether the project defines its steps itself; otherwise only its workers know them.
    """

    numbered: bool = True
    tags: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    played: frozenset[str] = frozenset()
    defined: bool = True


@dataclass(frozen=True, slots=True)
class SentenceUse:
    """Where a step definition is used."""

    definition: StepDefinition
    steps: tuple[Step, ...]


def lint(features: Sequence[Feature], library: StepLibrary, rules: LintRules) -> list[Problem]:
    """Return everything that is wrong, in the order of files and lines."""
    problems: list[Problem] = []
    for feature in features:
        problems.extend(_feature_problems(feature, rules))
    scenarios = [scenario for feature in features for scenario in feature.scenarios]
    problems.extend(_duplicates(scenarios))
    used: set[StepDefinition] = set()
    wordings = [wording for wording, _ in undefined_wordings(features, library.registry)]
    starts = {text: wording.method() for wording in wordings for text in wording.sentences}
    meant: set[Place] = set()
    for scenario in scenarios:
        problems.extend(_role_problems(scenario, rules))
        for step in scenario.steps if rules.defined else ():
            problems.extend(_step_problems(step, library, used, starts, meant))
    # Whose sentence is written wrong is not unused.
    used |= {definition for definition in library.registry.definitions if definition.place in meant}
    problems.extend(_definition_problems(library, used))
    return sorted(set(problems))


def usages(features: Iterable[Feature], library: StepLibrary) -> list[SentenceUse]:
    """Return every definition with the steps that use it."""
    steps: dict[StepDefinition, list[Step]] = defaultdict(list)
    for feature in features:
        for scenario in feature.scenarios:
            for step in scenario.steps:
                for match in library.registry.matches(step.type, step.text):
                    if step not in steps[match.definition]:
                        steps[match.definition].append(step)
    return [SentenceUse(definition, tuple(steps[definition])) for definition in library.registry.definitions]


def is_known(tag: str, tags: Iterable[str]) -> bool:
    """Whether a tag is declared, by its name or by a pattern such as ``clause:*``."""
    return any(fnmatch.fnmatchcase(tag, one) for one in tags)


def by_cause(problems: Iterable[Problem]) -> list[list[Problem]]:
    """Return the problems that have one cause together, in the order of their first places."""
    groups: dict[tuple[str, str], list[Problem]] = {}
    for problem in problems:
        groups.setdefault((problem.code, problem.cause or str(problem)), []).append(problem)
    return list(groups.values())


def report(problems: Sequence[Problem]) -> str:
    """Return the problems for a person: each cause with its places, hints, and the snippets at the end."""
    lines: list[str] = []
    groups = by_cause(problems)
    for first, *others in groups:
        lines.append(str(first))
        if first.hint:
            lines.append(f"    {first.hint}")
        if others:
            shown = ", ".join(str(one.place) for one in others[:_MOST_PLACES])
            left = len(others) - _MOST_PLACES
            lines.append(f"    also at {shown}{f' and {left} more' if left > 0 else ''}")
    snippets = list(dict.fromkeys(problem.snippet for problem in problems if problem.snippet))
    if snippets:
        lines += ["", "Start from these (`harmony scaffold` writes them into a file):", "", *snippets]
    lines.append(f"{total(problems)}; nothing has been run.")
    return visible("\n".join(lines))


def total(problems: Sequence[Problem]) -> str:
    """Return how many problems there are; of one cause there is one, at several places."""
    causes = len(by_cause(problems))
    places = f" at {len(problems)} places" if len(problems) != causes else ""
    return f"{causes} problem{'s' if causes != 1 else ''}{places}"


def _feature_problems(feature: Feature, rules: LintRules) -> Iterator[Problem]:
    own = Place(feature.path, 1)
    if not feature.scenarios and not feature.empty_outlines:
        yield Problem(own, "empty_feature", "no scenario in this file")
    for title, place in feature.empty_outlines:
        yield Problem(place, "empty_outline", f"the outline {title!r} has no row, so nothing of it would run")
    number = feature_number(feature.path)
    for scenario in feature.scenarios:
        if not scenario.steps:
            yield Problem(scenario.place, "empty_scenario", f"{scenario.title!r} has no step")
        elif all(step.type is not StepType.THEN for step in scenario.steps):
            yield Problem(scenario.place, "checks_nothing", f"{scenario.title!r} has no Then: it could not fail")
        if rules.numbered and not scenario.number:
            yield Problem(
                scenario.place,
                "unnumbered",
                f"{scenario.title!r} has no number",
                "begin the title with one, such as 1.1, say in `number` how yours begin, or `numbered = false`",
                cause="numbers",
            )
        elif number is not None and scenario.number and int(scenario.number.partition(".")[0]) != number:
            yield Problem(
                scenario.place, "number_elsewhere", f"{scenario.number} does not belong into {feature.path.name}"
            )
        if levels := mixed(scenario):
            yield Problem(
                scenario.place,
                "mixed_levels",
                f"{scenario.title!r} cites clauses of several levels: {', '.join(levels)}",
                "make a scenario of each: of a deviation nobody could tell how much it weighs",
            )
        for tag in scenario.tags:
            if not is_known(tag, rules.tags):
                yield Problem(
                    scenario.place,
                    "unknown_tag",
                    f"@{tag} is not known",
                    did_you_mean(tag, sorted(rules.tags), "add it to `tags` in the project file"),
                    cause=tag,
                )


def _duplicates(scenarios: Sequence[Scenario]) -> Iterator[Problem]:
    for code in ("duplicate_number", "duplicate_name"):
        seen: dict[tuple[str, int], Scenario] = {}
        for scenario in scenarios:
            shown = scenario.number if code == "duplicate_number" else scenario.name
            first = seen.setdefault((shown, scenario.row), scenario) if shown else scenario
            if first is not scenario:
                yield Problem(scenario.place, code, f"{shown!r} is already used at {first.place}")


def _role_problems(scenario: Scenario, rules: LintRules) -> Iterator[Problem]:
    routed = route(scenario)
    for step in scenario.steps if rules.roles else ():
        named = role_named_in(step.text)
        if named is not None and named.role not in rules.roles:
            said = unknown_role(named.role, rules.roles)
            hint = "correct it, or add it to `[roles]` in the project file"
            yield Problem(step.place, "unknown_role", said, hint, cause=named.role)
    for role in routed.roles if rules.played else ():
        if role not in rules.played:
            yield Problem(
                scenario.place,
                "unplayed_role",
                f"no platform plays the role {role!r}, so this scenario would run nowhere",
                "add the role to `plays` of a platform, or a platform that plays it",
                cause=role,
            )
    for step in scenario.steps:
        for end in ends_named_in(step.text):
            if end.role not in routed.roles:
                known = ", ".join(routed.roles)
                said = f"{step}: no step of {end.role!r} is in this scenario, which has {known}"
                yield Problem(step.place, "unknown_role", said, "name two roles of the scenario", cause=end.role)
    if len(routed.roles) < 2:
        return
    for entry in routed.steps:
        if entry.broadcast and not entry.step.background and entry.step.type is not StepType.GIVEN:
            yield Problem(
                entry.step.place,
                "no_role",
                f"{entry.step} names no role, and none has been named before it; the scenario has "
                f"{', '.join(routed.roles)}",
                "begin it with the role: the 'x' process …",
                cause=outline(normalised(entry.step.text)),
            )


def _step_problems(
    step: Step, library: StepLibrary, used: set[StepDefinition], starts: Mapping[str, str], meant: set[Place]
) -> Iterator[Problem]:
    if done_by_harmony(step.text):
        return
    try:
        match = library.registry.match(step.type, step.text)
        used.add(match.definition)
        bind(match, step.table, step.doc_string, library.converters)
    except UndefinedStepError as error:
        start = starts[normalised(step.text)] if error.meant is None else ""
        if error.meant is not None:
            meant.add(error.meant)
        yield Problem(step.place, "undefined", error.message, error.hint, start, outline(normalised(step.text)))
    except AmbiguousStepError as error:
        matches = [match.definition for match in library.registry.matches(step.type, step.text)]
        used.update(matches)
        cause = ", ".join(sorted(f"{one.place} {one.pattern}" for one in matches))
        yield Problem(step.place, "ambiguous", error.message, error.hint, cause=cause)
    except (ConversionError, StepClassError) as error:
        cause = f"{match.definition.place} {outline(error.message)}"
        yield Problem(step.place, "argument", f"{step}: {error.message}", error.hint, cause=cause)


def _definition_problems(library: StepLibrary, used: set[StepDefinition]) -> Iterator[Problem]:
    owners: dict[type, StepDefinition] = {}
    for definition in library.registry.definitions:
        owners.setdefault(definition.owner, definition)
        if definition not in used and not is_own_code(str(definition.place.file)):
            yield Problem(
                definition.place,
                "unused",
                f"{definition.qualified_name} ({definition.pattern}) is used by no scenario",
                "delete it, or write the scenario",
            )
        if done_by_harmony(normalised(definition.pattern)):
            yield Problem(definition.place, "reserved", f"{definition.pattern!r} is done by harmony itself")
        try:
            parameters_of(definition)
        except StepClassError as error:
            yield Problem(definition.place, "step_class", error.message, error.hint)
        if has_no_effect(definition.function):
            yield Problem(definition.place, "no_effect", f"{definition.qualified_name} does nothing, so it cannot fail")
    for owner, definition in owners.items():
        try:
            missing = library.providers.missing(owner)
        except StepClassError as error:
            missing = [str(error)]
        for message in missing:
            yield Problem(Place(definition.place.file, _line(owner)), "injection", message, "add a @provider for it")


def has_no_effect(function: Callable[..., Any]) -> bool:
    """Whether a step's body is only a docstring, ``pass``, or a word to the log."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(function))))
    except (OSError, SyntaxError):
        return False
    body = next(node for node in tree.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))).body
    return all(_says_nothing(statement) for statement in body)


def _says_nothing(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Pass):
        return True
    if isinstance(statement, ast.Return):
        return statement.value is None or isinstance(statement.value, ast.Constant)
    if not isinstance(statement, ast.Expr):
        return False
    value = statement.value
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute):
        return "log" in ast.unparse(value.func.value).lower()
    return isinstance(value, ast.Constant)


def _line(owner: type) -> int:
    try:
        return inspect.getsourcelines(owner)[1]
    except (OSError, TypeError):
        return 1
