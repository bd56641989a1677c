"""Seeds: one of the run, and of each scenario its own."""

from __future__ import annotations

import hashlib

from harmony.spec.gherkin import Scenario


def seed_of(seed: int, scenario: Scenario) -> int:
    """Return the seed of one scenario, which does not depend on what else runs."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{scenario.id}".encode()).digest()[:4], "big")
