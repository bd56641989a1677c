"""The port to a driver in a process of its own, which can be killed, limited, halted and watched."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self

from harmony import framing, jsonrpc
from harmony.errors import UnsupportedError
from step_definitions.child import DRIVER_ERROR
from step_definitions.local_driver import GRACE
from step_definitions.port import Driver, DriverError

_ROOT: Final = Path(__file__).resolve().parent.parent
_END_PATIENCE: Final = 5.0
_CHUNK: Final = 1 << 16


class ChildDriver(Driver):
    """Speaks to a program on the other side of the port. Make one with :meth:`start` or :meth:`launch`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._listener = asyncio.create_task(self._listen())

    @classmethod
    async def start(cls, library: str, *, user: int | None = None, arguments: Sequence[str] = ()) -> Self:
        """Start a process.

        Args:
            library: The implementation, as ``module`` or ``module:attribute``.
            user: Number of the user it becomes; itself by default.
            arguments: Of the interpreter.
        """
        # The child changes its user itself, once it has imported what only this user may read.
        identity = [] if user is None else [str(user)]
        command = (sys.executable, *arguments, "-m", "step_definitions.child", library, *identity)
        path = os.pathsep.join([str(_ROOT), *sys.path[1:]])
        return await cls.launch(command, environment={"PYTHONPATH": path})

    @classmethod
    async def launch(
        cls, command: Sequence[str], *, user: int | None = None, environment: Mapping[str, str] | None = None
    ) -> Self:
        """Start any program that speaks the port.

        Args:
            command: Program and arguments.
            user: Number of the user it belongs to; this one by default.
            environment: Variables on top of ours.
        """
        owner: dict[str, Any] = {} if user is None else {"user": user, "group": user, "extra_groups": []}
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
            **owner,
        )
        return cls(process)

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it has not ended."""
        return self._process.returncode is None

    async def call(self, verb: str, params: Mapping[str, Any], timeout: float) -> Any:
        """Send one verb and wait for its answer."""
        if not self.alive or self._listener.done() or self._process.stdin is None:
            raise DriverError("dead", f"the process {self.pid} that should {verb} is gone")
        number = next(self._numbers)
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        request = jsonrpc.Request(number, verb, [dict(params)])
        try:
            self._process.stdin.write(framing.encode(jsonrpc.encode(request)))
            with contextlib.suppress(ConnectionError):
                await self._process.stdin.drain()
            return await asyncio.wait_for(answer, timeout + GRACE)
        except TimeoutError as error:
            raise DriverError("hang", f"{verb} did not return within {timeout:g} s and {GRACE:g} s more") from error
        finally:
            self._waiting.pop(number, None)

    async def kill(self) -> None:
        """End the process with SIGKILL; return when it is gone."""
        if self.alive:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
        await self._process.wait()
        await self._listener

    async def end(self) -> None:
        """Close its stdin, upon which it closes all and exits; kill it if it does not."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), _END_PATIENCE)
        except TimeoutError as error:
            await self.kill()
            raise DriverError("hang", f"the driver process {self.pid} did not end by itself") from error
        finally:
            await self.kill()

    async def _listen(self) -> None:
        decoder = framing.FrameDecoder()
        source = self._process.stdout
        while source is not None and (data := await source.read(_CHUNK)):
            for item in decoder.feed(data):
                if isinstance(item, framing.Frame):
                    self._take(jsonrpc.decode(item.body))
        for answer in list(self._waiting.values()):
            if not answer.done():
                answer.set_exception(DriverError("dead", f"the process {self.pid} died before it answered"))

    def _take(self, message: jsonrpc.Message | jsonrpc.Malformed) -> None:
        match message:
            case jsonrpc.Response(id=int(number), result=result):
                answer = self._waiting.get(number)
                if answer is not None and not answer.done():
                    answer.set_result(result)
            case jsonrpc.ErrorResponse(id=int(number), code=code, message=text, data=data):
                answer = self._waiting.get(number)
                if answer is not None and not answer.done() and code == jsonrpc.METHOD_NOT_FOUND:
                    answer.set_exception(UnsupportedError(f"the driver has not got the verb: {text}"))
                elif answer is not None and not answer.done():
                    details = data or {}
                    known = details.get("code", "system_error") if code == DRIVER_ERROR else "system_error"
                    answer.set_exception(DriverError(known, text, details.get("details")))
            case _:
                return
