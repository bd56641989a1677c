"""What a project tells ``harmony doctor`` about its verbs: how each succeeds and fails, which wait, what they open."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harmony.doctor.check_context import Ward
from harmony.doctor.driver_probe import Patient

Run = Callable[[Ward], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Trial:
    """One case of one verb.

    Attributes:
        verb: Which.
        name: Tells it from others of its verb; a word or words with hyphens.
        passes: Whether the verb must succeed in it, or refuse.
        title: What must happen.
        why: Why it matters.
        run: Does it; raises :class:`~harmony.doctor.finding.WrongError` if something else happens.
        where: Where it is specified; the documentation of the contract by default.
        needs: Capability beyond the one that the verb needs.
    """

    verb: str
    name: str
    passes: bool
    title: str
    why: str
    run: Run
    where: str = ""
    needs: str = ""


def trial(
    verb: str, name: str, title: str, *, why: str, where: str = "", needs: str = "", passes: bool = True
) -> Callable[[Run], Trial]:
    """Make a trial of the function that runs it."""

    def made(run: Run) -> Trial:
        return Trial(verb, name, passes, title, why, run, where, needs)

    return made


def refusal(verb: str, name: str, title: str, *, why: str, where: str = "", needs: str = "") -> Callable[[Run], Trial]:
    """Make a trial, in which the verb must refuse, of the function that runs it."""
    return trial(verb, name, title, why=why, where=where, needs=needs, passes=False)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A verb in a situation in which it waits until its deadline.

    Attributes:
        verb: Which.
        code: The canonical code with which it ends then.
        prepare: Makes the situation; returns all parameters but ``timeout``.
    """

    verb: str
    code: str
    prepare: Callable[[Ward, Patient], Awaitable[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class Trials:
    """All that a project tells.

    Attributes:
        trials: Of every verb, at least one that passes and one that refuses.
        waiting: Verbs that wait; the first is used where any will do.
        hold: Opens something of every kind under names of the ward and leaves it open, as after a death of the
            driver that held it before.
        sweep: Removes what a run has left, whose names end with what it is given.
    """

    trials: Sequence[Trial] = ()
    waiting: Sequence[Waiting] = ()
    hold: Callable[[Ward, Patient], Awaitable[None]] | None = None
    sweep: Callable[[str], None] = field(default=lambda _: None)
