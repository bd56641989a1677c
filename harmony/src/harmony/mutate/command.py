"""A command in a copy of the project, such as a build: with a deadline, and with an end of all that it has started."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_SHOWN: Final = 2000
"""How much of what it said is told."""


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended.

    Attributes:
        code: Its exit code; nothing where it did not end in time.
        said: The end of what it has said.
        seconds: What it took.
    """

    code: int | None
    said: str
    seconds: float


async def run_command(words: Sequence[str], directory: Path, deadline: float) -> Done:
    """Run a command; what is left of its group when it has ended, or when nobody waits any more, is killed."""
    begin = time.monotonic()
    with tempfile.TemporaryFile() as said:
        try:
            process = await asyncio.create_subprocess_exec(
                *words,
                cwd=directory,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )
        except OSError as error:
            return Done(127, f"{words[0]}: {error.strerror}", 0.0)
        code = None
        try:
            with contextlib.suppress(TimeoutError):
                code = await asyncio.wait_for(process.wait(), deadline)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
        said.seek(0)
        return Done(code, said.read().decode("utf-8", "replace").strip()[-_SHOWN:], time.monotonic() - begin)
