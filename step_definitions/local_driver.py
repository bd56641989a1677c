"""Verbs over the Python library in this process. Each blocks a thread of its own, and none blocks another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from harmony import BlockingCalls, Carrier, DriverError
from harmony.wire import GRACE
from step_definitions.dispatcher import Dispatcher
from step_definitions.library import Library


class LocalDriver(Carrier):
    """Performs verbs in this process.

    Args:
        library: The implementation.
    """

    def __init__(self, library: Library) -> None:
        self._dispatcher = Dispatcher(library)
        self._calls = BlockingCalls("verb")

    async def call(self, verb: str, params: Mapping[str, Any], timeout: float) -> Any:
        """Perform one verb in a thread of its own."""
        return await self._within(timeout, verb, lambda: self._dispatcher.perform(verb, params))

    async def end(self) -> None:
        """Close all that is open."""
        try:
            await self._within(GRACE, "end", self._dispatcher.close)
        finally:
            self._calls.close()

    async def _within(self, timeout: float, what: str, work: Callable[[], Any]) -> Any:
        try:
            async with asyncio.timeout(timeout + GRACE) as limit:
                return await self._calls.call(work)
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise DriverError("hang", f"{what} did not return within {timeout:g} s and {GRACE:g} s more") from error
