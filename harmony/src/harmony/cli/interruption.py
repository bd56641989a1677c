"""What goes on until it has ended, or until somebody asks for its end."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Coroutine
from typing import Any


async def until_asked(work: Coroutine[Any, Any, None]) -> bool:
    """Work until that has ended, or until ^C or whatever asks this process to end; return whether that came first.

    What runs may release what it holds. Asked once more, it kills what runs.
    """
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task
    return task.cancelled()
