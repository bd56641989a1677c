"""The Python driver, held to the same contract as the others."""

from __future__ import annotations

import sys

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
