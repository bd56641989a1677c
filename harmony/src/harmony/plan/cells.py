"""What runs: cells, each a scenario with a pairing, and their division over machines. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harmony.errors import ExitCode, HarmonyError
from harmony.plan.pairing import Pairing, PairingRequest, requested
from harmony.spec.gherkin import Scenario
from harmony.spec.routing import roles_of

_SHARD = re.compile(r"(\d+)/(\d+)")


class ShardError(HarmonyError):
    """A shard is not of the form 2/5."""

    code = "shard"
    exit_code = ExitCode.USAGE


@dataclass(frozen=True)
class Cell:
    """A scenario with a pairing.

    Attributes:
        scenario: The scenario.
        pairing: Who plays its roles.
    """

    scenario: Scenario
    pairing: Pairing

    @property
    def key(self) -> str:
        """The short, stable name: `1.1[reader=python,writer=cpp]`."""
        return f"{self.scenario.number or self.scenario.id}[{self.pairing}]"

    @property
    def name(self) -> str:
        """The name with the title, for people."""
        return f"{self.scenario.id}[{self.pairing}]"


def plan_cells(scenarios: Sequence[Scenario], platforms: Sequence[str], request: PairingRequest) -> list[Cell]:
    """Return the cells of the scenarios, in the order of the scenarios and then of the pairings.

    Raises:
        UnknownPairingError: A word of the request names no platforms.
    """
    return [
        Cell(scenario, pairing)
        for scenario in scenarios
        for pairing in requested(roles_of(scenario), platforms, request)
    ]


def parse_shard(text: str) -> tuple[int, int]:
    """Read `2/5`.

    Raises:
        ShardError: It is something else, or the second of one.
    """
    found = _SHARD.fullmatch(text)
    index, count = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 1 <= index <= count:
        raise ShardError(f"{text!r} is no shard", hint="write 2/5 for the second of five")
    return index, count


def shard(keys: Sequence[str], index: int, count: int, seconds: Mapping[str, float]) -> set[str]:
    """Return the part of the cells that one of several machines runs.

    Each machine computes the same division from the same durations: the longest first, always to the least loaded. A
    cell without a recorded duration counts as the median.
    """
    known = sorted(seconds[key] for key in keys if key in seconds)
    median = known[len(known) // 2] if known else 1.0
    loads = [0.0] * count
    mine: set[str] = set()
    for key in sorted(keys, key=lambda key: (-seconds.get(key, median), key)):
        least = loads.index(min(loads))
        loads[least] += seconds.get(key, median)
        if least == index - 1:
            mine.add(key)
    return mine
