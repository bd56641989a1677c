"""Which code is harmony's own: tracebacks and stacks are shown without it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).parent


def own_place(file: Path) -> Path | None:
    """Return where a file of harmony's package stands, from its name on; none if it is no file of it."""
    return file.relative_to(_ROOT.parent) if is_own_code(str(file)) else None


def is_own_code(filename: str) -> bool:
    """Return whether a file is in harmony's package, in whatever folder of it."""
    return Path(filename).is_relative_to(_ROOT)
