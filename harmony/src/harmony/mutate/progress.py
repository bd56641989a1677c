"""How a campaign goes, for a person: a line for each fault, and when it will have ended."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Final

from harmony.mutate.judgement import Judgement, Outcome
from harmony.text import shown

_WIDTH: Final = 60
_NOW_AND_THEN: Final = 10


class Progress:
    """Writes lines.

    Args:
        say: Takes each line.
        status: Takes what goes on, and the time that is left, and shows it below the lines; where nothing can, it is
            a line now and then.
        clock: Says what time it is, in seconds.
    """

    def __init__(
        self,
        say: Callable[[str], None],
        status: Callable[[str], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._say = say
        self._status = status
        self._clock = clock
        self._total = self._known = self._done = 0
        self._began = 0.0
        self._number: Counter[Outcome] = Counter()

    def say(self, text: str) -> None:
        """Say something in passing."""
        self._say(text)
        if self._status is not None:
            self._status(text)

    def begin(self, total: int, known: int) -> None:
        """Begin to judge some faults of all."""
        self._total, self._known, self._began = total, known, self._clock()
        if known:
            self._say(f"{known} of {total} faults are judged already")

    def judged(self, judgement: Judgement) -> None:
        """Tell what came of a fault."""
        self._done += 1
        self._number[judgement.outcome] += 1
        self._say(f"{self._known + self._done:>4}/{self._total} {line_of(judgement)}")
        if self._status is not None:
            self._status(self.state)
        elif self._done % _NOW_AND_THEN == 0:
            self._say(self.state)

    @property
    def state(self) -> str:
        """The counts, and the time that is left."""
        counts = ", ".join(f"{self._number[outcome]} {outcome}" for outcome in Outcome if outcome in self._number)
        left = self._total - self._known - self._done
        minutes = (self._clock() - self._began) / max(self._done, 1) * left / 60
        return f"{self._known + self._done} of {self._total}: {counts}; about {minutes:.0f} min left"


def line_of(judgement: Judgement) -> str:
    """Return what came of a fault, in one line."""
    fault = judgement.fault
    if judgement.outcome is Outcome.KILLED:
        how = f"{judgement.cell}{' (only a deadline)' if judgement.by_timeout else ''}"
    else:
        how = shown(judgement.why.rpartition("\n")[2], _WIDTH)
    word = str(judgement.outcome)
    word = word if judgement.outcome is Outcome.KILLED else word.upper()
    return f"{word:<11} {judgement.seconds:5.1f} s  {fault.name}  {fault.place}  {how}".rstrip()
