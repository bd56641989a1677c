# ruff: noqa: N801 - a mutant is named as the library it becomes
"""Rings whose wake-ups are wrong."""

from __future__ import annotations

import time

from tests.zoo import ring
from tests.zoo.mutants.registry import mutant


@mutant("4.2", "1.7")
class lost_wakeup(ring.Writer):
    """Every seventh frame is not signalled."""

    def post_data(self) -> None:
        if (self.next_sequence - 1) % 7:
            super().post_data()


@mutant("4.2", "6.4")
class double_wakeup(ring.Writer):
    """Every frame is signalled twice."""

    def post_data(self) -> None:
        super().post_data()
        super().post_data()


@mutant("5.5")
class marker_signalled(ring.Writer):
    """A wrap marker is signalled like a frame."""

    def write_marker(self, position: int) -> None:
        super().write_marker(position)
        self.post_data()


@mutant("12.1")
class release_not_signalled(ring.Reader):
    """A release posts nothing."""

    def post_space(self) -> None:
        pass


@mutant("16.2.13", "4.9")
class published_too_early(ring.Writer):
    """The frame is signalled before its bytes are there."""

    def write_frame(self, data: bytes, timeout: float | None = 5.0) -> None:
        slot = self.acquire(len(data), timeout)
        with slot.data as view:
            slot.commit()
            time.sleep(0.003)
            view[:] = data
