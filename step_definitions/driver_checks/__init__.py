"""What ``harmony doctor`` checks of each verb of the port. Each expected value is computed here a second time."""

from __future__ import annotations

from typing import Final

from harmony.doctor.trial import Trials
from step_definitions.driver_checks import buffers, channels, frames, numbers, points, slots
from step_definitions.driver_checks.blocking_verbs import WAITING, hold, sweep

DRIVER_CHECKS: Final = Trials(
    trials=(*buffers.CHECKS, *frames.CHECKS, *slots.CHECKS, *points.CHECKS, *channels.CHECKS, *numbers.CHECKS),
    waiting=WAITING,
    hold=hold,
    sweep=sweep,
)
"""`trials` in the project file names it. Every verb of the port has a check that passes and one that refuses."""
