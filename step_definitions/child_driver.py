"""The port to a driver in a process of its own, which can be killed, limited, halted and watched."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Self

from harmony import DriverProcess, DriverProgram, ProcessSpec
from step_definitions.port import CONTRACT, Driver

_ROOT: Final = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Placement:
    """To whom a process belongs, which processes it sees, and how it makes files.

    Attributes:
        user: Number of the user that it belongs to; this one by default.
        namespace: Whether it is the first process of a new pid namespace, which ends with it.
        umask: Rights that files do not get which it makes, octal; those of this process by default.
        variables: Of its environment, on top of ours.
    """

    user: int | None = None
    namespace: bool = False
    umask: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)

    def command(self, words: Sequence[str]) -> tuple[str, ...]:
        """Return the command that starts a program under its umask and in its namespace."""
        around = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc") if self.namespace else ()
        masked = ("sh", "-c", 'umask "$0" && exec "$@"', self.umask) if self.umask else ()
        return (*around, *masked, *words)


HERE: Final = Placement()


class ChildDriver(DriverProcess, Driver):
    """Speaks to a program on the other side of the port.

    One is made by :meth:`start`, :meth:`launch` or :meth:`of_platform`. With ``strict``, its every word must be as the
    contract says.
    """

    @classmethod
    async def start(cls, library: str, placement: Placement = HERE, *, strict: bool = False) -> Self:
        """Start the Python driver with a library, ``module`` or ``module:attribute``."""
        # The child changes its user itself, once it has imported what only this user may read.
        identity = [] if placement.user is None else [str(placement.user)]
        command = placement.command((sys.executable, "-m", "step_definitions.child", library, *identity))
        path = os.pathsep.join([str(_ROOT), *sys.path[1:]])
        spec = ProcessSpec(f"driver of {library}", command, env={"PYTHONPATH": path, **placement.variables})
        return await cls.begin(spec, CONTRACT, strict=strict)

    @classmethod
    async def launch(cls, command: Sequence[str], placement: Placement = HERE, *, strict: bool = False) -> Self:
        """Start any program that speaks the port."""
        spec = ProcessSpec("driver", placement.command(command), user=placement.user, env=placement.variables)
        return await cls.begin(spec, CONTRACT, strict=strict)

    @classmethod
    async def of_platform(cls, program: DriverProgram, placement: Placement = HERE, *, strict: bool = False) -> Self:
        """Start the driver of a platform of the matrix, which harmony hears of."""
        command, env = placement.command(program.spec.command), {**program.spec.env, **placement.variables}
        spec = replace(program.spec, user=placement.user, command=command, env=env)
        return await cls.begin(spec, CONTRACT, strict=strict, listener=program)

    async def call(self, verb: str, params: Mapping[str, Any], timeout: float) -> Any:
        """Carry a verb. A death at an armed point is expected."""
        if verb == "arm" and params["then"] == "die":
            self.child.expect_end(-signal.SIGKILL)
        return await super().call(verb, params, timeout)
