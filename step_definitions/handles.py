"""What a driver has open, and what it holds for others: a frame that was read, a slot that was acquired."""

from __future__ import annotations

import contextlib
import itertools
from typing import Any

from step_definitions.library import Frame, Slot
from step_definitions.port import DriverError


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


class Handles:
    """What is open, by number. No number is given twice.

    What was closed last keeps its number until something else is closed, so that a call that comes too late meets the
    library's own answer.
    """

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._open: dict[int, Any] = {}
        self._closed = 0

    def add(self, thing: Any) -> int:
        """Keep a thing and return its number."""
        number = next(self._numbers)
        self._open[number] = thing
        return number

    def get(self, number: int, ability: str) -> Any:
        """Return the thing of a number, which must have an attribute of this name.

        Raises:
            DriverError: With the code ``closed``, if it has not, or nothing is open under the number.
        """
        thing = self._open.get(number)
        if not hasattr(thing, ability):
            raise DriverError("closed", f"there is nothing open under the number {number} that has {ability!r}")
        return thing

    def take(self, number: int, ability: str) -> Any:
        """Return the thing of a number and forget the number. Raises what :meth:`get` raises."""
        thing = self.get(number, ability)
        del self._open[number]
        return thing

    def close(self, number: int) -> None:
        """Close a thing, once, after what it has lent was given back."""
        thing = self.get(number, "close")
        if number == self._closed:
            raise DriverError("closed", f"what was open under the number {number} is closed already")
        self._open.pop(self._closed, None)
        self._closed = number
        for other, held in list(self._open.items()):
            if isinstance(held, HeldSlot | HeldFrame) and held.owner == number:
                del self._open[other]
                held.give_back()
        thing.close()

    def close_all(self) -> None:
        """Close everything, the youngest first. The first failure is raised once all are closed."""
        failures: list[Exception] = []
        self._open.pop(self._closed, None)
        for number, thing in sorted(self._open.items(), reverse=True):
            if isinstance(thing, HeldSlot | HeldFrame):
                continue
            try:
                self.close(number)
            except Exception as failure:  # noqa: BLE001 - the rest must be closed, too
                failures.append(failure)
        if failures:
            raise failures[0]
