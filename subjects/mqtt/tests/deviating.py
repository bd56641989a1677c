"""The sentence with which a raw peer begins to deviate. It belongs to these tests alone."""

from __future__ import annotations

from conformance.contract import Mqtt
from conformance.party import ROLE

from harmony import parsers, step


class DeviationSteps:
    """One of these for each role that deviates."""

    def __init__(self, driver: Mqtt) -> None:
        self._driver = driver

    @step(parsers.re(rf"{ROLE} deviates: (?P<name>\S+)"))
    async def deviates(self, name: str) -> None:
        """Have it break a rule from now on."""
        await self._driver.deviate(name)
