"""What the sentences mean: step methods, found by the text and the type of a step.

A step class is a plain class whose methods carry ``@given``, ``@when``, ``@then`` or ``@step``. The decorators only
mark the method; a :class:`StepRegistry` collects the marks from modules, so that nothing is global.
"""

from __future__ import annotations

import importlib
import inspect
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final, TypeVar

from harmony.errors import (
    AmbiguousStepError,
    ConfigurationError,
    HarmonyError,
    Place,
    StepClassError,
    UndefinedStepError,
)
from harmony.model import StepType
from harmony.spec.sentence import normalised, snippet
from harmony.steps.nearest import nearest
from harmony.steps.parsers import Parser, string

Pattern = str | Parser
Method = TypeVar("Method", bound=Callable[..., Any])

ALL_TYPES: Final = frozenset(StepType)
_MARKS: Final = "__harmony_steps__"
_BACKGROUND: Final = "__harmony_background__"


@dataclass(frozen=True, slots=True)
class StepMark:
    """What a decorator leaves on a method."""

    types: frozenset[StepType]
    parser: Parser


def given(pattern: Pattern) -> Callable[[Method], Method]:
    """Mark a method as the meaning of a Given sentence.

    Args:
        pattern: The exact sentence, or one of :mod:`harmony.parsers` (``string``, ``parse``, ``cfparse``, ``re``).
    """
    return _marker(frozenset({StepType.GIVEN}), pattern)


def when(pattern: Pattern) -> Callable[[Method], Method]:
    """Mark a method as the meaning of a When sentence. See :func:`given`."""
    return _marker(frozenset({StepType.WHEN}), pattern)


def then(pattern: Pattern) -> Callable[[Method], Method]:
    """Mark a method as the meaning of a Then sentence. See :func:`given`."""
    return _marker(frozenset({StepType.THEN}), pattern)


def step(pattern: Pattern) -> Callable[[Method], Method]:
    """Mark a method as the meaning of a sentence whatever its keyword. See :func:`given`."""
    return _marker(ALL_TYPES, pattern)


def background(method: Method) -> Method:
    """Let a step go on while steps of other roles run.

    Its role's next step, or the end of the scenario, waits for it and reports its failure.
    """
    setattr(method, _BACKGROUND, True)
    return method


def _marker(types: frozenset[StepType], pattern: Pattern) -> Callable[[Method], Method]:
    mark = StepMark(types, string(pattern) if isinstance(pattern, str) else pattern)

    def decorate(method: Method) -> Method:
        if not inspect.isfunction(method):
            raise StepClassError(
                f"step {mark.parser.name!r} decorates {method!r}, which is not a method",
                hint="put the step decorator on a plain `def` or `async def`, outside of @staticmethod and @property",
            )
        setattr(method, _MARKS, (mark, *getattr(method, _MARKS, ())))
        return method

    return decorate


@dataclass(frozen=True, slots=True)
class StepDefinition:
    """One pattern of one method of a step class.

    Attributes:
        types: The step types it answers to.
        parser: Of the sentence.
        owner: The step class.
        method: Name of the method.
        place: Where the method stands.
        background: Whether it may go on while other roles act.
    """

    types: frozenset[StepType]
    parser: Parser
    owner: type
    method: str
    place: Place
    background: bool = False

    @property
    def pattern(self) -> str:
        """The pattern as its author wrote it."""
        return str(self.parser.name)

    @property
    def kind(self) -> str:
        """The kind of parser: string, parse, cfparse or re."""
        return type(self.parser).__name__

    @property
    def qualified_name(self) -> str:
        """``Class.method``."""
        return f"{self.owner.__name__}.{self.method}"

    @property
    def function(self) -> Callable[..., Any]:
        """The method as a function of the class."""
        function: Callable[..., Any] = vars(self.owner)[self.method]
        return function

    @property
    def summary(self) -> str:
        """First line of the method's docstring."""
        return (inspect.getdoc(self.function) or "").partition("\n")[0]

    def arguments(self, sentence: str) -> RawArguments | None:
        """Return what the pattern takes from a (normalised) sentence, or ``None`` if it does not match."""
        parser = self.parser
        if self.kind == "string":
            return RawArguments((), {}) if normalised(parser.name) == sentence else None
        regex = getattr(parser, "regex", None)
        if regex is not None:
            found = regex.fullmatch(sentence)
            if found is None:
                return None
            named = found.re.groupindex.values()
            unnamed = tuple(value for index, value in enumerate(found.groups(), start=1) if index not in named)
            return RawArguments(unnamed, found.groupdict())
        if not parser.is_matching(sentence):
            return None
        return RawArguments((), parser.parse_arguments(sentence) or {})


@dataclass(frozen=True, slots=True)
class RawArguments:
    """Arguments as a pattern found them, before conversion.

    Attributes:
        positional: Values of unnamed groups, in order.
        named: Values of named groups or fields.
    """

    positional: Sequence[Any]
    named: dict[str, Any]


@dataclass(frozen=True, slots=True)
class StepMatch:
    """A sentence and the one definition that gives it a meaning."""

    definition: StepDefinition
    raw: RawArguments


class StepRegistry:
    """All step definitions of a project."""

    def __init__(self, definitions: Iterable[StepDefinition] = ()) -> None:
        self._definitions = tuple(definitions)
        self._exact: dict[str, list[StepDefinition]] = {}
        self._patterns: list[StepDefinition] = []
        self._known: dict[tuple[StepType | None, str], list[StepMatch]] = {}
        for definition in self._definitions:
            if definition.kind == "string":
                self._exact.setdefault(normalised(definition.pattern), []).append(definition)
            else:
                self._patterns.append(definition)

    @classmethod
    def of_modules(cls, names: Iterable[str]) -> StepRegistry:
        """Import modules (and the direct submodules of packages) and collect the step classes they define.

        Raises:
            ConfigurationError: A module cannot be imported.
        """
        return cls(definition for module in import_modules(names) for definition in definitions_of_module(module))

    @classmethod
    def of_classes(cls, *owners: type) -> StepRegistry:
        """Collect the steps of some classes."""
        return cls(definition for owner in owners for definition in definitions_of_class(owner))

    @property
    def definitions(self) -> tuple[StepDefinition, ...]:
        """Every definition, in the order of collection."""
        return self._definitions

    def matches(self, type_: StepType | None, sentence: str) -> list[StepMatch]:
        """Return every definition that matches a sentence; of any type if ``type_`` is ``None``."""
        text = normalised(sentence)
        known = self._known.get((type_, text))
        if known is not None:
            return known
        found: list[StepMatch] = []
        for definition in (*self._exact.get(text, ()), *self._patterns):
            if type_ is not None and type_ not in definition.types:
                continue
            raw = definition.arguments(text)
            if raw is not None:
                found.append(StepMatch(definition, raw))
        self._known[type_, text] = found
        return found

    def match(self, type_: StepType | None, sentence: str) -> StepMatch:
        """Return the one definition that matches a sentence; of any type if ``type_`` is ``None``.

        Raises:
            UndefinedStepError: None matches; the error carries a snippet to start from.
            AmbiguousStepError: Several match; the error names the places of all.
        """
        found = self.matches(type_, sentence)
        shown = f"{type_.capitalize()} {sentence}" if type_ else sentence
        if len(found) == 1:
            return found[0]
        if found:
            places = ", ".join(f"{match.definition.qualified_name} ({match.definition.place})" for match in found)
            raise AmbiguousStepError(
                f"{len(found)} step definitions match: {shown}\n  {places}",
                hint="make the patterns exclude each other; a sentence has one meaning",
            )
        others = self.matches(None, sentence)
        hint = "; ".join(
            f"{match.definition.qualified_name} ({match.definition.place}) matches it as "
            f"{'/'.join(sorted(match.definition.types))}: add @{type_} there"
            for match in others
        )
        near = (
            None
            if others or type_ is None
            else nearest(sentence, [one for one in self._definitions if type_ in one.types])
        )
        if near is not None:
            definition, meant = near
            hint = f"did you mean: {meant} ({definition.qualified_name}, {definition.place})"
        raise UndefinedStepError(
            f"no step definition matches: {shown}",
            snippet=snippet(type_, sentence),
            hint=hint or "run `harmony scaffold` for a method to start from",
            meant=near[0].place if near else None,
        )


def import_modules(names: Iterable[str]) -> list[ModuleType]:
    """Import modules by name; a package brings its direct submodules.

    Raises:
        ConfigurationError: A module cannot be imported.
    """
    modules: list[ModuleType] = []
    for name in names:
        module = _import(name)
        modules.append(module)
        for directory in getattr(module, "__path__", ()):
            children = sorted(path.stem for path in Path(directory).glob("*.py") if path.stem != "__init__")
            modules.extend(_import(f"{name}.{child}") for child in children if child != "__main__")
    return modules


def _import(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except HarmonyError:
        raise
    except Exception as error:  # a module may raise anything while it is imported
        last = traceback.extract_tb(error.__traceback__)[-1]
        where = f" ({last.filename}:{last.lineno})" if not last.filename.startswith("<") else ""
        raise ConfigurationError(
            f"module {name!r} cannot be imported: {type(error).__name__}: {error}{where}",
            hint="`steps` and `providers` in the project file name importable modules",
        ) from error


def definitions_of_module(module: ModuleType) -> list[StepDefinition]:
    """Return the definitions of every step class that a module itself defines."""
    found: list[StepDefinition] = []
    for value in vars(module).values():
        if inspect.isclass(value) and value.__module__ == module.__name__:
            found.extend(definitions_of_class(value))
        elif inspect.isfunction(value) and hasattr(value, _MARKS) and value.__module__ == module.__name__:
            raise StepClassError(
                f"{_place(value)}: step function {value.__name__!r} stands outside of a class",
                hint="steps are methods of step classes; what they need comes through the constructor",
            )
    return found


def definitions_of_class(owner: type) -> list[StepDefinition]:
    """Return the definitions of a class; those of its bases belong to the bases."""
    found: list[StepDefinition] = []
    for name, value in vars(owner).items():
        marks: tuple[StepMark, ...] = getattr(value, _MARKS, ()) if inspect.isfunction(value) else ()
        patterns: dict[tuple[type, str], StepMark] = {}
        for mark in marks:
            key = (type(mark.parser), mark.parser.name)
            same = patterns.get(key)
            patterns[key] = StepMark(same.types | mark.types, same.parser) if same else mark
        found.extend(
            StepDefinition(mark.types, mark.parser, owner, name, _place(value), getattr(value, _BACKGROUND, False))
            for mark in patterns.values()
        )
    return found


def _place(function: Callable[..., Any]) -> Place:
    code = inspect.unwrap(function).__code__
    return Place(Path(code.co_filename), code.co_firstlineno)
