"""The rules hold in every configuration, and each broken rule is found by the property that it violates."""

from __future__ import annotations

from typing import Any

import pytest

from tests.model.configurations import BROKEN, LIMITS, RIGHT, Broken, Configuration


def _configurations() -> list[Any]:
    return [pytest.param(c, id=c.name, marks=[pytest.mark.nightly] if c.nightly else []) for c in RIGHT]


def _broken(table: tuple[Broken, ...]) -> list[Any]:
    return [pytest.param(b, id=b.name, marks=[pytest.mark.nightly] if b.configuration.nightly else []) for b in table]


@pytest.mark.parametrize("configuration", _configurations())
def test_the_rules_hold(configuration: Configuration) -> None:
    found = configuration.explore()
    assert not found.violation, "\n".join(found.trace)
    assert found.states > 500, "nothing was explored"
    assert not any("nobody was killed" in what for what in found.observations), "a token was missing without a death"


@pytest.mark.parametrize("broken", _broken(BROKEN))
def test_a_broken_rule_is_found(broken: Broken) -> None:
    found = broken.configuration.explore()
    assert found.broken == broken.violates, "\n".join(found.trace)
    assert found.trace


@pytest.mark.parametrize("limit", _broken(LIMITS))
def test_what_is_not_promised_does_not_hold(limit: Broken) -> None:
    assert limit.configuration.explore().broken == limit.violates
