# ruff: noqa: N801 - a mutant is named as the library it becomes
"""Rings whose headers, sequences or metadata are wrong."""

from __future__ import annotations

import struct

from tests.zoo import ring
from tests.zoo.memory import HEADER, RingError
from tests.zoo.mutants.registry import mutant


@mutant("12.5", "1.1")
class big_endian_sequence(ring.Writer):
    """The sequence is written with the wrong byte order."""

    def pack_header(self, size: int, sequence: int) -> bytes:
        return struct.pack("<Q", size) + struct.pack(">Q", sequence)


@mutant("12.5", "3.1")
class big_endian_metadata(ring.Writer):
    """The length before the metadata is written with the wrong byte order."""

    def metadata_prefix(self, size: int) -> bytes:
        return struct.pack(">Q", size)


@mutant("7.4.3")
class torn_header(ring.Writer):
    """Sizes of 64 KiB and more lose their upper half."""

    def pack_header(self, size: int, sequence: int) -> bytes:
        return HEADER.pack(size & 0xFFFF, sequence)


@mutant("6.1", "10.2.6")
class sequence_not_checked(ring.Reader):
    """Whatever sequence comes is taken."""

    def check_sequence(self, sequence: int) -> None:
        pass


@mutant("6.5", "18.5")
class restart_always_accepted(ring.Reader):
    """A sequence that starts again is taken without a new writer."""

    def accepts_restart(self) -> bool:
        return True


@mutant("15.5", "15.6")
class restart_never_accepted(ring.Reader):
    """A new writer's first frame is out of sequence for ever."""

    def accepts_restart(self) -> bool:
        return False


@mutant("1.1")
class sequence_from_zero(ring.Writer):
    """The first frame has the number 0."""

    def first_sequence(self) -> int:
        return 0


@mutant("5.2.2", "10.2.2")
class size_not_checked(ring.Reader):
    """A size beyond the end of the ring is believed."""

    def check_size(self, size: int, tail: int) -> None:
        if size == 0:
            raise RingError("invalid_frame_size")


@mutant("5.2.1", "10.2.1")
class zero_is_marker(ring.Reader):
    """Every size of 0 is taken for a wrap marker, whatever its sequence."""

    def is_marker(self, size: int, sequence: int) -> bool:
        return size == 0


@mutant("4.7")
class empty_frames(ring.Writer):
    """A frame of no bytes is written."""

    def check_frame_size(self, size: int) -> None:
        if size:
            super().check_frame_size(size)


@mutant("4.4")
class too_large_waits(ring.Writer):
    """A frame larger than the ring is called full instead of too large."""

    def check_frame_size(self, size: int) -> None:
        if size + HEADER.size > self.size:
            raise RingError("buffer_full")
        super().check_frame_size(size)


@mutant("7.4.2", "1.1")
class last_byte_lost(ring.Writer):
    """The last byte of each frame is not copied."""

    def write_frame(self, data: bytes, timeout: float | None = 5.0) -> None:
        super().write_frame(data[:-1] + b"\xff", timeout)


@mutant("3.1")
class metadata_rewritable(ring.Writer):
    """Metadata can be written again."""

    def has_metadata(self) -> bool:
        return False


@mutant("3.2")
class metadata_ignores_prefix(ring.Writer):
    """The eight bytes before the metadata are forgotten when it is measured."""

    def check_metadata_size(self, size: int) -> None:
        if size > self.metadata_size:
            raise RingError("metadata_too_large")


@mutant("18.3.1", "18.3.3")
class metadata_length_believed(ring.Reader):
    """Whatever length stands before the metadata is believed."""

    def check_metadata_length(self, length: int) -> None:
        pass
