"""What a project measures: each a number that two drivers give together, and what it means."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from harmony.errors import ConfigurationError

DEFAULT_DEADLINE: Final = 60.0


class Better(StrEnum):
    """Which of two numbers is the better one."""

    MORE = "more"
    LESS = "less"


@dataclass(frozen=True, slots=True)
class MeasureContext:
    """What a case is told each time.

    Attributes:
        seed: Of everything random in it; another one each time.
        run_id: The end of every name that it makes, by which the harness finds what was left behind.
        effort: 1 for a number to quote, less for a quick look; scales how much is transferred.
    """

    seed: int
    run_id: str
    effort: float = 1.0

    def count(self, whole: int) -> int:
        """Return how many of something to do, at least one."""
        return max(1, round(whole * self.effort))


@dataclass(frozen=True, slots=True)
class Alternative:
    """The same number in another unit.

    Attributes:
        unit: Its name.
        factor: How many of it one of the case's unit is.
    """

    unit: str
    factor: float


@dataclass(frozen=True, slots=True)
class PerfCase:
    """One measurement.

    Attributes:
        name: What ``--measure`` and the JSON call it, such as ``throughput-64``.
        title: What a person calls it.
        unit: Of its number.
        better: Whether more or less of it is better.
        roles: The two that take part.
        run: Takes the drivers by role, each with the verbs of the project's port, and the context; returns the number.
        needs: Capabilities without which a platform cannot take part.
        also: The same number in another unit, to be shown beside it.
        deadline: Seconds after which it is given up.
    """

    name: str
    title: str
    unit: str
    better: Better
    roles: tuple[str, str]
    run: Callable[[Mapping[str, Any], MeasureContext], Awaitable[float]]
    needs: frozenset[str] = frozenset()
    also: Alternative | None = None
    deadline: float = DEFAULT_DEADLINE


@dataclass(frozen=True, slots=True)
class PerfCases:
    """All that a project measures; what ``driver.cases`` in its file names.

    Attributes:
        items: In the order in which they are shown.
    """

    items: tuple[PerfCase, ...]

    def select(self, words: tuple[str, ...]) -> tuple[PerfCase, ...]:
        """Return the cases whose names contain one of the words; all without words.

        Raises:
            ConfigurationError: A word names none.
        """
        for word in words:
            if not any(word in one.name for one in self.items):
                known = ", ".join(one.name for one in self.items)
                raise ConfigurationError(f"there is no case {word!r}", hint=f"there are: {known}")
        return tuple(one for one in self.items if not words or any(word in one.name for word in words))
