"""What step classes speak to: the verbs of a port, over whatever carries them. And what it refuses with."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar, cast

from harmony.model import Verdict
from harmony.wire.verb import Carrier

GRACE: Final = 5.0
"""Seconds beyond its own deadline after which a verb is taken to hang."""

Port = TypeVar("Port")
_VERDICTS: Final = {"dead": Verdict.CRASHED, "hang": Verdict.TIMED_OUT}


class DriverError(Exception):
    """An implementation refused or failed, or its driver is gone (``dead``) or silent (``hang``).

    Attributes:
        code: Canonical name of the cause.
        message: What the implementation says, for a person.
        details: The values involved, such as ``expected`` and ``seen``.
    """

    def __init__(self, code: str, message: str, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.details = dict(details or {})

    @property
    def verdict(self) -> Verdict:
        """What it makes of a step that did not ask for it."""
        return _VERDICTS.get(self.code, Verdict.FAILED)


def client_of(port: Callable[..., Port], carrier: Carrier) -> Port:
    """Return an object with the verbs of a port, each of which the carrier carries.

    Args:
        port: The protocol class whose methods are the verbs.
        carrier: Such as a process, or the steps' own stand-in for one.
    """
    return cast("Port", _client_class(port)(carrier))


class _Client(Carrier):
    """Hands verbs on. Its other names are the port's."""

    def __init__(self, carrier: Carrier) -> None:
        self.__carrier = carrier

    async def call(self, verb: str, params: Mapping[str, Any], timeout: float) -> Any:
        """Have the carrier carry a verb."""
        return await self.__carrier.call(verb, params, timeout)

    async def end(self) -> None:
        """Have the carrier end."""
        await self.__carrier.end()


@functools.cache
def _client_class(port: Any) -> Callable[[Carrier], Any]:
    return type(f"{port.__name__}Client", (_Client, port), {"__doc__": port.__doc__, "__module__": port.__module__})
