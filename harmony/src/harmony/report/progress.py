"""How a feature and a cell stand while a run goes on. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from harmony.model import Verdict
from harmony.verdict.verdicts import is_red

_LATE_AFTER: Final = 5.0
_LATE_UNKNOWN: Final = 10.0
_TIMES: Final = 5
"""A cell is late after so many times what it took before, and so many seconds; where that is not known, after more."""


@dataclass(slots=True)
class FeatureState:
    """How a feature stands.

    Attributes:
        name: Its title.
        total: How many cells of this run it has.
        ended: How each cell ended that has.
        began: When the first of them began.
        seconds: From then to the last end.
    """

    name: str
    total: int = 0
    ended: dict[str, Verdict] = field(default_factory=dict)
    began: float = 0.0
    seconds: float = 0.0

    @property
    def is_done(self) -> bool:
        """Whether each of its cells has ended."""
        return len(self.ended) >= self.total

    @property
    def red(self) -> int:
        """How many of them are red."""
        return sum(map(is_red, self.ended.values()))

    @property
    def mark(self) -> str:
        """One character for it, as in the squares of a matrix."""
        passed = all(verdict is Verdict.PASSED for verdict in self.ended.values())
        return "✗" if self.red else "■" if passed else "□"


@dataclass(slots=True)
class Playing:
    """A cell that has begun and not ended.

    Attributes:
        name: Number of the scenario, and who plays.
        since: When it began.
        before: How many seconds it took before, or else others of its scenario; none where nobody knows.
        step: What it does.
        stderr: By role, what was written there last.
    """

    name: str
    since: float
    before: float | None
    step: str = ""
    stderr: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def is_late(self, now: float) -> bool:
        """Whether it has taken far longer than before."""
        late = _LATE_UNKNOWN if self.before is None else max(_LATE_AFTER, _TIMES * self.before)
        return now - self.since > late

    def told(self, now: float) -> str:
        """Say how long it has played, and how long it did before if that was far less."""
        late = self.is_late(now) and self.before is not None
        return f"{now - self.since:.1f} s{f' (before: {self.before:.1f} s)' if late else ''}"


def clock(seconds: float) -> str:
    """Return a time as a clock shows it: 0:07, 12:30, 1:02:03."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def tails(playing: Playing, most: int) -> Iterator[str]:
    """Give the last lines that the roles of a cell have written on stderr, each with its role."""
    for role, lines in playing.stderr.items():
        for line in lines[-most:] if most > 0 else ():
            yield f"{role} | {line}"
