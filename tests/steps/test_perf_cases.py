"""What is measured of ZeroBuffer: a number from each measure, and none from who is fast and wrong."""

from __future__ import annotations

import asyncio
import itertools
import os

import pytest

from harmony.perf.measure import Measure, Occasion
from step_definitions.child_driver import ChildDriver
from step_definitions.observer import objects_of_run
from step_definitions.perf_cases import PERF_CASES
from step_definitions.port import DriverError

CORRECT = "tests.zoo.model:correct"
_numbers = itertools.count(1)


def measured(measure: Measure, reader: str, writer: str, effort: float = 0.001) -> float:
    """Take one number with two processes; nothing is left of them."""
    run_id = f"{os.getpid()}_{next(_numbers)}"

    async def whole() -> float:
        drivers = [await ChildDriver.start(reader), await ChildDriver.start(writer)]
        try:
            return await measure.run(
                dict(zip(sorted(measure.roles), drivers, strict=True)), Occasion(1, run_id, effort)
            )
        finally:
            for driver in drivers:
                await driver.end()

    try:
        return asyncio.run(whole())
    finally:
        assert objects_of_run(f"_{run_id}") == []


def named(name: str) -> Measure:
    return next(one for one in PERF_CASES.items if one.name == name)


@pytest.mark.parametrize("measure", PERF_CASES.items, ids=lambda one: one.name)
def test_each_measure_gives_a_number(measure: Measure) -> None:
    assert measured(measure, "zerobuffer", "zerobuffer", 0.01) > 0


@pytest.mark.parametrize("measure", [named("throughput-64"), named("round-trip-64")], ids=lambda one: one.name)
def test_the_model_can_be_measured(measure: Measure) -> None:
    """Without this a mutant could be refused for what the model itself cannot do."""
    assert measured(measure, CORRECT, CORRECT) > 0


@pytest.mark.parametrize(
    ("mutant", "measure", "named_cause"),
    [
        ("last_byte_lost", "throughput-64", "other bytes than they must have"),
        ("big_endian_sequence", "throughput-64", "sequence"),
        ("sequence_from_zero", "throughput-64", "sequence"),
        ("torn_header", "throughput-65536", "size"),
    ],
)
def test_who_is_wrong_is_not_measured(mutant: str, measure: str, named_cause: str) -> None:
    with pytest.raises((DriverError, AssertionError, ExceptionGroup)) as raised:
        measured(named(measure), CORRECT, f"tests.zoo.mutants:{mutant}")
    text = " ".join(map(str, getattr(raised.value, "exceptions", [raised.value])))
    assert named_cause in text
