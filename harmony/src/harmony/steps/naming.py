"""Names that no other run uses, and that every process of one scenario derives alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from harmony.model import ScenarioStart

HOST_PID_VARIABLE = "HARMONY_HOST_PID"
FEATURE_ID_VARIABLE = "HARMONY_FEATURE_ID"
SEED_VARIABLE = "HARMONY_SEED"


@dataclass(frozen=True, slots=True)
class Naming:
    """Makes names unique per scenario run: ``<base>_<host pid>_<feature id>``.

    Attributes:
        suffix: What every name ends with, without the underscore before it.

    Example:
        >>> Naming("4711_1").name("queue")
        'queue_4711_1'
    """

    suffix: str

    def name(self, base: str) -> str:
        """Return the unique name for ``base``; the same base gives the same name in every process of the run."""
        return f"{base}_{self.suffix}"

    @classmethod
    def of_scenario(cls, start: ScenarioStart) -> Self:
        """Return the naming that belongs to a scenario run."""
        return cls(start.test_run_id)
