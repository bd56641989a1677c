"""What ``harmony doctor`` checks of each verb of the port. Each expected value is computed here a second time."""

from __future__ import annotations

from typing import Final

from harmony.doctor import DriverChecks
from step_definitions.driver_checks import buffers, channels, frames, numbers, points, slots
from step_definitions.driver_checks.blocking_verbs import BLOCKING_VERBS, hold, sweep

DRIVER_CHECKS: Final = DriverChecks(
    checks=(*buffers.CHECKS, *frames.CHECKS, *slots.CHECKS, *points.CHECKS, *channels.CHECKS, *numbers.CHECKS),
    blocking=BLOCKING_VERBS,
    hold=hold,
    sweep=sweep,
)
"""`driver.checks` in the project file names it. Every verb of the port has a check that passes and one that refuses."""
