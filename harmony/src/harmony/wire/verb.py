"""A verb: what a method of a contract says of one request, and the client that is made of it.

A project writes the signature and the docstring; the body is ``...``. What carries a request is given.
"""

from __future__ import annotations

import functools
import inspect
import json
from abc import abstractmethod
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import CodeType, FunctionType
from typing import Any, Final, Protocol, TypeVar, get_type_hints, overload

import pydantic
from pydantic import ConfigDict, TypeAdapter
from typing_extensions import TypedDict

from harmony.errors import ConfigurationError, ExitCode, HarmonyError

DEFAULT_TIMEOUT: Final = 5.0
"""Seconds of a verb that declares no other ``timeout``."""

_MARK: Final = "__driver_verb__"
_TIMEOUT: Final = "timeout"
_Function = TypeVar("_Function", bound=Callable[..., Coroutine[Any, Any, Any]])
_VARIABLE: Final = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
_WAY_OUT: Final = "a verb is `@verb`, `async def NAME(self, …) -> …:`, a docstring and `...`"


class ContractError(ConfigurationError):
    """A contract cannot be used as it is written.

    Way out: change the verb that the message names: `@verb`, `async def`, types for all, a docstring, and `...` for
    a body.
    """

    code = "contract"


class ContractViolationError(HarmonyError):
    """A driver said something that its contract does not allow.

    Way out: the message names verb and key; `harmony contract` shows what is allowed, `harmony doctor` tries all of
    it.
    """

    code = "contract_violation"
    exit_code = ExitCode.FAILED

    @classmethod
    def of_answer(cls, verb: str, problems: Sequence[str]) -> ContractViolationError:
        """Return what is said of an answer."""
        return cls(
            f"the answer to {verb} is not what the contract says: {'; '.join(problems)}",
            hint="`harmony contract` prints the contract",
        )


class Carrier(Protocol):
    """Carries verbs to an implementation. All that a client needs."""

    @abstractmethod
    async def call(self, verb: str, params: Mapping[str, Any], timeout: float) -> Any:
        """Carry one verb to the implementation and its plain answer back.

        Raises:
            DriverError: The implementation says so, or it did not answer in time.
        """

    @abstractmethod
    async def end(self) -> None:
        """End the implementation and all it holds."""


@dataclass(frozen=True)
class Verb:
    """One verb of a contract.

    Attributes:
        name: The method of the request.
        needs: The capability without which a driver need not have it.
        roles: Who has it; a driver that plays none of them need not. Every one, where none is named.
    """

    name: str
    needs: str
    roles: tuple[str, ...]
    _function: Callable[..., Any]
    _wire: Any

    @property
    def summary(self) -> str:
        """What it does, in a sentence."""
        return inspect.cleandoc(self._function.__doc__ or "").partition("\n\n")[0].replace("\n", " ")

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of what a request carries."""
        return tuple(self._signature.parameters)

    @cached_property
    def params(self) -> TypeAdapter[Any]:
        """What a request carries, as an object with a key for each parameter."""
        fields = {name: self._hints.get(name, float) for name in self.parameters}
        make: Any = TypedDict
        made = make(f"{self.name}_params", fields)
        made.__pydantic_config__ = ConfigDict(extra="forbid")
        return self._adapter(made)

    @cached_property
    def result(self) -> TypeAdapter[Any]:
        """What its answer is on the wire."""
        return self._value if self._wire is None else self._adapter(self._wire)

    @cached_property
    def _value(self) -> TypeAdapter[Any]:
        """What the method returns."""
        return self._adapter(self._hints["return"])

    @cached_property
    def _signature(self) -> inspect.Signature:
        """How it is called, without ``self``; every verb has a deadline."""
        parameters = list(inspect.signature(self._function).parameters.values())[1:]
        if not any(one.name == _TIMEOUT for one in parameters):
            parameters.append(inspect.Parameter(_TIMEOUT, inspect.Parameter.KEYWORD_ONLY, default=DEFAULT_TIMEOUT))
        return inspect.Signature(parameters)

    @cached_property
    def _hints(self) -> dict[str, Any]:
        return get_type_hints(self._function, include_extras=True)

    def _adapter(self, type_: Any) -> TypeAdapter[Any]:
        try:
            return TypeAdapter(type_)
        except pydantic.PydanticUserError as error:
            text = f"{self._function.__qualname__}: {str(error).splitlines()[0]}"
            raise ContractError(text, hint="a verb carries what is JSON: numbers, text, lists, records") from error

    def request(self, arguments: Sequence[Any], named: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a request carries, as plain data, for a call with these arguments.

        Raises:
            TypeError: They are not those of the method.
        """
        try:
            bound = self._signature.bind(*arguments, **named)
        except TypeError as error:
            raise TypeError(f"{self._function.__qualname__}(): {error}") from None
        bound.apply_defaults()
        plain: dict[str, Any] = self.params.dump_python(bound.arguments, mode="json", warnings=False)
        return plain

    def value(self, answer: Any) -> Any:
        """Return what the method returns for a plain answer.

        Raises:
            ContractViolationError: It is not what the contract says.
        """
        try:
            plain = answer if self._wire is None else self.result.validate_python(answer)
            return self._value.validate_python(plain)
        except pydantic.ValidationError as error:
            raise ContractViolationError.of_answer(self.name, _said(error)) from None

    def problems(self, answer: Any) -> list[str]:
        """Say what is wrong with an answer, to the letter: its types must match exactly, its keys be the contract's."""
        try:
            value = self.result.validate_json(json.dumps(answer), strict=True)
        except pydantic.ValidationError as error:
            return _said(error)
        return list(_other_keys(answer, self.result.dump_python(value, mode="json")))

    def mistakes(self) -> Iterator[str]:
        """Say what is wrong with how it is written."""
        function = self._function
        if not inspect.iscoroutinefunction(function):
            yield "is no `async def`"
        elif not _is_empty(function):
            yield "has a body; the harness makes the client, so it is `...`"
        if not self.summary:
            yield "has no docstring; the contract is made of them"
        yield from self._untyped()

    def _untyped(self) -> Iterator[str]:
        try:
            hints = self._hints
        except NameError as error:
            yield f"has an annotation that cannot be read: {error}; import it at run time, not under TYPE_CHECKING"
            return
        for one in list(inspect.signature(self._function).parameters.values())[1:]:
            if one.kind in _VARIABLE:
                yield f"takes {_VARIABLE[one.kind]}{one.name}; a verb names each parameter"
            elif one.name not in hints:
                yield f"does not say the type of its parameter {one.name!r}"
        if "return" not in hints:
            yield "does not say what it returns; `-> None` if that is nothing"
        for name, hint in hints.items():
            if hint is bytes:
                yield f"has bytes as {name!r}, which JSON has not; say how they travel: Annotated[bytes, …]"


@overload
def verb(function: _Function, /) -> _Function: ...
@overload
def verb(*, needs: str = "", roles: Sequence[str] = (), wire: Any = None) -> Callable[[_Function], _Function]: ...
def verb(function: Any = None, /, *, needs: str = "", roles: Sequence[str] = (), wire: Any = None) -> Any:
    """Make a method a verb of the contract, and its own client: it carries its arguments and returns the answer.

    The method is ``async``, its parameters and result have types, and its body is ``...``. One that declares no
    ``timeout`` takes :data:`DEFAULT_TIMEOUT`.

    Args:
        function: The method.
        needs: The capability without which a driver need not have it.
        roles: Those that have it; a platform that plays none of them need not.
        wire: What the answer is on the wire, where a validator in the annotation of the result makes something more
            convenient of it.
    """
    if function is None:
        return functools.partial(_client, needs=needs, roles=roles, wire=wire)
    return _client(function, needs=needs, roles=roles, wire=wire)


def _client(function: Callable[..., Any], *, needs: str, roles: Sequence[str], wire: Any) -> Callable[..., Any]:
    described = Verb(function.__name__, needs, tuple(roles), function, wire)

    @functools.wraps(function)
    async def client(self: Carrier, /, *arguments: Any, **named: Any) -> Any:
        params = described.request(arguments, named)
        return described.value(await self.call(described.name, params, params[_TIMEOUT]))

    setattr(client, _MARK, described)
    return client


def verbs_of(port: type) -> dict[str, Verb]:
    """Return the verbs of a class, in the order in which they are written, those of its bases first."""
    marks = (getattr(value, _MARK, None) for base in reversed(port.__mro__) for value in vars(base).values())
    return {mark.name: mark for mark in marks if mark is not None}


def check_port(port: type, own: type) -> None:
    """Refuse a class whose verbs cannot be used as they are written.

    Args:
        port: The class.
        own: What it is a subclass of: the verbs that every driver has.

    Raises:
        ContractError: It has mistakes, all of which are named.
    """
    found = list(_mistakes(port, own))
    if found:
        raise ContractError("; ".join(found), hint=_WAY_OUT)


def _mistakes(port: type, own: type) -> Iterator[str]:
    if own not in port.__mro__:
        yield f"{port.__name__} is no subclass of harmony.{own.__name__}"
    taken = {*vars(Carrier), *verbs_of(own)}
    for base in (one for one in port.__mro__ if one not in own.__mro__):
        for name, value in vars(base).items():
            where = f"{base.__module__}.{base.__name__}.{name}"
            described = getattr(value, _MARK, None)
            if described is not None:
                yield from (f"{where} {text}" for text in described.mistakes())
                if name in taken:
                    yield f"{where} has a name that every driver has already"
            elif inspect.iscoroutinefunction(value) and _is_empty(value):
                yield f"{where} is not marked with `@verb`"


def _is_empty(function: Any) -> bool:
    """Whether a coroutine function has nothing but a docstring and ``...`` for a body."""
    return isinstance(function, FunctionType) and _deeds(function.__code__) in _NO_DEEDS


def _deeds(code: CodeType) -> tuple[bytes, tuple[str, ...]]:
    return code.co_code, code.co_names


async def _documented() -> None:
    """Be empty."""


async def _bare() -> None: ...


_NO_DEEDS: Final = (_deeds(_documented.__code__), _deeds(_bare.__code__))


def _said(error: pydantic.ValidationError) -> list[str]:
    return [
        f"{'.'.join(map(str, item['loc'])) or 'the result'}: {item['msg']}, got {item['input']!r:.80}"
        for item in error.errors(include_url=False)
    ]


def _other_keys(given: Any, known: Any, place: str = "") -> Iterator[str]:
    """Name the keys of a JSON value that its model does not know, and those that it lacks."""
    if isinstance(given, Mapping) and isinstance(known, Mapping):
        for key in [*given, *(key for key in known if key not in given)]:
            here = f"{place}.{key}" if place else str(key)
            if key not in known:
                yield f"{here}: the contract knows no such key"
            elif key not in given:
                yield f"{here}: this key is missing"
            else:
                yield from _other_keys(given[key], known[key], here)
    elif isinstance(given, Sequence) and isinstance(known, Sequence) and not isinstance(given, str):
        for number, (value, other) in enumerate(zip(given, known, strict=False)):
            yield from _other_keys(value, other, f"{place}[{number}]")
