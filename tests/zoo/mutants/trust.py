# ruff: noqa: N801 - a mutant is named as the library it becomes
"""Rings that believe what stands in the memory, or write it otherwise."""

from __future__ import annotations

from tests.zoo import ring
from tests.zoo.mutants.registry import mutant
from tests.zoo.ring import Slot


@mutant("5.1.1", "5.1.3")
class header_not_checked(ring.Writer):
    """Nothing in the control block is checked."""

    def check_header(self) -> None:
        pass


@mutant("5.1.4", "5.1.6")
class lengths_not_checked(ring.Writer):
    """Sizes are not compared with the length of the segment."""

    def check_lengths(self) -> None:
        pass


@mutant("18.1.1", "18.1.3")
class positions_not_checked(ring.Writer):
    """Positions beyond the end are believed."""

    def check_positions(self) -> None:
        pass

    def check_free(self, free: int) -> None:
        pass


@mutant("18.2.1")
class free_not_checked(ring.Writer):
    """More free bytes than the ring has are believed."""

    def check_free(self, free: int) -> None:
        pass


@mutant("12.2.1")
class not_rounded(ring.Reader):
    """Sizes are taken as asked for."""

    def header(self, metadata: int, payload: int) -> bytes:
        return super().header(metadata, payload - 28 if payload == 128 else payload)


@mutant("12.1", "6.4")
class reads_not_counted(ring.Reader):
    """Frames read are not counted."""

    def count_read(self) -> None:
        pass


@mutant("16.8")
class released_readable(ring.Reader):
    """A released frame can still be looked at."""

    def forbids_released(self) -> bool:
        return False


@mutant("16.1")
class abandoned_counts(ring.Writer):
    """A frame that is given up leaves a hole."""

    def acquire(self, size: int, timeout: float | None = 5.0) -> Slot:
        slot = super().acquire(size, timeout)
        slot.abandon = lambda: self.publish(slot)  # type: ignore[method-assign]
        return slot


@mutant("12.6")
class reserved_used(ring.Writer):
    """A writer keeps a number of its own in the reserved bytes."""

    def count_written(self) -> None:
        super().count_written()
        self.segment.map[96:104] = self._sequence.to_bytes(8, "little")
