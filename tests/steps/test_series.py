"""Counting frames: a writer that takes a rest has not ended, and one that has ended is not waited for in vain."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from harmony import MismatchError
from step_definitions.frame_history import FrameHistory
from step_definitions.port import Driver, DriverError, Transfer
from step_definitions.role import Role
from step_definitions.settings import StepSettings
from step_definitions.steps.basic_communication import BasicCommunicationSteps


class Resting:
    """A role whose reader met a rest after some frames."""

    def __init__(self, before: int, after: int) -> None:
        self.settings = StepSettings.of_environment()
        self.history = FrameHistory(transfers=[Transfer(before, 0, 1, before)])
        self._after = after

    async def read_many(self, count: int, **_: Any) -> None:
        if self._after < count:
            raise DriverError("timeout", f"after {self._after} frames")
        self.history.transfers.append(Transfer(count, 0, 1, count))


def count(before: int, after: int) -> None:
    steps = BasicCommunicationSteps(cast("Role", Resting(before, after)), cast("Driver", None))
    asyncio.run(steps.count_frames(20))


@pytest.mark.parametrize(("before", "after"), [(20, 0), (15, 5), (0, 20)])
def test_frames_after_a_rest_count(before: int, after: int) -> None:
    count(before, after)


@pytest.mark.parametrize(("before", "after"), [(21, 0), (15, 4), (0, 0)])
def test_frames_that_are_lost_do_not(before: int, after: int) -> None:
    with pytest.raises(MismatchError, match=f"(?s)20.*{before}"):
        count(before, after)
