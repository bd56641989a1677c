"""Gates: what the numbers of a project must reach at its stage, and what is known of them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from harmony.config import GateSettings

STAGES: Final[Mapping[str, Mapping[str, float]]] = {
    "development": {"coverage": 0.70, "mutation": 0.75, "pass_rate": 1.0},
    "staging": {"coverage": 0.80, "mutation": 0.80, "pass_rate": 1.0},
    "production": {"coverage": 0.85, "mutation": 0.85, "pass_rate": 1.0},
}
"""What each number must be at least, where a project says nothing else."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a number.

    Attributes:
        value: It; absent if nobody knows.
        why: Where it comes from, or why nobody knows.
    """

    value: float | None
    why: str


@dataclass(frozen=True, slots=True)
class Gate:
    """A number that is asked for.

    Attributes:
        name: Its key in the project file.
        wanted: What it must be at least; 0 asks for nothing.
        known: What is known of it.
    """

    name: str
    wanted: float
    known: Known

    @property
    def met(self) -> bool:
        """Whether it is reached; what nobody knows is not."""
        return not self.wanted or (self.known.value is not None and self.known.value >= self.wanted)

    def __str__(self) -> str:
        """Return it as a line for a person."""
        if not self.wanted:
            return f"{self.name:<9}  not asked for"
        value = "unknown" if self.known.value is None else f"{self.known.value:.4f}"
        word = "met" if self.met else "UNKNOWN" if self.known.value is None else "TOO LOW"
        return f"{self.name:<9}  {value:<7}  at least {self.wanted:g}: {word}  ({self.known.why})"


def gates(settings: GateSettings, known: Mapping[str, Known]) -> list[Gate]:
    """Return what is asked for, of the stage and by the project itself.

    Args:
        settings: What the project asks for.
        known: What is known of each number.
    """
    of_stage = STAGES.get(settings.stage, {})
    asked = {name: getattr(settings, name) for name in known}
    wanted = {name: of_stage.get(name) if own is None else own for name, own in asked.items()}
    return [Gate(name, number, known[name]) for name, number in wanted.items() if number is not None]
