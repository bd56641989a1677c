"""Names that no other run uses, and that every process of one scenario derives alike."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
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
    """

    suffix: str

    def name(self, base: str) -> str:
        """Return the unique name for ``base``; the same base gives the same name in every process of the run."""
        return f"{base}_{self.suffix}"

    @classmethod
    def of_scenario(cls, start: ScenarioStart) -> Self:
        """Return the naming that belongs to a scenario run."""
        return cls(start.test_run_id)

    @classmethod
    def of_environment(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Return the naming that a step worker derives from its environment.

        Without both variables, or if one is not a number, names are made from this process and this moment.

        Args:
            environment: Variables to read; those of this process by default.
        """
        variables = os.environ if environment is None else environment
        host_pid = variables.get(HOST_PID_VARIABLE, "")
        feature_id = variables.get(FEATURE_ID_VARIABLE, "")
        if host_pid.isdecimal() and feature_id.isdecimal():
            return cls(f"{host_pid}_{feature_id}")
        return cls(f"{os.getpid()}_{time.time_ns()}")
