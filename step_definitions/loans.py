"""What one handle of a dispatcher has lent under a handle of its own."""

from __future__ import annotations

import contextlib

from step_definitions.library import HeldFrame, Slot


class LentSlot:
    """A place that was lent by a writer."""

    def __init__(self, slot: Slot, sequence: int, owner: int) -> None:
        self.slot = slot
        self.sequence = sequence
        self.owner = owner

    def give_back(self) -> None:
        """Abandon it."""
        self.slot.abandon()


class LentFrame:
    """A frame that was lent by a reader."""

    def __init__(self, frame: HeldFrame, owner: int) -> None:
        self.frame = frame
        self.owner = owner

    def give_back(self) -> None:
        """Release it."""
        with contextlib.suppress(Exception):  # it may have been released already
            self.frame.release()
