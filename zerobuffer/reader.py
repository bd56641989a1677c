"""The reading side of a buffer: creates it, owns it, removes it."""

from __future__ import annotations

import time

from zerobuffer import _core, names, ownership
from zerobuffer.closing import Endpoint
from zerobuffer.config import DEFAULT_SPIN, DEFAULT_TIMEOUT, BufferConfig, check_spin, deadline
from zerobuffer.errors import FrameTimeoutError


class Reader(_core.Reader, Endpoint):
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

    _side = "reader"

    def __init__(self, name: str, config: BufferConfig | None = None, *, spin: float = DEFAULT_SPIN) -> None:
        check_spin(spin)
        self.name = name
        self.config = config or BufferConfig()
        self._owned = ownership.create(name, self.config)
        try:
            self._attach(self._owned.segment_fd, *names.attached(name), spin)
        except BaseException:
            self._owned.remove()
            raise
        self._begin()

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
        until = deadline(timeout)
        while self.writer_state != "alive":
            if time.monotonic() >= until:
                raise FrameTimeoutError(name=self.name, seconds=timeout)
            time.sleep(0.001)  # the protocol has no event for a writer that connects

    def close(self) -> None:
        """End reading: wake a blocked writer, remove the buffer. Frames still held are invalid afterwards."""
        if not self._end():
            return
        try:
            self._gate.close()
            self._close()
        finally:
            self._owned.remove()

    def forget(self) -> None:
        """Let go of the descriptors, too, which carry the parent's locks."""
        if self._open:
            self._owned.forget()
        super().forget()
