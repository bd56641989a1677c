"""What a driver said beside its answers, and what it left behind, whichever check was running."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

_MOST: Final = 20
_WIDTH: Final = 300


class Aside(StrEnum):
    """A kind of thing that is wrong wherever it happens."""

    STDOUT = "stdout"
    ANSWERS = "answers"
    ERRORS = "errors"
    LEFT = "left"


@dataclass
class Heard:
    """Keeps asides, with the check during which each was noticed first."""

    _asides: dict[Aside, dict[str, str]] = field(default_factory=dict)

    def note(self, kind: Aside, check: str, text: str) -> None:
        """Keep one; the same again, or one too many, changes nothing."""
        known = self._asides.setdefault(kind, {})
        if len(known) < _MOST:
            known.setdefault(text[:_WIDTH], check)

    def of(self, kind: Aside) -> dict[str, str]:
        """Return texts of a kind, each with its check."""
        return dict(self._asides.get(kind, {}))
