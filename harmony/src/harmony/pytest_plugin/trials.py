"""The process that plays trials for ``harmony mutate``: it collects once, and forks for each of them.

A child goes on as the run that a start of its own would be. Where a fork is not safe, the process itself does.
"""

from __future__ import annotations

import contextlib
import gc
import os
import select
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, Self

import psutil
import pytest

from harmony.errors import HarmonyError
from harmony.pytest_plugin.items import ScenarioItem
from harmony.pytest_plugin.request import stop
from harmony.run.matrix_mode import MatrixMode
from harmony.run.trials import Told, Trial, Verb, receive
from harmony.state import STATE_DIRECTORY

_PATIENCE: Final = 10.0
"""Seconds that children get to release what they hold, when nobody waits for them any more."""
_LOADS: Final = frozenset({"open", "ctypes.dlopen"})

_read: Final[set[str]] = set()


def note_reads() -> None:
    """Note from now on what this process opens."""

    def note(event: str, arguments: tuple[Any, ...]) -> None:
        if event in _LOADS and isinstance(arguments[0], str | bytes):
            _read.add(os.fsdecode(arguments[0]))

    sys.addaudithook(note)


class Trials:
    """Has a session play what it is asked.

    Args:
        config: Of the session.
        mode: Plays the cells.
        begin: Told of a trial in the process that plays it, and where its events go.
    """

    def __init__(self, config: pytest.Config, mode: MatrixMode, begin: Callable[[Trial, Path], None]) -> None:
        self._config = config
        self._mode = mode
        self._begin = begin
        self._connection = socket.socket(fileno=config.getoption("--trials"))
        self._connection.set_inheritable(False)
        self._children: dict[int, int] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Wait for trials; return with the cells of one, or without any when nobody asks for more."""
        cells = {item.cell.key: item for item in session.items if isinstance(item, ScenarioItem)}
        asked = self._asked(tuple(cells))
        if asked is None:
            session.items.clear()
            return
        trial, events = asked
        session.items[:] = [cells[key] for key in trial.cells if key in cells]
        self._config.option.maxfail = trial.most
        try:
            self._mode.look_again()
        except HarmonyError as error:
            stop(self._config, error)
        self._begin(trial, events)

    def _asked(self, cells: tuple[str, ...]) -> tuple[Trial, Path] | None:
        """Fork for each trial; return in the process that is to play it, or without one at the end."""
        forks = hasattr(os, "fork") and psutil.Process().num_threads() == 1
        before = _state(self._mode.root)
        gc.freeze()
        with _Deaths() as deaths:
            self._tell(Told(what="ready", cells=cells, forks=forks))
            while True:
                ready, _, _ = select.select([self._connection.fileno(), deaths.descriptor], [], [])
                if deaths.descriptor in ready:
                    deaths.take()
                    self._reap(os.WNOHANG)
                if self._connection.fileno() not in ready:
                    continue
                if (order := receive(self._connection)) is None:
                    self._end_all(deaths)
                    return None
                verb, number, descriptors = order
                match verb:
                    case Verb.PLAY:
                        child = os.fork() if forks else 0
                        if child == 0:
                            break
                        self._children[child] = number
                        for descriptor in descriptors:
                            os.close(descriptor)
                    case Verb.LOOK:
                        fresh = before == {path: _stamp(path) for path in before}
                        self._tell(Told(what="looked", fresh=fresh))
                    case Verb.END | Verb.KILL:
                        self._signal(signal.SIGTERM if verb is Verb.END else signal.SIGKILL, number)
        if forks:
            self._children.clear()
            self._connection.close()
        return _become(descriptors)

    def _tell(self, told: Told) -> None:
        with contextlib.suppress(OSError):  # who has gone will be missed at the next order
            self._connection.sendall(f"{told.model_dump_json()}\n".encode())

    def _signal(self, what: signal.Signals, number: int | None = None) -> None:
        """Send a signal to the child of a trial, or to all; none of these is reaped, so none is another process."""
        for child, trial in self._children.items():
            if number in {None, trial}:
                os.kill(child, what)

    def _reap(self, how: int) -> None:
        for child in list(self._children):
            pid, status = os.waitpid(child, how)
            if pid:
                number = self._children.pop(child)
                self._tell(Told(what="ended", number=number, code=os.waitstatus_to_exitcode(status)))

    def _end_all(self, deaths: _Deaths) -> None:
        """Interrupt all children, and kill those that do not end."""
        self._signal(signal.SIGTERM)
        while self._children and select.select([deaths.descriptor], [], [], _PATIENCE)[0]:
            deaths.take()
            self._reap(os.WNOHANG)
        self._signal(signal.SIGKILL)
        self._reap(0)


class _Deaths:
    """Tells by a descriptor that a child has ended.

    Attributes:
        descriptor: Becomes readable then.
    """

    def __enter__(self) -> Self:
        self.descriptor, self._told = os.pipe()
        for end in (self.descriptor, self._told):
            os.set_blocking(end, False)
        self._handler = signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._told, warn_on_full_buffer=False)
        return self

    def __exit__(self, *_: object) -> None:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, self._handler)
        os.close(self.descriptor)
        os.close(self._told)

    def take(self) -> None:
        """Forget what has been told."""
        with contextlib.suppress(BlockingIOError):
            while os.read(self.descriptor, 1024):
                pass


def _become(descriptors: Sequence[int]) -> tuple[Trial, Path]:
    """Take the output of a trial for one's own; return the trial, and where its events go."""
    asked, events, output = descriptors
    for standard in (sys.stdout, sys.stderr):
        standard.flush()
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    with os.fdopen(asked, "rb") as stream:
        trial = Trial.model_validate_json(stream.read())
    return trial, Path(f"/dev/fd/{events}")


def _state(root: Path) -> dict[str, tuple[int, int]]:
    """Return what tells whether something has changed that this process has read or loaded below a directory."""
    loaded = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
    paths = {os.path.realpath(path) for path in (*_read, *filter(None, loaded))}
    within, own = f"{os.path.realpath(root)}{os.sep}", f"{os.path.realpath(root / STATE_DIRECTORY)}{os.sep}"
    return {path: _stamp(path) for path in paths if path.startswith(within) and not path.startswith(own)}


def _stamp(path: str) -> tuple[int, int]:
    try:
        found = Path(path).stat()
    except OSError:
        return (0, 0)
    return (found.st_mtime_ns, found.st_size)
