"""What the names of a cell end with: two numbers, which every process that plays in it is told alike."""

from __future__ import annotations

import itertools
import os
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from harmony.spec.gherkin import Scenario, feature_number

_CELLS: Final = 500
_LARGEST: Final = 2**31
_counter = itertools.count()


@dataclass(frozen=True, slots=True)
class RunId:
    """The two numbers of a cell; below 2^31, as workers in the field read them.

    Attributes:
        host_pid: No other cell on this machine has it at the same time. It is no pid: a process plays many cells.
        feature_id: The same for all cells of a feature file.
    """

    host_pid: int
    feature_id: int

    @classmethod
    def new(cls, feature_id: int) -> Self:
        """Return the numbers of a cell that begins now. They come again after 500 cells of this process."""
        return cls(os.getpid() * _CELLS + next(_counter) % _CELLS, feature_id)

    @classmethod
    def of_cell(cls, scenario: Scenario) -> Self:
        """Return the numbers of a cell of a scenario that begins now."""
        return cls.new(feature_id_of(scenario.place.file))

    def __str__(self) -> str:
        """Return what every name of the cell ends with."""
        return f"{self.host_pid}_{self.feature_id}"


def feature_id_of(file: Path) -> int:
    """Return the number that a feature file's name begins with, or else one of five digits made from its name."""
    number = feature_number(file)
    if number is not None and number < _LARGEST:
        return number
    return 10_000 + zlib.crc32(os.fsencode(file.name)) % 90_000
