"""What is measured of ZeroBuffer: a number from each case, and none from who is fast and wrong."""

from __future__ import annotations

import asyncio
import itertools
import os

import pytest

from harmony.perf import MeasureContext, PerfCase
from step_definitions.child_driver import ChildDriver
from step_definitions.observer import objects_of_run
from step_definitions.perf_cases import PERF_CASES
from step_definitions.port import DriverError

CORRECT = "tests.zoo.model:correct"
_numbers = itertools.count(1)


def measured(case: PerfCase, reader: str, writer: str, effort: float = 0.001) -> float:
    """Take one number with two processes; nothing is left of them."""
    run_id = f"{os.getpid()}_{next(_numbers)}"

    async def body() -> float:
        drivers = [await ChildDriver.start(reader), await ChildDriver.start(writer)]
        try:
            return await case.run(
                dict(zip(sorted(case.roles), drivers, strict=True)), MeasureContext(1, run_id, effort)
            )
        finally:
            for driver in drivers:
                await driver.end()

    try:
        return asyncio.run(body())
    finally:
        assert objects_of_run(f"_{run_id}") == []


def named(name: str) -> PerfCase:
    return next(one for one in PERF_CASES.items if one.name == name)


@pytest.mark.parametrize("case", PERF_CASES.items, ids=lambda one: one.name)
def test_each_case_gives_a_number(case: PerfCase) -> None:
    assert measured(case, "zerobuffer", "zerobuffer", 0.01) > 0


@pytest.mark.parametrize("case", [named("throughput-64"), named("round-trip-64")], ids=lambda one: one.name)
def test_the_model_can_be_measured(case: PerfCase) -> None:
    """Without this a mutant could be refused for what the model itself cannot do."""
    assert measured(case, CORRECT, CORRECT) > 0


@pytest.mark.parametrize(
    ("mutant", "case", "named_cause"),
    [
        ("last_byte_lost", "throughput-64", "other bytes than they must have"),
        ("big_endian_sequence", "throughput-64", "sequence"),
        ("sequence_from_zero", "throughput-64", "sequence"),
        ("torn_header", "throughput-65536", "size"),
    ],
)
def test_who_is_wrong_is_not_measured(mutant: str, case: str, named_cause: str) -> None:
    with pytest.raises((DriverError, AssertionError, ExceptionGroup)) as raised:
        measured(named(case), CORRECT, f"tests.zoo.mutants:{mutant}")
    text = " ".join(map(str, getattr(raised.value, "exceptions", [raised.value])))
    assert named_cause in text
