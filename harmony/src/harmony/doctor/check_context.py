"""Where one check has its drivers: starts them, names their objects, sees that nothing of them is left.

What a project tells about its verbs stands beside it: each knows the other.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any, Self

from harmony.doctor.driver_probe import LATE, DriverProbe
from harmony.doctor.finding import WrongError
from harmony.doctor.observations import Observation, Observations
from harmony.platform_settings import Platform
from harmony.process.child import ChildProcess, ProcessSpec, StartFailedError
from harmony.process.remains import LeakProbe, look
from harmony.project import Project
from harmony.run.pool import spec_of
from harmony.wire.driver_contract import Contract
from harmony.wire.verb import Verb

_numbers = itertools.count(1)


Run = Callable[["CheckContext"], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class DriverCheck:
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
        role: Who is asked; a platform that does not play it is not. Whoever has the verb, where none is named.
    """

    verb: str
    name: str
    passes: bool
    title: str
    why: str
    run: Run
    where: str = ""
    needs: str = ""
    role: str = ""


def driver_check(
    verb: str,
    name: str,
    title: str,
    *,
    why: str,
    where: str = "",
    needs: str = "",
    role: str = "",
    passes: bool = True,
) -> Callable[[Run], DriverCheck]:
    """Make a check of a verb from the function that runs it."""

    def made(run: Run) -> DriverCheck:
        return DriverCheck(verb, name, passes, title, why, run, where, needs, role)

    return made


def refusal(
    verb: str, name: str, title: str, *, why: str, where: str = "", needs: str = "", role: str = ""
) -> Callable[[Run], DriverCheck]:
    """Make a check in which the verb must refuse."""
    return driver_check(verb, name, title, why=why, where=where, needs=needs, role=role, passes=False)


@dataclass(frozen=True, slots=True)
class BlockingVerb:
    """A verb in a situation in which it waits until its deadline.

    Attributes:
        verb: Which.
        code: The canonical code with which it ends then.
        prepare: Makes the situation; returns all parameters but ``timeout``.
    """

    verb: str
    code: str
    prepare: Callable[[CheckContext, DriverProbe], Awaitable[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class DriverChecks:
    """All that a project tells.

    Attributes:
        checks: Of every verb, at least one that passes and one that refuses.
        blocking: Verbs that wait; the first is used where any will do.
        hold: Opens something of every kind under names of the context and leaves it open, as after a death of the
            driver that held it before.
        sweep: Removes what a run has left, whose names end with what it is given.
    """

    checks: Sequence[DriverCheck] = ()
    blocking: Sequence[BlockingVerb] = ()
    hold: Callable[[CheckContext, DriverProbe], Awaitable[None]] | None = None
    sweep: Callable[[str], None] = field(default=lambda _: None)


@dataclass
class Case:
    """What does not change from check to check.

    Attributes:
        name: Of the platform.
        platform: Its entry in the project file.
        project: Whose it is.
        contract: What its driver must keep to.
        driver_checks: What the project tells about its verbs.
        leak_probes: Name what a run has left.
        plays: The roles that are examined; whatever they are, where none is named.
        word: What names the platform on a command line: its name, with its command where that is not the project's.
        options: Of the command line, which whatever repeats a part of it needs, too.
        role: The one for which it was asked, where it was for one.
        observations: What was observed, whichever check was running.
        late: Seconds beyond a deadline after which nothing comes any more.
        claims: Capabilities that the driver claims, once it has said hello.
        who: How it introduced itself.
    """

    name: str
    platform: Platform
    project: Project
    contract: Contract
    driver_checks: DriverChecks
    leak_probes: Sequence[LeakProbe] = ()
    plays: Sequence[str] = ()
    word: str = ""
    options: Sequence[str] = ()
    role: str = ""
    observations: Observations = field(default_factory=Observations)
    late: float = LATE
    claims: frozenset[str] | None = None
    who: str = ""
    _idle: list[DriverProbe] = field(default_factory=list)

    def has(self, verb: Verb) -> bool:
        """Whether a role that is examined has a verb."""
        return self.plays_one(verb.roles)

    def plays_one(self, roles: Collection[str]) -> bool:
        """Whether one of some roles is examined; always where none is named."""
        return not roles or not self.plays or not set(roles).isdisjoint(self.plays)

    @property
    def spec(self) -> ProcessSpec:
        """How its driver is started."""
        return spec_of(self.name, self.platform, self.platform.driver_command, self.project.home)

    async def probe(self, check: str, before: Sequence[str] = ()) -> DriverProbe:
        """Give a driver that has said hello, and has made nothing yet.

        Args:
            check: Who asks.
            before: A command that starts it, instead of this process.

        Raises:
            WrongError: It cannot be started, or does not answer.
        """
        while self._idle and not before:
            probe = self._idle.pop()
            if probe.idle:
                probe.check = check
                return probe
            await probe.dispose()
        return await self._start(check, before)

    def give_back(self, probe: DriverProbe) -> None:
        """Take a driver that has made nothing; it may be given to the next check."""
        self._idle.append(probe)

    async def close(self) -> None:
        """End the drivers that nobody needs any more."""
        for probe in self._idle:
            await probe.end()
        self._idle.clear()

    def left(self, run: str) -> list[str]:
        """Name what exists of a run."""
        remains = look(self.leak_probes, run)
        return [*sorted(remains.owners), *remains.broken]

    async def _start(self, check: str, before: Sequence[str]) -> DriverProbe:
        spec = replace(self.spec, command=[*before, *self.spec.command])
        try:
            probe = DriverProbe(ChildProcess(spec), self.contract, self.observations, self.late)
        except StartFailedError as error:
            raise WrongError(error.message) from None
        probe.check = check
        try:
            await probe.introduce(self.platform.start_timeout)
        except BaseException:
            await probe.kill()
            await probe.dispose()
            raise
        if self.claims is None:
            self.claims = probe.claims
            self.who = _introduction(probe.identity)
        return probe


class CheckContext:
    """The drivers of one check, and names that nobody else has. An asynchronous context manager.

    Attributes:
        case: What does not change.
        check: The name of the check.
        run: What every name ends with, after an underscore.
    """

    def __init__(self, case: Case, check: str) -> None:
        self.case = case
        self.check = check
        self.run = f"{os.getpid()}_{60_000 + next(_numbers)}"
        self._probes: list[DriverProbe] = []

    def name(self, base: str) -> str:
        """Return a name that nobody else has."""
        return f"{base}_{self.run}"

    async def probe(self, before: Sequence[str] = ()) -> DriverProbe:
        """Start a driver, which ends with the check. See :meth:`Case.probe`."""
        probe = await self.case.probe(self.check, before)
        self._probes.append(probe)
        return probe

    def left(self) -> list[str]:
        """Name what exists of this check."""
        return self.case.left(self.run)

    async def __aenter__(self) -> Self:
        """Begin."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End every driver that has made anything; note what is left although all ended in order, and remove it."""
        if error is None and all(probe.idle for probe in self._probes) and not self.left():
            for probe in self._probes:
                self.case.give_back(probe)
            return
        in_order = bool(self._probes)
        for probe in self._probes:
            probe.child.close_input()
        for probe in self._probes:
            if not await probe.ended() or "exited" not in probe.child.how_it_ended():
                in_order = False
            await probe.dispose()
        if in_order:
            for thing in self.left():
                self.case.observations.note(
                    Observation.LEFT, self.check, f"{_generic(thing, self.run)} is left by a driver that ended in order"
                )
        self.case.driver_checks.sweep(f"_{self.run}")


def _generic(thing: str, run: str) -> str:
    return thing.replace(run, "…")


def _introduction(identity: object) -> str:
    if not isinstance(identity, dict):
        return ""
    return " ".join(str(identity[key]) for key in ("implementation", "version", "language") if key in identity)
