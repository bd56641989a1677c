"""Arguments of a sentence become keyword arguments of a step method. Pure, so that lint binds what a run will bind."""

from __future__ import annotations

import functools
import inspect
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from harmony.errors import ConversionError, StepClassError
from harmony.model import DataTable, DocString
from harmony.steps.conversion import Converters
from harmony.steps.registry import StepDefinition, StepMatch

TABLE: Final = "datatable"
DOC_STRING: Final = "docstring"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a step method."""

    name: str
    annotation: Any
    required: bool


@functools.cache
def parameters_of(definition: StepDefinition) -> tuple[Parameter, ...]:
    """Return the parameters of a step method, without ``self``.

    Raises:
        StepClassError: An annotation cannot be read, or the method takes ``*args`` or ``**kwargs``.
    """
    function = definition.function
    hints = hints_of(function, f"{definition.qualified_name} ({definition.place})")
    found: list[Parameter] = []
    for parameter in list(inspect.signature(function).parameters.values())[1:]:
        if parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY}:
            raise StepClassError(
                f"{definition.place}: {definition.qualified_name} takes {parameter}; a step names each argument"
            )
        found.append(Parameter(parameter.name, hints.get(parameter.name, Any), parameter.default is parameter.empty))
    return tuple(found)


def hints_of(function: Callable[..., Any], where: str) -> dict[str, Any]:
    """Return the annotations of a function as types.

    Raises:
        StepClassError: One names something that does not exist at run time.
    """
    try:
        return typing.get_type_hints(inspect.unwrap(function), include_extras=True)
    except NameError as error:
        raise StepClassError(
            f"{where}: an annotation cannot be read: {error}",
            hint="import what annotations of steps name at run time, not under TYPE_CHECKING",
        ) from error


def bind(
    match: StepMatch, table: DataTable | None, doc_string: DocString | None, converters: Converters
) -> dict[str, Any]:
    """Return the keyword arguments for a step method.

    Groups with a name go to the parameter of that name, groups without one to the remaining parameters in order, a data
    table to ``datatable`` and a doc string to ``docstring``.

    Raises:
        ConversionError: An argument is missing, left over, or does not fit its annotation.
        StepClassError: The method's signature cannot be used.
    """
    definition = match.definition
    parameters = {parameter.name: parameter for parameter in parameters_of(definition)}
    raw = _by_name(match, parameters)
    bound: dict[str, Any] = {}
    for name, value in raw.items():
        try:
            bound[name] = converters.convert(value, parameters[name].annotation)
        except ConversionError as error:
            raise ConversionError(
                f"argument {name!r} of {_where(definition)}: {error.message}", hint=error.hint
            ) from error
    for name, argument, convert in (
        (TABLE, table, converters.table),
        (DOC_STRING, doc_string, converters.doc_string),
    ):
        if argument is None:
            continue
        if name not in parameters:
            raise ConversionError(
                f"{_where(definition)} takes no `{name}`, but the step has one", hint=f"add a parameter `{name}`"
            )
        bound[name] = typing.cast("Callable[[Any, Any], Any]", convert)(argument, parameters[name].annotation)
    missing = [name for name, parameter in parameters.items() if parameter.required and name not in bound]
    if missing:
        raise ConversionError(f"{_where(definition)} wants {', '.join(missing)}, which the step does not give")
    return bound


def _where(definition: StepDefinition) -> str:
    return f"{definition.qualified_name} ({definition.place})"


def _by_name(match: StepMatch, parameters: Mapping[str, Parameter]) -> dict[str, Any]:
    raw = {name: value for name, value in match.raw.named.items() if value is not None}
    free = [name for name in parameters if name not in match.raw.named and name not in {TABLE, DOC_STRING}]
    if len(match.raw.positional) > len(free):
        raise ConversionError(
            f"{_where(match.definition)}: {len(match.raw.positional)} unnamed group(s) in the pattern, "
            f"{len(free)} parameter(s) for them"
        )
    raw.update((name, value) for name, value in zip(free, match.raw.positional, strict=False) if value is not None)
    unknown = [name for name in raw if name not in parameters]
    if unknown:
        raise ConversionError(
            f"{_where(match.definition)} has no parameter {', '.join(unknown)}, which its pattern names"
        )
    return raw
