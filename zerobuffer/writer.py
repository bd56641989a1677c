"""The writing side of a buffer: connects to what a reader created."""

from __future__ import annotations

import errno
import os
import stat
import time
from typing import TYPE_CHECKING

from zerobuffer import _core, names
from zerobuffer.closing import Endpoint
from zerobuffer.config import DEFAULT_SPIN, DEFAULT_TIMEOUT, OIEB_SIZE, check_spin
from zerobuffer.errors import (
    BufferNotFoundError,
    ForeignOwnerError,
    InvalidOiebError,
    ReaderDeadError,
    SystemFailureError,
    WriterExistsError,
    ZeroBufferError,
)
from zerobuffer.ownership import READER_PID, field_at, from_oserror, opened, orphaned

if TYPE_CHECKING:
    from typing_extensions import Buffer

_CREATION_PATIENCE = 1.0
"""Seconds to wait for a reader that is in the middle of creating the buffer."""

_SETTLING_PATIENCE = 0.05
"""Seconds to wait for a reader that may be creating the buffer, or setting straight what a dead writer left."""

_TRY_AGAIN = -1
"""What `_claim` returns when another writer is just connecting or leaving."""

_RETRY = 0.001


class Writer(_core.Writer, Endpoint):
    """Connects to a buffer and writes frames into it. A buffer has one writer.

    Args:
        name: Name of the buffer, as its reader gave it.
        timeout: Seconds to wait for a reader that has not created the buffer yet; 0 says so at once.
        spin: Seconds that a wait for space spins before it gives way to the semaphore; 0 never spins.
        any_owner: Write also to a buffer that another user than root made, who then gets the data.

    Raises:
        BufferNotFoundError: No reader has created it.
        WriterExistsError: Another writer, which lives, has it.
        ReaderDeadError: Its reader is gone.
        InvalidOiebError: What stands there is no buffer, or is corrupt.
        ForeignOwnerError: Another user made it.

    Example:
        >>> with Reader("doc-writer") as reader, Writer("doc-writer", timeout=10) as writer:
        ...     writer.write_frame(b"built elsewhere")
        ...     with writer.acquire(4) as room:
        ...         room[:] = b"here"
        ...     for _ in range(2):
        ...         with reader.read_frame(timeout=1) as frame:
        ...             print(bytes(frame.data))
        b'built elsewhere'
        b'here'
    """

    _side = "writer"

    def __init__(self, name: str, *, timeout: float = 0.0, spin: float = DEFAULT_SPIN, any_owner: bool = False) -> None:
        check_spin(spin)
        self._any_owner = any_owner
        self.name = names.validate_name(name)
        self._connect(timeout, spin)
        self._begin()

    def _connect(self, timeout: float, spin: float) -> None:
        # Patience begins with the first refusal, however late that comes. It never becomes less: a buffer that is being
        # created may be gone at the next look, and still come.
        refused, patience = 0.0, timeout
        while True:
            try:
                self._try_connect(spin)
            except _NotReadyError as not_ready:
                now = time.monotonic()
                refused = refused or now
                patience = max(patience, not_ready.patience)
                if now - refused >= patience:
                    raise not_ready.cause from None
                time.sleep(_RETRY)  # a creation that goes on elsewhere has no event to wait for
            else:
                return

    def _try_connect(self, spin: float) -> None:
        name = self.name
        try:
            with opened(names.segment_path(name), os.O_RDWR) as fd:
                self._check_formatted(fd)
                self._attach(fd, *names.attached(name), spin)
        except FileNotFoundError:
            raise _NotReadyError(BufferNotFoundError(name=name), 0.0) from None
        except OSError as failure:
            raise from_oserror(failure, name, "open the segment") from failure
        except SystemFailureError as failure:
            # The semaphores are missing: the reader makes them after the segment.
            raise (_NotReadyError(failure) if failure.errno == errno.ENOENT else failure) from None
        try:
            # The claim looks whether the reader lives. If so, the semaphores that were opened before are its own.
            owner = self._claim()
        except BaseException:
            self._close()
            raise
        if owner is not None:
            self._close()
            if owner == _TRY_AGAIN:
                raise _NotReadyError(WriterExistsError(name=name, pid="unknown"))
            if owner < 0:
                raise _NotReadyError(WriterExistsError(name=name, pid=self._reader_pid), _SETTLING_PATIENCE)
            raise WriterExistsError(name=name, pid=owner)

    def _check_formatted(self, fd: int) -> None:
        """Refuse what has no living reader. A segment that is short or all zero is in the middle of its creation."""
        facts = os.fstat(fd)
        if facts.st_uid not in (0, os.geteuid()) and not self._any_owner:
            raise ForeignOwnerError(name=self.name, uid=facts.st_uid, own=os.geteuid())
        if facts.st_size < OIEB_SIZE:
            short = InvalidOiebError(name=self.name, field="length", value=facts.st_size, limit=OIEB_SIZE)
            raise _NotReadyError(short) if stat.S_ISREG(facts.st_mode) else short
        block = os.pread(fd, OIEB_SIZE, 0)
        if not any(block):
            raise _NotReadyError(InvalidOiebError(name=self.name, field="oieb_size", value=0, limit=OIEB_SIZE))
        if field_at(block, READER_PID) == 0:
            gone = ReaderDeadError(name=self.name, reason="closed", pid=0)
            raise _NotReadyError(gone, _SETTLING_PATIENCE)  # or in the middle of its creation
        if orphaned(self.name, block, facts):
            raise ReaderDeadError(name=self.name, reason="died", pid=field_at(block, READER_PID))

    async def write_frame_async(self, data: Buffer, timeout: float | None = DEFAULT_TIMEOUT) -> None:
        """Like `write_frame`, without blocking the event loop. A cancelled call has written nothing."""
        size = memoryview(data).nbytes
        await self._gate.run(lambda: self.write_frame(data, 0), lambda left: self._wait_space(size, left), timeout)

    async def acquire_async(self, size: int, timeout: float | None = DEFAULT_TIMEOUT) -> _core.FrameSlot:
        """Like `acquire`, without blocking the event loop."""
        return await self._gate.run(lambda: self.acquire(size, 0), lambda left: self._wait_space(size, left), timeout)

    def close(self) -> None:
        """Disconnect. The reader still gets every frame that was written, then learns of the end."""
        if self._end():
            self._gate.close()
            self._close()


class _NotReadyError(Exception):
    """The buffer may be usable in a moment."""

    def __init__(self, cause: ZeroBufferError, patience: float | None = None) -> None:
        super().__init__(str(cause))
        self.cause = cause
        self.patience = _CREATION_PATIENCE if patience is None else patience
