"""How long the steps wait."""

from __future__ import annotations

import os
from typing import Final

QUIET: Final = 0.2
"""Seconds after which no more is expected: whatever comes later is missed, and nothing is found wrong by it."""
PATIENCE: Final = 3.0
"""Seconds for what may come here or elsewhere."""
GENEROUS: Final = float(os.environ.get("MQTT_PATIENCE", "15"))
"""Seconds within which comes what must: ten times what the standard says of a keep-alive, on a busy machine.

Steps ask `start.patience` for it, which is less where it is known not to come.
"""
