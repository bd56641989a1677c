"""Zero-copy ring buffers in shared memory: one writer, one reader, any language that speaks the protocol."""

from __future__ import annotations

from collections.abc import Sequence

from zerobuffer import _built

_built.require_core(__path__)

from zerobuffer import _core, errors
from zerobuffer._core import Frame, FrameBatch, FrameSlot
from zerobuffer.config import DEFAULT_SPIN, DEFAULT_TIMEOUT, BufferConfig
from zerobuffer.duplex import DuplexServer
from zerobuffer.duplex_client import DuplexClient
from zerobuffer.errors import *  # noqa: F403 - the catalogue is part of the interface
from zerobuffer.reader import Reader
from zerobuffer.writer import Writer

_core.set_error_factory(errors.build)
Sequence.register(FrameBatch)

__version__ = "0.1.0"

__all__ = [  # noqa: PLE0604 - errors.__all__ holds strings
    "DEFAULT_SPIN",
    "DEFAULT_TIMEOUT",
    "BufferConfig",
    "DuplexClient",
    "DuplexServer",
    "Frame",
    "FrameBatch",
    "FrameSlot",
    "Reader",
    "Writer",
    *errors.__all__,
]
