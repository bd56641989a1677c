"""One run, as a child process: ``harmony run``, whose events come through a pipe."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Final, Self

import pydantic

from harmony.verdict.events import Event, decode_event

_STOP_TIMEOUT: Final = 10.0
"""How long it may release what it holds on a busy machine."""
_AFTER_THE_END: Final = 1.0
"""How long events may come after the end of their sender."""
_LONGEST_LINE: Final = 1 << 26


class ChildRun:
    """A run that goes on. Leader of a group of processes: no ^C of a terminal reaches it, and all can be killed."""

    def __init__(self, process: asyncio.subprocess.Process, said: IO[bytes], told: asyncio.Task[None]) -> None:
        self._process = process
        self._said = said
        self._told = told

    @classmethod
    async def start(
        cls,
        project: Path,
        words: Sequence[str],
        more: Sequence[str],
        hear: Callable[[Event], None],
        *,
        python: str = sys.executable,
        environment: Mapping[str, str] | None = None,
        inherits: Sequence[int] = (),
    ) -> Self:
        """Start it.

        Args:
            project: The project file.
            words: Of `harmony run`.
            more: Of pytest.
            hear: Is told each event.
            python: Which Python runs it.
            environment: Variables on top of those of this process.
            inherits: Descriptors that it shares with this process.
        """
        reading, writing = os.pipe()
        said = tempfile.TemporaryFile()  # noqa: SIM115 - the run has it until it is closed
        command = [python, "-m", "harmony", "run", f"--project={project}", f"--events=/dev/fd/{writing}"]
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                *words,
                "--",
                *more,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                pass_fds=(writing, *inherits),
                env={**os.environ, **(environment or {})},
                start_new_session=True,
            )
        except BaseException:
            os.close(reading)
            raise
        finally:
            os.close(writing)
        return cls(process, said, asyncio.create_task(listen(reading, hear)))

    @property
    def code(self) -> int | None:
        """Its exit code; nothing if it has not ended."""
        return self._process.returncode

    async def wait(self) -> int:
        """Wait for its end; return its exit code."""
        code = await self._process.wait()
        await self._hear_out()
        return code

    def output(self) -> str:
        """Return what it has said beside the events."""
        self._said.seek(0)
        return self._said.read().decode("utf-8", "replace").strip()

    async def close(self) -> None:
        """Have it end as on ^C, where it has not ended; kill it where it does not, or where nobody waits any more."""
        try:
            if self._process.returncode is None:
                # To it alone: what it has started is released by it, and a signal to these would come between.
                self._process.send_signal(signal.SIGTERM)  # whoever was started in the background is deaf to ^C
                await asyncio.wait_for(self._process.wait(), _STOP_TIMEOUT)
        except TimeoutError:
            pass
        finally:
            # Also what is left of its group, such as a compiler.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._said.close()
        await self._process.wait()
        await self._hear_out()
        self._told.cancel()

    async def _hear_out(self) -> None:
        await asyncio.wait({self._told}, timeout=_AFTER_THE_END)


async def listen(reading: int, hear: Callable[[Event], None]) -> None:
    """Hear the events that come through a pipe, to their end; the descriptor is closed then."""
    stream = asyncio.StreamReader(limit=_LONGEST_LINE)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(stream), os.fdopen(reading, "rb", buffering=0)
    )
    try:
        while line := await stream.readline():
            # A run that is killed leaves half a line.
            with contextlib.suppress(pydantic.ValidationError):
                hear(decode_event(line.decode("utf-8", "replace")))
    finally:
        transport.close()
