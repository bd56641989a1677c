"""The operating system that harmony runs on."""

from __future__ import annotations

import os
import sys
from typing import Final

from harmony.process.system import FORM_VARIABLE, System


def _this() -> System:
    if sys.platform == "linux" and os.environ.get(FORM_VARIABLE) != "portable":
        from harmony.process.linux import LinuxSystem  # noqa: PLC0415 - it can be imported on Linux alone

        return LinuxSystem()
    from harmony.process.portable import PortableSystem  # noqa: PLC0415 - psutil is not needed on Linux

    return PortableSystem()


SYSTEM: Final = _this()


def missing_promises() -> str:
    """Say which promises do not hold here; empty where all do."""
    if not SYSTEM.lacks:
        return ""
    return f"{SYSTEM.name} process control, without the promises: {', '.join(sorted(SYSTEM.lacks))} (docs/systems.md)"
