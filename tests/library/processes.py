"""Real processes for tests: each runs one function, speaks JSON lines with the test, and is reaped whatever happens.

    with Child(children.hold_reader, name=name) as reader:
        reader.hear("ready")
        reader.kill()

In the child, the function gets a `Parent` and the arguments. Every wait of either side has a deadline.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

PATIENCE = 30.0
"""Seconds before a silent process counts as hung: a bound on a hang, far above what anything takes."""

_ROOT = Path(__file__).resolve().parents[2]
_PR_SET_PDEATHSIG = 1


class ChildFailedError(AssertionError):
    """A child said something else than expected, or nothing in time."""


class Child:
    """A process that runs `function(parent, **arguments)`, killed and reaped at the end of the `with` block.

    Args:
        function: A module-level function.
        user: Numeric id of the user to run as; needs root.
        prefix: Command to put in front, such as `["unshare", "-pf"]`.
        arguments: What the function gets; JSON values.
    """

    def __init__(
        self,
        function: Callable[..., None],
        *,
        user: int | None = None,
        prefix: Sequence[str] = (),
        **arguments: Any,
    ) -> None:
        target = f"{function.__module__}:{function.__qualname__}"
        # The output buffer is ours alone: lines are cut from what the descriptor gave.
        self._process = subprocess.Popen(
            [*prefix, sys.executable, "-m", "tests.library.processes", target, json.dumps(arguments), str(user or "")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=_ROOT,
            bufsize=0,
        )
        self._pending = b""
        self.pid = self._process.pid

    def hear(self, *expected: object, timeout: float = PATIENCE) -> Any:
        """Return the next thing the child says; with `expected`, it must be one of those."""
        value = json.loads(self._line(time.monotonic() + timeout))
        if expected and value not in expected:
            msg = f"child {self.pid} said {value!r}, not {' or '.join(map(repr, expected))}"
            raise ChildFailedError(msg)
        return value

    def _line(self, deadline: float) -> bytes:
        output = self._process.stdout
        assert output is not None
        with selectors.DefaultSelector() as selector:
            selector.register(output, selectors.EVENT_READ)
            while b"\n" not in self._pending:
                left = deadline - time.monotonic()
                if left <= 0 or not selector.select(left):
                    msg = f"child {self.pid} said nothing in time; before: {self._pending!r}"
                    raise ChildFailedError(msg)
                chunk = os.read(output.fileno(), 1 << 16)
                if not chunk:
                    msg = f"child {self.pid} ended (status {self.wait()}) and left {self._pending!r}"
                    raise ChildFailedError(msg)
                self._pending += chunk
        line, _, self._pending = self._pending.partition(b"\n")
        return line

    def say(self, value: object) -> None:
        """Tell the child something: what its `Parent.hear` returns."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(value).encode() + b"\n")

    def say_no_more(self) -> None:
        """Let the child know that nothing comes any more."""
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()

    def ask(self, *command: object) -> Any:
        """Say a command and return the answer."""
        self.say(command)
        return self.hear()

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send a signal; after SIGKILL, reap."""
        self._process.send_signal(number)
        if number == signal.SIGKILL:
            self.wait()

    def kill_without_reaping(self) -> None:
        """Leave a zombie."""
        self._process.send_signal(signal.SIGKILL)
        os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)

    def wait(self, timeout: float = PATIENCE) -> int:
        """Return the exit status (minus the signal) once the process has ended."""
        return self._process.wait(timeout)

    def stopped(self, timeout: float = PATIENCE) -> None:
        """Wait until the process is stopped by a signal."""
        deadline = time.monotonic() + timeout
        while _state(self.pid) != "T":
            if time.monotonic() >= deadline or self._process.poll() is not None:
                msg = f"child {self.pid} did not stop (state {_state(self.pid)}, status {self._process.returncode})"
                raise ChildFailedError(msg)
            os.sched_yield()

    def __enter__(self) -> Self:
        """Return the child."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End and reap it."""
        process = self._process
        self.say_no_more()
        if kind is None and process.poll() is None:
            # It has no more to hear: most functions end by themselves then, and their coverage counts.
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(PATIENCE)
        if process.poll() is None:
            process.kill()
            process.wait(PATIENCE)
        if process.stdout is not None:
            process.stdout.close()


class Parent:
    """The test, as its child sees it."""

    def say(self, value: object) -> None:
        """Tell the test something."""
        os.write(1, json.dumps(value).encode() + b"\n")

    def hear(self) -> Any:
        """Return the next thing the test says; end the process when the test says no more."""
        line = sys.stdin.readline()
        if not line:
            raise SystemExit(0)
        return json.loads(line)

    def wait_for_end(self) -> None:
        """Stay until the test is through with this process."""
        while True:
            self.hear()


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return ""


def main(target: str, arguments: str, user: str = "") -> None:
    """Run one function in this process, which dies with the test that started it."""
    module, _, name = target.partition(":")
    function = getattr(importlib.import_module(module), name)
    if user:  # after the import: another user need not be able to read the code
        os.setgroups([])
        os.setgid(int(user))
        os.setuid(int(user))
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    function(Parent(), **json.loads(arguments))


if __name__ == "__main__":
    main(*sys.argv[1:])
