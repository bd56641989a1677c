"""Size, access and waiting of a buffer."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

OIEB_SIZE = 128
BLOCK_ALIGNMENT = 64

DEFAULT_SPIN = 10e-6
"""Seconds that a wait spins before it gives way to the semaphore."""

DEFAULT_TIMEOUT = 5.0
"""Seconds that a read or write waits when no timeout is given."""


def align(size: int) -> int:
    """Round a size up to the block alignment of the protocol."""
    return -(-size // BLOCK_ALIGNMENT) * BLOCK_ALIGNMENT


def deadline(timeout: float | None) -> float:
    """Return when a wait that begins now ends, by `time.monotonic`."""
    return math.inf if timeout is None else time.monotonic() + timeout


def check_spin(spin: float) -> None:
    """Refuse a spin that is negative, longer than a second, or no number."""
    if not 0 <= spin <= 1:
        raise ValueError(f"spin must be 0 to 1 seconds, not {spin!r}: long spins burn a core")


@dataclass(frozen=True, slots=True)
class BufferConfig:
    """How a reader creates its buffer.

    Attributes:
        metadata_size: Bytes of the metadata block, of which 8 hold the length. 0 means no metadata.
        payload_size: Bytes of the ring. Twice the largest frame and its 16-byte header is a good choice: then every
            frame can be written wherever the ring stands.
        mode: Access rights of the segment, both semaphores and the lock file, set exactly (the umask plays no part).
        preallocate: Reserve the memory at creation, so that a shortage is an error there and not a crash later.
    """

    metadata_size: int = 1024
    payload_size: int = 10240
    mode: int = 0o600
    preallocate: bool = True

    def __post_init__(self) -> None:
        """Refuse sizes that no segment can have."""
        for field, least in (("metadata_size", 0), ("payload_size", 1)):
            value = getattr(self, field)
            if type(value) is not int or not least <= value < 1 << 62:
                raise ValueError(f"BufferConfig.{field} must be a whole number of bytes from {least} up, not {value!r}")
        if self.mode | 0o066 != 0o666:  # 0600 must stand there, 0066 may
            raise ValueError(f"BufferConfig.mode must hold 0o600 and no other bits than 0o666, not {self.mode!r}")

    @property
    def segment_size(self) -> int:
        """Bytes of the whole segment, of control block, metadata and ring."""
        return OIEB_SIZE + align(self.metadata_size) + align(self.payload_size)
