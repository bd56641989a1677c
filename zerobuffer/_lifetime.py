"""Readers and writers of this process: closed at exit, let go of in a child of fork."""

from __future__ import annotations

import atexit
import os
import weakref
from typing import Protocol


class Endpoint(Protocol):
    """What has a share in a buffer."""

    def close(self) -> None:
        """Give the share up."""

    def forget(self) -> None:
        """Let go of it without touching shared state: it is the parent's."""


_open: weakref.WeakSet[Endpoint] = weakref.WeakSet()


def register(endpoint: Endpoint) -> None:
    """Close an endpoint at exit, or let go of it in a child of fork, if it still exists."""
    _open.add(endpoint)


def _close_all() -> None:
    for endpoint in list(_open):
        endpoint.close()


def _forget_all() -> None:
    for endpoint in list(_open):
        endpoint.forget()
    _open.clear()


atexit.register(_close_all)
os.register_at_fork(after_in_child=_forget_all)
