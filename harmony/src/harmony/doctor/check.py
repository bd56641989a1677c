"""What a check is. Pure."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from harmony.doctor.check_context import CheckContext

BOOK: Final = "harmony/docs/doctor.md"
"""Where the rules stand that every driver of every project keeps."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must be so.

    Attributes:
        id: Stable name, such as ``handshake.layout``.
        title: What must be so.
        why: Why it matters.
        where: Where it is specified.
        run: Sees whether it is; raises :class:`~harmony.doctor.finding.WrongError` if not.
        needs: Capabilities without which it is not asked for.
        fatal: Whether nothing else can be examined if it is not so.
        alone: Whether no other may run beside it.
        limit: Seconds after which it is wrong, whatever it waits for.
    """

    id: str
    title: str
    why: str
    where: str
    run: Callable[[CheckContext], Awaitable[None]]
    needs: frozenset[str] = frozenset()
    fatal: bool = False
    alone: bool = False
    limit: float = 90.0

    def is_named(self, word: str) -> bool:
        """Say whether a word names it: its id, the beginning of its id up to a point, or a pattern."""
        return self.id == word or self.id.startswith(f"{word}.") or fnmatchcase(self.id, word)
