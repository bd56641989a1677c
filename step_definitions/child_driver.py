"""The port to a driver in a process of its own, which can be killed, limited, halted and watched."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, Self

from harmony.process.child import ProcessSpec
from harmony.run.driver_actor import DriverProgram
from harmony.run.driver_process import DriverProcess
from harmony.wire.driver import DEFAULT_TIMEOUT
from step_definitions.port import CONTRACT, Deed, Driver

_ROOT: Final = Path(__file__).resolve().parent.parent


def _placed(command: Sequence[str], namespace: bool) -> tuple[str, ...]:
    """Return the command that starts a program as the first of a new pid namespace, which ends with it; or as it is."""
    return ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc", *command) if namespace else tuple(command)


class ChildDriver(DriverProcess, Driver):
    """Speaks to a program on the other side of the port. Make one with :meth:`start` or :meth:`launch`."""

    @classmethod
    async def start(
        cls,
        library: str,
        *,
        user: int | None = None,
        namespace: bool = False,
        arguments: Sequence[str] = (),
        strict: bool = False,
    ) -> Self:
        """Start a process with a Python library.

        Args:
            library: The implementation, as ``module`` or ``module:attribute``.
            user: Number of the user it becomes; itself by default.
            namespace: Whether it is the first process of a new pid namespace.
            arguments: Of the interpreter.
            strict: Whether its every word must be as the contract says.
        """
        # The child changes its user itself, once it has imported what only this user may read.
        identity = [] if user is None else [str(user)]
        command = _placed((sys.executable, *arguments, "-m", "step_definitions.child", library, *identity), namespace)
        path = os.pathsep.join([str(_ROOT), *sys.path[1:]])
        spec = ProcessSpec(f"driver of {library}", command, env={"PYTHONPATH": path})
        return await cls.begin(spec, CONTRACT, strict=strict)

    @classmethod
    async def launch(
        cls, command: Sequence[str], *, user: int | None = None, namespace: bool = False, strict: bool = False
    ) -> Self:
        """Start any program that speaks the port.

        Args:
            command: Program and arguments.
            user: Number of the user it belongs to; this one by default.
            namespace: Whether it is the first process of a new pid namespace.
            strict: Whether its every word must be as the contract says.
        """
        return await cls.begin(ProcessSpec("driver", _placed(command, namespace), user=user), CONTRACT, strict=strict)

    @classmethod
    async def of_platform(
        cls, program: DriverProgram, *, user: int | None = None, namespace: bool = False, strict: bool = False
    ) -> Self:
        """Start the driver of a platform of the matrix.

        Args:
            program: What harmony starts for the platform.
            user: Number of the user it belongs to; this one by default.
            namespace: Whether it is the first process of a new pid namespace.
            strict: Whether its every word must be as the contract says.
        """
        spec = replace(program.spec, user=user, command=_placed(program.spec.command, namespace))
        return await cls.begin(spec, CONTRACT, strict=strict, listener=program)

    async def arm(self, point: str, passage: int, *, then: Deed = "die", timeout: float = DEFAULT_TIMEOUT) -> None:
        """Arm a point; who dies there dies on purpose."""
        if then == "die":
            self.child.expect_end(-signal.SIGKILL)
        await super().arm(point, passage, then=then, timeout=timeout)
