"""Sentences of features/20-misuse.feature: calls that must not be made, and what they are told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from harmony import ByteSize, expect_equal, step, then
from step_definitions.patterns import Pattern, Payload
from step_definitions.port import Driver, DriverError
from step_definitions.role import Role
from step_definitions.sentences import acting

_LATE_CALL = Payload(Pattern.FRAME, 100)


class MisuseSteps:
    """Calls at the wrong moment, or one time too often."""

    def __init__(self, role: Role, driver: Driver) -> None:
        self._role = role
        self._driver = driver
        self._told: dict[str, str] = {}

    @step(acting(r"tries to request zero-copy frame of size '(?P<size>[^']+)'"))
    async def try_acquire(self, size: ByteSize) -> None:
        """Ask for a place in the ring, or learn why there is none."""
        timeout = self._role.settings.attempt_timeout
        work = self._driver.acquire(self._role.endpoints.writer(), size, timeout=timeout)
        await self._role.operations.attempt(work, patience=timeout)

    @step(acting(r"closes its reader of buffer '(?P<base>[^']+)' and uses it all the same"))
    async def use_closed_reader(self, base: str) -> None:
        """Close a reader, and make each call that a reader has."""
        handle = self._role.endpoints.reader(base)
        await self._role.close(base)
        await self._call_all(
            {
                "read": lambda: self._driver.read(handle, timeout=self._role.settings.attempt_timeout),
                "read metadata": lambda: self._driver.read_metadata(handle),
            }
        )

    @step(acting(r"closes its writer of buffer '(?P<base>[^']+)' and uses it all the same"))
    async def use_closed_writer(self, base: str) -> None:
        """Close a writer, and make each call that a writer has."""
        handle = self._role.endpoints.writer(base)
        await self._role.close(base)
        await self._call_all(
            {
                "write": lambda: self._driver.write(handle, _LATE_CALL, timeout=self._role.settings.attempt_timeout),
                "acquire": lambda: self._driver.acquire(handle, 100, timeout=self._role.settings.attempt_timeout),
                "write metadata": lambda: self._driver.write_metadata(handle, _LATE_CALL),
            }
        )

    @then(acting(r"should have been told '(?P<code>[^']+)' each time"))
    def told_each_time(self, code: str) -> None:
        """Compare what became of every call."""
        if not self._told:
            raise AssertionError("no call has been made that must not be made")
        expect_equal(dict.fromkeys(self._told, code), self._told, "what each call was told")

    async def _call_all(self, calls: Mapping[str, Callable[[], Awaitable[object]]]) -> None:
        for name, call in calls.items():
            try:
                await call()
            except DriverError as error:
                self._told[name] = error.code
            else:
                self._told[name] = "nothing"
