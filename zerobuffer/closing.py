"""What is closed: at the end of a ``with`` block, or at exit."""

from __future__ import annotations

import atexit
import os
import warnings
import weakref
from collections.abc import Callable
from types import TracebackType
from typing import Any, ClassVar, Self

from zerobuffer._aio import AsyncGate


class Closing:
    """Has a ``close`` and is a context manager by it."""

    def close(self) -> None:
        """Give back what is held."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        """Return the thing itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()


class Endpoint(Closing):
    """A reader or a writer: closed at exit, let go of in a child of fork, and missed if it was never closed."""

    name: str
    _side: ClassVar[str]
    _set_cancelled: Callable[[bool], None]
    _detach: Callable[[], None]
    _close: Callable[[], None]
    _open = False

    def _begin(self) -> None:
        self._gate = AsyncGate(self._set_cancelled)
        self._open = True
        _all.add(self)

    def _end(self) -> bool:
        """Say whether it was open: a signal handler may close in the middle of a close, which then is the second."""
        was_open, self._open = self._open, False
        return was_open

    def forget(self) -> None:
        """Let go without touching the buffer: what a child does with what it inherited through fork."""
        self._end()
        self._detach()
        self._close()

    def __del__(self, _warn: Any = warnings.warn) -> None:
        """Notice that it was never closed."""
        if self._open:
            _warn(f"{self._side} of buffer {self.name!r} was never closed: use `with`", ResourceWarning, source=self)
            self.close()

    def __repr__(self) -> str:
        """Name and state."""
        return f"<{self._side.title()} {self.name!r}{'' if self._open else ' closed'}>"


_all: weakref.WeakSet[Endpoint] = weakref.WeakSet()


def _close_all() -> None:
    for endpoint in list(_all):
        endpoint.close()


def _forget_all() -> None:
    for endpoint in list(_all):
        endpoint.forget()
    _all.clear()


atexit.register(_close_all)
os.register_at_fork(after_in_child=_forget_all)
