"""What runs: cells, each a scenario with a pairing. Pure."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harmony.plan.pairing import Pairing, PairingRequest, requested
from harmony.platform_settings import Platform
from harmony.spec.gherkin import Scenario
from harmony.spec.routing import roles_of


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


def scenario_of(key: str) -> str:
    """Return the number of the scenario of a cell's key, or what it has in place of one, which may have brackets."""
    return key.rpartition("[")[0]


def plan_cells(scenarios: Sequence[Scenario], platforms: Mapping[str, Platform], request: PairingRequest) -> list[Cell]:
    """Return the cells of the scenarios, in the order of the scenarios and then of the pairings.

    Raises:
        UnknownPairingError: A word of the request names no platforms.
    """

    def can_play(platform: str, role: str) -> bool:
        return platforms[platform].can_play(role)

    names = sorted(platforms)
    return [
        Cell(scenario, pairing)
        for scenario in scenarios
        for pairing in requested(roles_of(scenario), names, request, can_play, zlib.crc32(scenario.id.encode()))
    ]
