"""The library itself, but for one look that its writer leaves out when it connects."""

from __future__ import annotations

from pathlib import Path

import zerobuffer

Reader = zerobuffer.Reader
BufferConfig = zerobuffer.BufferConfig
DuplexServer = zerobuffer.DuplexServer
DuplexClient = zerobuffer.DuplexClient
__version__ = zerobuffer.__version__
_core = zerobuffer._core


class Writer(zerobuffer.Writer):
    """Takes the semaphores that it finds, whoever has the segment's name by then."""

    @staticmethod
    def _has_its_name(fd: int, path: Path) -> bool:
        del fd, path
        return True
