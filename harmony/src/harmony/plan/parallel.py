"""How many workers pay: each costs a start, and shares what the cells take. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

_START: Final = 1.0
"""Seconds of one core until a worker of pytest-xdist plays its first cell, and for its end."""
_LEAST_GAIN: Final = 1.0
"""Seconds; less is not worth the work of all cores."""
_UNKNOWN: Final = 0.1
"""Seconds of a cell that has not passed yet. Little: whoever is wrong once has started no processes in vain."""


def workers_that_pay(cells: Collection[str], past: Mapping[str, float], cores: int, per_core: int) -> int:
    """Return with how many workers the cells are expected to end first; 0 where one process does.

    Args:
        cells: The keys of what will run.
        past: How long cells took, by key.
        cores: Of the machine.
        per_core: How many at most for each of them: a cell waits more than it works.
    """
    seconds = [past.get(cell, _UNKNOWN) for cell in cells]
    total, longest = sum(seconds), max(seconds, default=0.0)

    def expected(count: int) -> float:
        return count * _START / min(count, cores) + max(longest, total / count)

    some = range(2, min(per_core * cores, len(cells) // 2) + 1)
    best = min(some, key=expected, default=0)
    return best if best and expected(best) + _LEAST_GAIN < total else 0
