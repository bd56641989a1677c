"""Child processes that cannot be forgotten.

Each is the leader of a process group of its own, carries the mark of the run (see `marks`) and of itself, and is
ended by a ladder with deadlines: end of its input, TERM, KILL. Whatever it forked goes with it.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal as signals
import subprocess
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from harmony.errors import ExitCode, HarmonyError
from harmony.process import orphans, reaper
from harmony.process.marks import RUN_VARIABLE, WORKER_VARIABLE, Census, nested_mark, processes_with
from harmony.process.this_system import SYSTEM
from harmony.process.transcript import StderrRule, Transcript

_FREEZE_PATIENCE: Final = 2.0
_PAUSE: Final = 0.002


class StartFailedError(HarmonyError):
    """A process could not be started.

    Way out: build it (`harmony build`), or correct `command` and `directory` of its platform.
    """

    code = "start_failed"
    exit_code = ExitCode.CONFIGURATION


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """What to start.

    Attributes:
        name: What messages call it.
        command: Program and arguments.
        cwd: Its working directory.
        env: Variables on top of ours.
        user: Number of the user and group it becomes; those of this process by default.
        without: Variables of ours that it does not inherit.
        stderr: What is alarming in what it writes there.
    """

    name: str
    command: Sequence[str]
    cwd: Path | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    user: int | None = None
    without: frozenset[str] = frozenset()
    stderr: StderrRule = field(default_factory=StderrRule)


class _Run:
    """The mark of this orchestrator process, and the reaper that watches over it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pid = 0
        self.mark = ""
        self._reaper: subprocess.Popen[bytes] | None = None

    def begin(self) -> str:
        """Return the mark; starts the reaper once per process (a forked child gets one of its own)."""
        with self._lock:
            if self._pid != os.getpid():
                self._pid = os.getpid()
                self.mark = uuid.uuid4().hex
                self._reaper = reaper.start(self.mark)
                orphans.note_helper(self._reaper.pid)
                atexit.register(self._end, os.getpid())
            return self.mark

    def helper(self) -> tuple[int, int] | None:
        """Return the reaper's pid and the descriptor of its pipe; none if it was not needed yet."""
        helper = self._reaper
        if self._pid != os.getpid() or helper is None or helper.stdin is None or helper.stdin.closed:
            return None
        return helper.pid, helper.stdin.fileno()

    def _end(self, pid: int) -> None:
        helper = self._reaper
        if os.getpid() != pid or helper is None or helper.stdin is None:
            return
        helper.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            helper.wait(2 * reaper.TERM_GRACE + 3)


_run = _Run()


def own_helper() -> tuple[int, int] | None:
    """Return the pid and the descriptor of what harmony itself keeps beside this process, for who looks for leaks."""
    return _run.helper()


def end_children() -> None:
    """Kill all that this process has started, and return when it is gone."""
    SYSTEM.end(processes_with(RUN_VARIABLE, _run.mark), signals.SIGKILL, reaper.DEATH_PATIENCE)


_census = Census(WORKER_VARIABLE)


class ChildProcess:
    """One started process with pipes on its three streams.

    Attributes:
        stderr: What it writes there.
        end_descriptor: Becomes readable when it has ended.

    Raises:
        StartFailedError: If the command cannot be started.
    """

    def __init__(self, spec: ProcessSpec) -> None:
        self.spec = spec
        self.mark = uuid.uuid4().hex
        self.stderr = Transcript(spec.stderr)
        # Marks are nested: what a worker starts belongs to the worker's orchestrator, too.
        marks = {
            name: nested_mark(os.environ.get(name, ""), mark)
            for name, mark in ((RUN_VARIABLE, _run.begin()), (WORKER_VARIABLE, self.mark))
        }
        inherited = {name: value for name, value in os.environ.items() if name not in spec.without}
        env = {**inherited, **spec.env, **marks}
        owner: dict[str, Any] = {} if spec.user is None else {"user": spec.user, "group": spec.user, "extra_groups": []}
        try:
            self._popen = subprocess.Popen(
                list(spec.command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                cwd=spec.cwd,
                env=env,
                process_group=0,
                **owner,
            )
        except OSError as error:
            hint = "check command, cwd and build of this platform in harmony.toml"
            raise StartFailedError(
                f"cannot start {spec.name} ({' '.join(spec.command)}): {error}", hint=hint
            ) from error
        if self._popen.stdin is None or self._popen.stdout is None or self._popen.stderr is None:
            raise StartFailedError(f"{spec.name} has no pipes")
        orphans.note_started(self.pid)
        self._streams = (self._popen.stdin, self._popen.stdout, self._popen.stderr)
        self.stdin, self.stdout, self.stderr_fd = (stream.fileno() for stream in self._streams)
        for descriptor in (self.stdin, self.stdout, self.stderr_fd):
            os.set_blocking(descriptor, False)
        self._watch = SYSTEM.watch_child(self._popen)
        self.end_descriptor = self._watch.descriptor
        self._lock = threading.Lock()
        self._closed = False
        self._released = False
        self._spared = False
        self._frozen = False
        self._fair: set[int] = set()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._popen.pid

    def running(self) -> bool:
        """Return whether it has not ended; does not reap it."""
        return not self._closed and not self._watch.ended(0)

    def ended(self, timeout: float) -> bool:
        """Return whether it has ended within the time; does not reap it."""
        return self._closed or self._watch.ended(timeout)

    def expect_end(self, status: int = 0) -> None:
        """Take one kind of end for fair from now on; what had ended before is judged all the same.

        Args:
            status: The exit code, or the negative number of the signal by which the scenario has it die.
        """
        if self.running():
            self._fair.add(status)

    def give_up(self) -> None:
        """Take any end for fair: it has failed already, and is ended from here."""
        self._spared = True

    @property
    def asked(self) -> bool:
        """Whether it lived to be asked to end."""
        return 0 in self._fair

    @property
    def killed(self) -> bool:
        """Whether it was ended from here, or by what was asked of it, before it could release anything."""
        return self._spared or (self.ended(0) and self._watch.status() != 0 and not self.crashed)

    @property
    def crashed(self) -> bool:
        """Whether it has ended by itself: before it was asked to, or then by a signal or with a code other than 0."""
        return not self._spared and self.ended(0) and self._watch.status() not in self._fair

    def signal(self, number: signals.Signals) -> None:
        """Send a signal that ends it to this process alone, if it is still there; that end is no crash."""
        self._spared = self._spared or self.running()
        with contextlib.suppress(ProcessLookupError):
            self._watch.signal(number)

    def freeze(self) -> None:
        """Halt it, and all in its group; return when it stands still."""
        if not self.running():
            return
        self._frozen = True
        self._watch.signal_group(signals.SIGSTOP)
        end = time.monotonic() + _FREEZE_PATIENCE
        import psutil  # noqa: PLC0415 - a start of a worker does not wait for it

        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(self.pid)
            while process.status() != psutil.STATUS_STOPPED and time.monotonic() < end:
                time.sleep(_PAUSE)

    def thaw(self) -> None:
        """Have it go on, and all in its group."""
        if self._frozen:
            self._frozen = False
            self._watch.signal_group(signals.SIGCONT)

    @property
    def frozen(self) -> bool:
        """Whether it has been halted from here."""
        return self._frozen

    def how_it_ended(self) -> str:
        """Say how it ended, for a person."""
        if not self.ended(0):
            return "is still running"
        status = self._watch.status()
        if status < 0:
            try:
                name = signals.Signals(-status).name
            except ValueError:
                name = f"signal {-status}"
            return f"was killed by {name}"
        return f"exited with code {status}"

    def family(self) -> list[int]:
        """Return this process and all that it has started, daemons included."""
        return [*_census.marked(self.mark), *orphans.unmarked_kin(self.pid)]

    def end_strays(self, keep: frozenset[int]) -> list[int]:
        """Kill what it has started since, but for some processes; return what was killed, once it is gone."""
        strays = [pid for pid in self.family() if pid not in keep and pid != self.pid]
        SYSTEM.end(strays, signals.SIGKILL, reaper.DEATH_PATIENCE)
        orphans.adopted()  # those of them that have come to this process are reaped
        return strays

    def close_input(self) -> None:
        """Close its stdin: the friendliest way to ask for the end. What is frozen goes on, as it would not hear."""
        self.thaw()
        self.expect_end()
        with contextlib.suppress(OSError):
            self._streams[0].close()

    def end(self, *, patience: float = 1.0, grace: float = 1.0) -> list[int]:
        """Climb the ladder: end of input, TERM, KILL; reap it; return what it had left behind (already killed).

        Its descriptors stay open until `release`.

        Args:
            patience: Seconds to end by itself.
            grace: Seconds to end after TERM.
        """
        with self._lock:
            if self._closed:
                return []
            self.close_input()
            if not self.ended(patience):
                self._spared = True
                self._watch.signal_group(signals.SIGTERM)
                if not self.ended(grace):
                    self._watch.signal_group(signals.SIGKILL)
                    self.ended(5.0)
            # The group is signalled before its leader is reaped: until then nobody else can get its number.
            left = self.end_strays(frozenset())
            self._watch.signal_group(signals.SIGKILL)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._popen.wait(5.0)
                orphans.note_ended(self.pid)
            self._closed = True
            return left

    def release(self) -> None:
        """Close its descriptors, after `end` and once nobody reads them any more."""
        with self._lock:
            if self._released:
                return
            self._released = True
            for stream in self._streams:
                with contextlib.suppress(OSError):
                    stream.close()
            self._watch.close()
