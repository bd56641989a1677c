"""The port to a driver in a process of its own, which can be killed, limited, halted and watched."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Self

from harmony.driver_process import DriverProcess
from harmony.process import ProcessSpec
from step_definitions.port import CONTRACT, Driver

_ROOT: Final = Path(__file__).resolve().parent.parent


class ChildDriver(DriverProcess, Driver):
    """Speaks to a program on the other side of the port. Make one with :meth:`start` or :meth:`launch`."""

    @classmethod
    async def start(cls, library: str, *, user: int | None = None, arguments: Sequence[str] = ()) -> Self:
        """Start a process with a Python library.

        Args:
            library: The implementation, as ``module`` or ``module:attribute``.
            user: Number of the user it becomes; itself by default.
            arguments: Of the interpreter.
        """
        # The child changes its user itself, once it has imported what only this user may read.
        identity = [] if user is None else [str(user)]
        command = (sys.executable, *arguments, "-m", "step_definitions.child", library, *identity)
        path = os.pathsep.join([str(_ROOT), *sys.path[1:]])
        return await cls.launch(command, name=f"driver of {library}", environment={"PYTHONPATH": path})

    @classmethod
    async def launch(
        cls,
        command: Sequence[str],
        *,
        name: str = "driver",
        user: int | None = None,
        environment: Mapping[str, str] | None = None,
        strict: bool = False,
    ) -> Self:
        """Start any program that speaks the port.

        Args:
            command: Program and arguments.
            name: What messages call it.
            user: Number of the user it belongs to; this one by default.
            environment: Variables on top of ours.
            strict: Whether its every word must be as the contract says.
        """
        spec = ProcessSpec(name, tuple(command), env=dict(environment or {}), user=user)
        return await cls.begin(spec, CONTRACT, strict=strict)
