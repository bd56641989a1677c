"""What the roles of one scenario tell each other: plain data by role and name, wherever each of them is played."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

Values = Mapping[str, Mapping[str, Any]]


class ScenarioValues:
    """The values of one scenario. All roles that this process plays share one of these; others are told of it.

    Roles run on threads of their own, so each method is safe in any of them.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: dict[str, dict[str, Any]] = {}
        self._untold: dict[str, dict[str, Any]] = {}

    def publish(self, role: str, name: str, value: Any) -> None:
        """Keep the value of a role that is played here."""
        with self._lock:
            for kept in (self._values, self._untold):
                kept.setdefault(role, {})[name] = value

    def learn(self, values: Values) -> None:
        """Keep what others have published."""
        with self._lock:
            for role, named in values.items():
                self._values.setdefault(role, {}).update(named)

    def all(self) -> dict[str, dict[str, Any]]:
        """Return every value by role and name."""
        with self._lock:
            return {role: dict(named) for role, named in self._values.items()}

    def take_untold(self) -> dict[str, dict[str, Any]]:
        """Return what has been published here since this was asked last."""
        with self._lock:
            untold, self._untold = self._untold, {}
            return untold
