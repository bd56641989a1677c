"""The reading side of a buffer: creates it, owns it, removes it."""

from __future__ import annotations

import time
import warnings
from typing import Any

from zerobuffer import _core, _lifetime, names, ownership
from zerobuffer._aio import AsyncGate
from zerobuffer.closing import Closing
from zerobuffer.config import DEFAULT_SPIN, DEFAULT_TIMEOUT, BufferConfig, check_spin
from zerobuffer.errors import FrameTimeoutError


class Reader(_core.Reader, Closing):
    """Creates a buffer and reads the frames that one writer puts into it.

    Args:
        name: Name of the buffer, the same on both sides.
        config: Sizes and access rights; 1024 bytes of metadata and 10240 of payload by default.
        spin: Seconds that a wait spins before it gives way to the semaphore; 0 never spins.

    Example:
        >>> from zerobuffer import Reader, Writer
        >>> with Reader("doc-reader") as reader, Writer("doc-reader") as writer:
        ...     writer.write_frame(b"hello")
        ...     with reader.read_frame(timeout=1) as frame:
        ...         bytes(frame.data)
        b'hello'
    """

    def __init__(self, name: str, config: BufferConfig | None = None, *, spin: float = DEFAULT_SPIN) -> None:
        check_spin(spin)
        self._owned: ownership.Owned | None = None
        self.name = name
        self.config = config or BufferConfig()
        owned = ownership.create(name, self.config)
        try:
            self._attach(
                owned.segment_fd,
                name,
                names.data_semaphore(name),
                names.space_semaphore(name),
                str(owned.lock_path),
                spin,
            )
        except BaseException:
            owned.remove()
            raise
        self._owned = owned
        self._gate = AsyncGate(self)
        _lifetime.register(self)

    async def read_frame_async(self, timeout: float | None = DEFAULT_TIMEOUT) -> _core.Frame:
        """Like `read_frame`, without blocking the event loop. A cancelled call loses no frame."""
        return await self._gate.run(lambda: self.read_frame(0), self._wait, timeout)

    async def read_frames_async(self, maximum: int, timeout: float | None = DEFAULT_TIMEOUT) -> _core.FrameBatch:
        """Like `read_frames`, without blocking the event loop."""
        return await self._gate.run(lambda: self.read_frames(maximum, 0), self._wait, timeout)

    def wait_for_writer(self, timeout: float | None = DEFAULT_TIMEOUT) -> None:
        """Return as soon as a living writer is connected, also after an earlier one is gone.

        Raises:
            FrameTimeoutError: None came within the timeout.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while self.writer_state != "alive":
            if deadline is not None and time.monotonic() >= deadline:
                raise FrameTimeoutError(name=self.name, seconds=timeout)
            time.sleep(0.001)  # the protocol has no event for a writer that connects

    def close(self) -> None:
        """End reading: wake a blocked writer, remove the buffer. Frames still held are invalid afterwards."""
        # A signal handler may close in the middle of a close: the second one finds nothing to do.
        owned, self._owned = self._owned, None
        if owned is None:
            return
        try:
            self._gate.close()
            self._close()
        finally:
            owned.remove()

    def forget(self) -> None:
        """Let go without touching the buffer: what a child does with a reader that it inherited through fork."""
        self._detach()
        self._close()
        if self._owned is not None:
            self._owned.forget()
            self._owned = None

    def __del__(self, _warn: Any = warnings.warn) -> None:
        """Notice a reader that was never closed."""
        if getattr(self, "_owned", None) is not None:
            _warn(f"reader of buffer {self.name!r} was never closed: use `with`", ResourceWarning, source=self)
            self.close()

    def __repr__(self) -> str:
        """Name and state."""
        return f"<Reader {self.name!r}{' closed' if self.closed else ''}>"
