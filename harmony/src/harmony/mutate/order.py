"""In which order cells are played, so that a fault is found soonest. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping

from harmony.plan.cells import scenario_of


class Order:
    """Learns which cells find faults.

    Args:
        seconds: How long each cell takes.
        killers: Cells that have found faults before, each as often as it has.
    """

    def __init__(self, seconds: Mapping[str, float], killers: Iterable[str] = ()) -> None:
        self._seconds = dict(seconds)
        self._kills = Counter(cell for cell in killers if cell in self._seconds)

    def killed(self, cell: str) -> None:
        """Note that a cell has found a fault."""
        self._kills[cell] += 1

    def cells(self, without: Container[str] = (), finder: str = "") -> dict[str, float]:
        """Return the cells with their seconds: those of the scenario that should find it, the best ones, the shortest.

        Args:
            without: Cells that are left out.
            finder: The number of a scenario.
        """

        def rank(cell: str) -> tuple[bool, float, float, str]:
            seconds = max(self._seconds[cell], 0.001)
            return (not finder or scenario_of(cell) != finder, -self._kills[cell] / seconds, seconds, cell)

        return {cell: self._seconds[cell] for cell in sorted(self._seconds, key=rank) if cell not in without}
