"""What a scenario asks of who plays in it: ``@express`` of all roles, ``@sender:express`` of one. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Asked:
    """A capability that a scenario asks for.

    Attributes:
        capability: Which.
        role: Of whom; of all roles if there is none.
    """

    capability: str
    role: str = ""

    def of(self, role: str) -> bool:
        """Whether it is asked of a role."""
        return self.role in {"", role}

    def __str__(self) -> str:
        """Return it as the tag says it."""
        return f"{self.role}:{self.capability}" if self.role else self.capability


def asked(tags: Iterable[str], capabilities: Collection[str]) -> list[Asked]:
    """Return what the tags of a scenario ask for.

    Args:
        tags: Of the scenario.
        capabilities: Those of the project.
    """
    found: list[Asked] = []
    for tag in tags:
        role, colon, name = tag.rpartition(":")
        if name in capabilities and bool(role) == bool(colon):
            found.append(Asked(name, role.lower()))
    return found


def tags_of(capabilities: Iterable[str], roles: Collection[str]) -> dict[str, str]:
    """Return the tags that ask one role for a capability, and what they mean."""
    return {f"{role}:{name}": f"asks {role} alone for {name}" for name in capabilities for role in roles or ("*",)}
