"""The Python driver, held to the same contract as the others."""

from __future__ import annotations

import asyncio
import sys

import pytest

from harmony import UnsupportedError
from step_definitions.child_driver import ChildDriver
from tests.drivers.language import DRIVERS, Language
from tests.drivers.wire import Wire

PYTHON = Language(
    "python",
    folder=DRIVERS.parent / "step_definitions",
    command=(sys.executable, "-m", "step_definitions.child", "zerobuffer"),
    sources=(),
    said=f"python {sys.version_info.major}.{sys.version_info.minor}",
)


class TestWire(Wire):
    language = PYTHON


def test_a_library_without_named_points_declines_to_arm_one() -> None:
    """Any other answer would make scenarios red that a plain wheel cannot play."""

    async def arm() -> None:
        driver = await ChildDriver.start("zerobuffer.config")
        try:
            assert "points" not in (await driver.hello()).capabilities
            await driver.arm("writer.data", 1)
        finally:
            await driver.end()

    with pytest.raises(UnsupportedError, match="built without its named points"):
        asyncio.run(arm())
