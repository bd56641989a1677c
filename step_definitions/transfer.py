"""A series of frames as one `Transfer`: how many, of which sizes, with which digest, in how much time."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from step_definitions.patterns import chained
from step_definitions.port import Transfer


class Clock:
    """The time that is left of a request, and the processor time it has cost."""

    def __init__(self, timeout: float) -> None:
        self.begin = time.monotonic()
        self.deadline = self.begin + timeout
        self._processor = time.process_time()

    @property
    def left(self) -> float:
        """Seconds until the deadline, never less than none."""
        return max(0.0, self.deadline - time.monotonic())

    @property
    def over(self) -> bool:
        """Whether the deadline has passed."""
        return time.monotonic() >= self.deadline

    def spent(self) -> dict[str, float]:
        """Return the time and the processor time so far, as a `Transfer` names them."""
        return {"seconds": time.monotonic() - self.begin, "cpu_seconds": time.process_time() - self._processor}


class TransferBuilder:
    """Sums up a series of frames, one after the other."""

    def __init__(self) -> None:
        self.frames = 0
        self._runs: list[tuple[int, int]] = []
        self._first = 0
        self._last = 0
        self._breaks = 0
        self._digest = 0

    def add(self, sequence: int, size: int, data: memoryview | None = None) -> None:
        """Count one more frame; without its bytes it does not enter the digest."""
        if not self.frames:
            self._first = sequence
        elif sequence != self._last + 1:
            self._breaks += 1
        self._last = sequence
        self.frames += 1
        size_before, times = self._runs[-1] if self._runs else (-1, 0)
        if size == size_before:
            self._runs[-1] = (size, times + 1)
        else:
            self._runs.append((size, 1))
        if data is not None:
            self._digest = chained(self._digest, sequence, data)

    def add_series(self, first: int, last: int, frames: int, breaks: int, runs: Sequence[tuple[int, int]]) -> None:
        """Take over what was counted elsewhere; no frame may have been added before."""
        self.frames, self._first, self._last, self._breaks = frames, first, last, breaks
        self._runs = [*runs]

    def as_dict(self, clock: Clock) -> dict[str, Any]:
        """Return a `Transfer` as plain data."""
        return asdict(
            Transfer(
                frames=self.frames,
                bytes=sum(size * times for size, times in self._runs),
                first=self._first,
                last=self._last,
                breaks=self._breaks,
                runs=self._runs,
                digest=self._digest,
                **clock.spent(),
            )
        )
