"""What a driver holds for others: a frame that was read, a slot that was acquired."""

from __future__ import annotations

import contextlib

from step_definitions.library import Frame, Slot


class HeldSlot:
    """A slot that was acquired and is neither committed nor abandoned."""

    def __init__(self, slot: Slot, sequence: int, owner: int) -> None:
        self.slot = slot
        self.sequence = sequence
        self.owner = owner

    def give_back(self) -> None:
        """Abandon it."""
        self.slot.abandon()


class HeldFrame:
    """A frame that was read and is not released."""

    def __init__(self, frame: Frame, owner: int) -> None:
        self.frame = frame
        self.owner = owner

    def give_back(self) -> None:
        """Release it."""
        with contextlib.suppress(Exception):  # it may have been released already
            self.frame.release()
