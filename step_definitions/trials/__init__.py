"""What ``harmony doctor`` tries of each verb of the port, each with values that are computed here a second time."""

from __future__ import annotations

from typing import Final

from harmony.doctor.trial import Trials
from step_definitions.trials import buffers, channels, frames, numbers, points, slots
from step_definitions.trials.situations import WAITING, hold, sweep

TRIALS: Final = Trials(
    trials=(*buffers.TRIALS, *frames.TRIALS, *slots.TRIALS, *points.TRIALS, *channels.TRIALS, *numbers.TRIALS),
    waiting=WAITING,
    hold=hold,
    sweep=sweep,
)
"""Of every verb of the port, at least one trial that passes and one that refuses."""
