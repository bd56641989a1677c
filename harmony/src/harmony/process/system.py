"""What harmony asks of the operating system, as one interface; `linux` and `portable` are its two forms."""

from __future__ import annotations

import contextlib
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable
from enum import StrEnum
from signal import Signals
from typing import ClassVar

FORM_VARIABLE = "HARMONY_SYSTEM"
"""Environment variable; `portable` forces the portable form on Linux."""


class Promise(StrEnum):
    """What the form for Linux promises and the portable form does not; docs/systems.md says what holds instead."""

    ORPHANS = "orphans"
    """The kernel can end a driver at the moment in which its parent dies."""
    GROUPS = "groups"
    """A process group can still be ended safely when its leader has ended."""
    ENVIRONMENTS = "environments"
    """Every process of this user shows its environment, by which what a run has started is found."""
    ENDS = "ends"
    """The end of a process that is no child is told by the kernel at once."""
    NUMBERS = "numbers"
    """A signal cannot reach another process that has got the same number."""
    STACKS = "stacks"
    """Of a process that hangs it is known where in the kernel each thread waits."""
    DESCRIPTORS = "descriptors"
    """A descriptor that was left open is named by its path, whatever it is."""
    DAEMONS = "daemons"
    """Whoever has emptied its environment, left its session and lost its parent is found all the same."""
    CORES = "cores"
    """A process can be held to a core."""


class Watch(ABC):
    """One process: never another one that gets its number later.

    Attributes:
        pid: Its number.
    """

    pid: int

    @abstractmethod
    def ended(self, timeout: float) -> bool:
        """Return whether it has ended within the time, reaped or not."""

    @abstractmethod
    def signal(self, number: Signals) -> None:
        """Send a signal.

        Raises:
            ProcessLookupError: It has ended.
            PermissionError: It is another user's.
        """

    @abstractmethod
    def close(self) -> None:
        """Release what watching it takes."""


class ChildWatch(Watch):
    """A child of this process.

    Attributes:
        descriptor: Becomes readable when it has ended, and stays so.
    """

    descriptor: int

    @abstractmethod
    def status(self) -> int:
        """Return the exit code of a child that has ended, or the negative number of the signal that ended it."""

    @abstractmethod
    def signal_group(self, number: Signals) -> None:
        """Send a signal to the group that it leads, unless that number could be another group's by now."""


class System(ABC):
    """What harmony asks of the operating system."""

    name: ClassVar[str]
    lacks: ClassVar[frozenset[Promise]]
    max_socket_path: ClassVar[int]
    """Bytes in the path of a Unix socket."""

    @abstractmethod
    def processes(self) -> dict[int, float]:
        """Return the processes and when they began: a number that is given out again comes with another time."""

    @abstractmethod
    def variable(self, pid: int, name: str) -> str | None:
        """Return a variable of a process's environment; empty if it has none or has ended.

        None is for one whose environment cannot be seen yet: in the middle of exec, a process has memory but no
        environment. One that was started without any environment looks like that for ever.
        """

    @abstractmethod
    def adopt(self, wanted: bool) -> None:
        """Have descendants of this process come to it when they lose their parent, or no more, if that is promised."""

    @abstractmethod
    def children(self, pid: int) -> list[int]:
        """Return the processes whose parent this one is; none if it has ended."""

    @abstractmethod
    def watch(self, pid: int) -> Watch:
        """Watch any process.

        Raises:
            ProcessLookupError: There is none with this number.
        """

    @abstractmethod
    def watch_child(self, child: subprocess.Popen[bytes]) -> ChildWatch:
        """Watch a child that leads a process group and is reaped by nobody else."""

    @abstractmethod
    def stacks(self, pid: int) -> str:
        """Say where a process stands, as far as that can be seen from outside; never raises."""

    @abstractmethod
    def descriptors(self) -> dict[int, str]:
        """Return the open descriptors of this process and what they are."""

    @abstractmethod
    def cores(self) -> list[int]:
        """Return the cores that this process may use."""

    @abstractmethod
    def hold(self, pid: int, core: int) -> None:
        """Hold a process to a core, if that is promised: all its threads, and those that it starts later."""

    @abstractmethod
    def siblings(self, core: int) -> str:
        """Return a name of the physical core that this one belongs to."""

    @abstractmethod
    def processor(self) -> str:
        """Return the model of the processor."""

    def end(self, pids: Iterable[int], number: Signals, patience: float) -> None:
        """Send a signal to processes and return once they have ended, or after so many seconds."""
        with contextlib.ExitStack() as stack:
            watches = []
            for pid in pids:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    watch = stack.enter_context(contextlib.closing(self.watch(pid)))
                    watch.signal(number)
                    watches.append(watch)
            deadline = time.monotonic() + patience
            for watch in watches:
                watch.ended(max(0.0, deadline - time.monotonic()))
