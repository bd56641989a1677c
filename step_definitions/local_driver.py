"""The port over the Python library in this process. Each verb blocks a thread of its own, and none blocks another."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import threading
from collections.abc import Callable, Mapping
from typing import Any

from harmony.wire import GRACE
from step_definitions.dispatcher import Dispatcher
from step_definitions.library import Library
from step_definitions.port import Driver, DriverError

_numbers = itertools.count(1)


class LocalDriver(Driver):
    """Performs verbs in this process.

    Args:
        library: The implementation.
    """

    def __init__(self, library: Library) -> None:
        self._dispatcher = Dispatcher(library)

    async def call(self, verb: str, params: Mapping[str, Any], timeout: float) -> Any:
        """Perform one verb in a thread of its own."""
        return await bounded(verb, lambda: self._dispatcher.perform(verb, params), timeout)

    async def end(self) -> None:
        """Close all that is open."""
        await bounded("end", self._dispatcher.close, GRACE)


async def bounded(what: str, work: Callable[[], Any], timeout: float) -> Any:
    """Run blocking work in a thread, with a deadline.

    Raises:
        DriverError: With the code ``timeout``, if it hangs.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Any] = loop.create_future()

    def settle(result: Any, error: BaseException | None) -> None:
        if future.done():
            return
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)

    def run() -> None:
        result: Any = None
        failure: BaseException | None = None
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001 - every error belongs to the waiting task
            failure = error
        with contextlib.suppress(RuntimeError):  # the loop has been closed: nobody waits
            loop.call_soon_threadsafe(settle, result, failure)

    threading.Thread(target=run, name=f"verb-{what}-{next(_numbers)}", daemon=True).start()
    try:
        return await asyncio.wait_for(future, timeout + GRACE)
    except TimeoutError as error:
        if future.done() and not future.cancelled():
            raise
        raise DriverError("hang", f"{what} did not return within {timeout:g} s and {GRACE:g} s more") from error
