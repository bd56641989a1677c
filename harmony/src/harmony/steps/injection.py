"""Constructors say what they need; a project's providers and harmony's own give it.

One injector lives as long as one role in one scenario: everything it makes exists once in that time, so that two step
classes which ask for the same type share one object.
"""

from __future__ import annotations

import asyncio
import collections.abc
import contextlib
import inspect
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from random import Random
from types import ModuleType
from typing import Any, Final, TypeVar

from harmony.errors import InjectionError, StepClassError
from harmony.logs import Logger
from harmony.model import ScenarioStart
from harmony.steps.binding import hints_of
from harmony.steps.context import ScenarioContext
from harmony.steps.conversion import describe
from harmony.steps.naming import Naming
from harmony.steps.performance import PerformanceMonitor
from harmony.steps.registry import import_modules
from harmony.steps.resources import Directory, Port, SocketPath, resource
from harmony.steps.shared_values import SharedValues

Provided = TypeVar("Provided", bound=Callable[..., Any])
_PROVIDER: Final = "__harmony_provider__"
_GENERATORS: Final = (collections.abc.Iterator, collections.abc.Generator)
_ASYNC_GENERATORS: Final = (collections.abc.AsyncIterator, collections.abc.AsyncGenerator)


def provider(function: Provided) -> Provided:
    """Mark a module-level function as the maker of what its return annotation names.

    Its parameters are injected. A generator yields the value and cleans up after the ``yield`` when the scenario ends.
    """
    setattr(function, _PROVIDER, True)
    return function


@dataclass(frozen=True, slots=True)
class Need:
    """One parameter that wants to be injected."""

    name: str
    type: Any
    required: bool


class Providers:
    """What can be injected, by type.

    Args:
        makers: What makes each type.
        promised: Types that are given by what runs the steps, and what to do where they are not.
    """

    def __init__(
        self, makers: Mapping[Any, Callable[..., Any]] | None = None, promised: Mapping[Any, str] | None = None
    ) -> None:
        self._makers: dict[Any, Callable[..., Any]] = {**_BUILT_IN, **(makers or {})}
        self.promised = dict(promised or {})

    @classmethod
    def of_modules(cls, names: Iterable[str]) -> Providers:
        """Collect the functions marked with :func:`provider` from modules.

        Raises:
            ConfigurationError: A module cannot be imported.
            StepClassError: A provider has no usable return annotation, or two provide one type.
        """
        makers: dict[Any, Callable[..., Any]] = {}
        for module in import_modules(names):
            for function in _marked(module):
                key = _provided_type(function)
                if key in makers:
                    raise StepClassError(
                        f"{_name(makers[key])} and {_name(function)} both provide {describe(key)}",
                        hint="one provider per type",
                    )
                makers[key] = function
        return cls(makers)

    def promising(self, types: Iterable[Any], hint: str) -> Providers:
        """Return the same, with types that are given by what runs the steps."""
        return Providers(self._makers, {**self.promised, **dict.fromkeys(types, hint)})

    def maker(self, key: Any) -> Callable[..., Any] | None:
        """Return what makes a type: its provider, or the class itself if it can be constructed by injection."""
        if key in self._makers:
            return self._makers[key]
        return key if _constructible(key) and key not in self.promised else None

    def provides(self, key: Any) -> bool:
        """Whether a provider is registered for exactly this type."""
        return key in self._makers

    def missing(self, key: Any) -> list[str]:
        """Return what is wrong with the dependencies of a type, without making anything."""
        return list(self._missing(key, ()))

    def _missing(self, key: Any, path: tuple[Any, ...]) -> Iterator[str]:
        chain = " -> ".join(describe(part) for part in (*path, key))
        maker = self.maker(key)
        if key in path:
            yield f"{chain}: a circle"
        elif maker is None and key not in self.promised:
            yield f"{chain}: nobody provides {describe(key)}"
        elif maker is not None:
            for need in needs_of(maker):
                if need.required or need.type in self._makers:
                    yield from self._missing(need.type, (*path, key))


class Injector:
    """Makes what constructors ask for, once per scenario and role.

    Args:
        providers: Of the project.
        context: Of the scenario and role.
        given: What whoever runs the steps gives, unless the project provides it itself.
    """

    def __init__(self, providers: Providers, context: ScenarioContext, given: Mapping[Any, Any] | None = None) -> None:
        self._providers = providers
        self._context = context
        self._made: dict[Any, Any] = {key: one for key, one in (given or {}).items() if not providers.provides(key)}
        self._made[ScenarioContext] = context
        self._making: list[Any] = []
        self._one_at_a_time = asyncio.Lock()

    def knows(self, key: Any) -> bool:
        """Whether somebody gives or provides exactly this type."""
        return key in self._made or self._providers.provides(key)

    async def get(self, key: Any) -> Any:
        """Return the object of a type, made now if this is the first time it is asked for.

        Raises:
            InjectionError: Nobody provides it, or it needs itself.
        """
        async with self._one_at_a_time:
            return await self._get(key)

    async def _get(self, key: Any) -> Any:
        if key in self._made:
            return self._made[key]
        maker = self._providers.maker(key)
        chain = " -> ".join(describe(part) for part in (*self._making, key))
        if maker is None:
            hint = self._providers.promised.get(key, "add a @provider for it")
            raise InjectionError(f"nobody provides {describe(key)} ({chain})", hint=hint)
        if key in self._making:
            raise InjectionError(f"a type needs itself: {chain}")
        self._making.append(key)
        try:
            arguments = {
                need.name: await self._get(need.type)
                for need in needs_of(maker)
                if need.required or self.knows(need.type)
            }
            self._made[key] = await self._make(maker, arguments)
        finally:
            self._making.pop()
        return self._made[key]

    async def _make(self, maker: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
        if inspect.isasyncgenfunction(maker):
            return await self._context.enter_async(contextlib.asynccontextmanager(maker)(**arguments))
        if inspect.isgeneratorfunction(maker):
            return self._context.enter(contextlib.contextmanager(maker)(**arguments))
        value = maker(**arguments)
        return await value if inspect.iscoroutinefunction(maker) else value


def needs_of(maker: Callable[..., Any]) -> list[Need]:
    """Return the parameters of a provider or of a class's constructor.

    Raises:
        StepClassError: A parameter has no annotation.
    """
    if inspect.isclass(maker):
        function: Callable[..., Any] = maker.__init__
        if function is object.__init__:
            return []
        parameters = list(inspect.signature(function).parameters.values())[1:]
    else:
        function = maker
        parameters = list(inspect.signature(function).parameters.values())
    hints = hints_of(function, _name(maker))
    needs: list[Need] = []
    for parameter in parameters:
        if parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD}:
            continue
        required = parameter.default is parameter.empty
        if parameter.name not in hints and required:
            raise StepClassError(
                f"{_name(maker)}: the parameter {parameter.name!r} has no annotation",
                hint="what is injected is found by its type",
            )
        if parameter.name in hints:
            needs.append(Need(parameter.name, _without_none(hints[parameter.name]), required))
    return needs


def _without_none(hint: Any) -> Any:
    """Return the type of a parameter that may be left out, such as ``Clock | None``."""
    if typing.get_origin(hint) not in (typing.Union, types.UnionType):
        return hint
    others = [one for one in typing.get_args(hint) if one is not type(None)]
    return others[0] if len(others) == 1 else hint


def _marked(module: ModuleType) -> list[Callable[..., Any]]:
    return [
        value
        for value in vars(module).values()
        if inspect.isfunction(value) and hasattr(value, _PROVIDER) and value.__module__ == module.__name__
    ]


def _provided_type(function: Callable[..., Any]) -> Any:
    annotation = hints_of(function, _name(function)).get("return", type(None))
    generator = inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)
    if generator and typing.get_origin(annotation) in (*_GENERATORS, *_ASYNC_GENERATORS):
        annotation = typing.get_args(annotation)[0]
    if annotation is type(None):
        raise StepClassError(
            f"{_name(function)} is a provider without a return annotation", hint="it provides what it is annotated with"
        )
    return annotation


def _constructible(key: Any) -> bool:
    return (
        inspect.isclass(key)
        and typing.get_origin(key) is None
        and key.__module__ != "builtins"
        and not inspect.isabstract(key)
        and not getattr(key, "_is_protocol", False)
    )


def _name(maker: Callable[..., Any]) -> str:
    return f"{maker.__module__}.{maker.__qualname__}"


def _start(context: ScenarioContext) -> ScenarioStart:
    return context.start


def _naming(context: ScenarioContext) -> Naming:
    return context.naming


def _logger(context: ScenarioContext) -> Logger:
    return context.logger


def _random(context: ScenarioContext) -> Random:
    return context.random


def _performance(context: ScenarioContext) -> PerformanceMonitor:
    return context.performance


def _values(start: ScenarioStart) -> SharedValues:
    return SharedValues(start)


def _port(context: ScenarioContext) -> Port:
    return resource(Port, context)


def _directory(context: ScenarioContext) -> Directory:
    return resource(Directory, context)


def _socket_path(context: ScenarioContext) -> SocketPath:
    return resource(SocketPath, context)


def _context() -> ScenarioContext:
    raise InjectionError("the context is given to the injector, not made by it")


_BUILT_IN: Final[Mapping[Any, Callable[..., Any]]] = {
    ScenarioContext: _context,
    ScenarioStart: _start,
    Naming: _naming,
    Logger: _logger,
    Random: _random,
    PerformanceMonitor: _performance,
    SharedValues: _values,
    Port: _port,
    Directory: _directory,
    SocketPath: _socket_path,
}
