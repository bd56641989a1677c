"""Which code is harmony's own: tracebacks and stacks are shown without it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).parent


def is_own_code(filename: str) -> bool:
    """Return whether a file is in harmony's package, in whatever folder of it."""
    return Path(filename).is_relative_to(_ROOT)
