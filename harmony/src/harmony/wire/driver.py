"""What step classes speak to: the verbs that every driver has. A project adds its own in a subclass."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, Final, Protocol

from harmony.model import Verdict
from harmony.wire.driver_contract import Dump, Identity, verb

DEFAULT_TIMEOUT: Final = 5.0
GRACE: Final = 5.0
"""Seconds beyond its own deadline after which a verb is taken to hang."""


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


class Driver(Protocol):
    """The verbs that every driver has. Numbers that it gives for what is open die with it."""

    @abstractmethod
    async def call(self, verb: str, params: Mapping[str, Any], timeout: float) -> Any:
        """Carry one verb to the implementation and its plain answer back.

        Raises:
            DriverError: The implementation says so, or it did not answer in time.
        """

    @abstractmethod
    async def end(self) -> None:
        """End the driver and all it holds."""

    @verb()
    async def hello(self, *, timeout: float = DEFAULT_TIMEOUT) -> Identity:
        """Say who answers."""
        return Identity.model_validate(await self._ask("hello", timeout))

    @verb()
    async def health(self, *, timeout: float = DEFAULT_TIMEOUT) -> bool:
        """Answer true at once, whatever else is under way."""
        return bool(await self._ask("health", timeout))

    @verb()
    async def dump(self, *, timeout: float = DEFAULT_TIMEOUT) -> Dump:
        """Say at once which requests are under way and where every thread stands."""
        return Dump.model_validate(await self._ask("dump", timeout))

    async def _ask(self, verb: str, seconds: float, /, **params: Any) -> Any:
        return await self.call(verb, {**params, "timeout": seconds}, seconds)
