"""What is said about many frames at once: how many, of which sizes, with which digest, in how much time."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any

from step_definitions.patterns import chained, runs_of
from step_definitions.port import Transfer


class Clock:
    """The time that is left of a request, and the processor time it has cost."""

    def __init__(self, timeout: float) -> None:
        self.begin = time.monotonic()
        self._deadline = self.begin + timeout
        self._processor = time.process_time()

    @property
    def left(self) -> float:
        """Seconds until the deadline, never less than none."""
        return max(0.0, self._deadline - time.monotonic())

    @property
    def over(self) -> bool:
        """Whether the deadline has passed."""
        return time.monotonic() >= self._deadline

    def spent(self) -> dict[str, float]:
        """Return the time and the processor time so far, as a `Transfer` names them."""
        return {"seconds": time.monotonic() - self.begin, "cpu_seconds": time.process_time() - self._processor}


class Summary:
    """Sums a series of frames up."""

    def __init__(self) -> None:
        self.frames = 0
        self._sizes: list[int] = []
        self._first = 0
        self._last = 0
        self._breaks = 0
        self._digest = 0

    def add(self, sequence: int, size: int, data: memoryview | None = None) -> None:
        """Count one more frame; without its bytes it does not enter the digest."""
        if self.frames and sequence != self._last + 1:
            self._breaks += 1
        self._first = self._first or sequence
        self._last = sequence
        self.frames += 1
        self._sizes.append(size)
        if data is not None:
            self._digest = chained(self._digest, sequence, data)

    def plain(self, clock: Clock) -> dict[str, Any]:
        """Return a `Transfer` as plain data."""
        return asdict(
            Transfer(
                frames=self.frames,
                bytes=sum(self._sizes),
                first=self._first,
                last=self._last,
                breaks=self._breaks,
                runs=runs_of(self._sizes),
                digest=self._digest,
                **clock.spent(),
            )
        )
