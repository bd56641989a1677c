# ruff: noqa: N801 - a mutant is named as the library it becomes
"""Rings that wrap wrongly, or count their space wrongly."""

from __future__ import annotations

import time

from tests.zoo import ring
from tests.zoo.memory import HEADER
from tests.zoo.mutants.registry import mutant
from tests.zoo.ring import Frame, Slot, Tail


@mutant("5.8")
class no_wrap_marker(ring.Writer):
    """The tail is skipped without a marker."""

    def write_marker(self, position: int) -> None:
        pass


@mutant("4.6", "5.6.4")
class off_by_one_fit(ring.Writer):
    """A frame that fits exactly is not taken to fit."""

    def fits(self, total: int, tail: int) -> bool:
        return total < tail


@mutant("5.5", "4.8")
class tail_not_reserved(ring.Writer):
    """A wrap asks for the room of the frame alone, and the tail is not taken from the free bytes."""

    def needed_to_wrap(self, total: int, tail: int) -> int:
        return total

    def take_free_of_tail(self, tail: int) -> None:
        pass


@mutant("4.8", "5.5", "16.7", "4.1")
class overruns_reader(ring.Writer):
    """A wrap does not wait for the tail to be free, so unread frames are overwritten."""

    def needed_to_wrap(self, total: int, tail: int) -> int:
        return 0


@mutant("5.5")
class tail_not_returned(ring.Reader):
    """The space of a skipped tail never comes back."""

    def returned_by_wrap(self, tail: int) -> int:
        return 0


@mutant("5.5")
class marker_not_counted(ring.Writer):
    """The wrap marker is not counted as written."""

    def wrap(self) -> None:
        before = self.segment.load("payload_written_count")
        super().wrap()
        self.segment.store("payload_written_count", before)


@mutant("16.3")
class leaves_short_tails(ring.Writer):
    """A tail without room for a marker is left although it can be avoided."""

    def leaves_short_tail(self, rest: int) -> bool:
        return False


@mutant("16.4", "16.2.3")
class reads_short_tails(ring.Reader):
    """A tail without room for a marker is read as a header."""

    def is_implicit_wrap(self, tail: int) -> bool:
        return False


@mutant("4.13", "5.6.1")
class unwritable_waits(ring.Writer):
    """A frame that can never be written waits until its time is over."""

    def refuse_unwritable(self, total: int, position: int) -> None:
        pass


@mutant("4.6")
class position_at_end(ring.Writer):
    """After an exact fit the write position goes one past the end."""

    def move_to(self, position: int) -> None:
        self.segment.store("payload_write_pos", position + (position == self.size))

    def check_positions(self) -> None:
        pass

    def plan(self, total: int) -> tuple[int, bool, int]:
        return (0, False, total) if self.segment.load("payload_write_pos") >= self.size else super().plan(total)


@mutant("4.6", "1.3")
class free_not_returned(ring.Reader):
    """A released frame's space does not come back."""

    def give_back(self, lease: Frame | Tail) -> None:
        self.post_space()


@mutant("12.1", "4.6")
class header_not_returned(ring.Reader):
    """A released frame returns its bytes and forgets those of its header."""

    def give_back(self, lease: Frame | Tail) -> None:
        self.segment.add_free(lease.cost - HEADER.size)
        self.post_space()


@mutant("12.1", "16.6", "16.7")
class early_release(ring.Reader):
    """A frame's space is given back when it is read, while it is still held."""

    def take(self) -> Frame:
        frame = super().take()
        frame.released = True
        self.drain()
        frame.released = False
        return frame

    def drain(self) -> None:
        while self._leases and self._leases[0].released:
            self.give_back(self._leases.popleft())


@mutant("16.6")
class release_out_of_order(ring.Reader):
    """Space comes back in the order of releases, not of the ring."""

    def drain(self) -> None:
        for lease in [lease for lease in self._leases if lease.released]:
            self._leases.remove(lease)
            self.give_back(lease)


@mutant("1.7")
class lossy_free(ring.Writer):
    """The free bytes are changed by a load, a pause and a store: the reader's additions get lost."""

    def publish(self, slot: Slot) -> None:
        free = self.segment.load("payload_free_bytes")
        super().publish(slot)
        if not slot.wraps:
            # Long enough for a reader to take and release the frame.
            time.sleep(0.0005)
            self.segment.store("payload_free_bytes", free - slot.size - HEADER.size)


@mutant("16.9")
class tokens_pile_up(ring.Writer):
    """Tokens of space are never drained."""

    def drain_tokens(self) -> None:
        pass
