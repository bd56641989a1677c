"""Where one check has its patients: starts them, names their objects, sees that nothing of them is left."""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from harmony.config import Platform
from harmony.doctor.driver_probe import LATE, Patient
from harmony.doctor.finding import WrongError
from harmony.doctor.observations import Aside, Heard
from harmony.process.child import ChildProcess, ProcessSpec, StartFailedError
from harmony.process.resources import LeakProbe
from harmony.project import Project
from harmony.run.pool import filled_in, with_program
from harmony.wire.driver_contract import Contract

if TYPE_CHECKING:
    from harmony.doctor.trial import Trials

_numbers = itertools.count(1)


@dataclass
class Case:
    """What does not change from check to check.

    Attributes:
        name: Of the platform.
        platform: Its entry in the project file.
        project: Whose it is.
        contract: What its driver must keep to.
        trials: What the project tells about its verbs.
        probes: Name what a run has left.
        overrides: Settings from the command line, which the scenario needs, too.
        heard: What was noticed aside.
        late: Seconds beyond a deadline after which nothing comes any more.
        claims: Capabilities that the driver claims, once it has said hello.
        who: How it introduced itself.
    """

    name: str
    platform: Platform
    project: Project
    contract: Contract
    trials: Trials
    probes: Sequence[LeakProbe] = ()
    overrides: Sequence[str] = ()
    heard: Heard = field(default_factory=Heard)
    late: float = LATE
    claims: frozenset[str] | None = None
    who: str = ""
    _idle: list[Patient] = field(default_factory=list)

    @property
    def directory(self) -> Path:
        """Where the driver is started."""
        return self.project.root / self.platform.directory

    @property
    def command(self) -> list[str]:
        """How it is started."""
        return with_program(filled_in(self.platform.driver_command, self.project.root), self.directory)

    async def patient(self, check: str, before: Sequence[str] = ()) -> Patient:
        """Give a driver that has said hello, and has made nothing yet.

        Args:
            check: Who asks.
            before: A command that starts it, instead of this process.

        Raises:
            WrongError: It cannot be started, or does not answer.
        """
        while self._idle and not before:
            patient = self._idle.pop()
            if patient.idle:
                patient.check = check
                return patient
            await patient.discharge()
        return await self._start(check, before)

    def give_back(self, patient: Patient) -> None:
        """Take a driver that has made nothing; it may be given to the next check."""
        self._idle.append(patient)

    async def close(self) -> None:
        """End the drivers that nobody needs any more."""
        for patient in self._idle:
            await patient.end()
        self._idle.clear()

    def left(self, run: str) -> list[str]:
        """Name what exists of a run."""
        return sorted({thing for probe in self.probes for thing in probe(run)})

    async def _start(self, check: str, before: Sequence[str]) -> Patient:
        environment = dict(self.platform.environment)
        spec = ProcessSpec(self.name, [*before, *self.command], self.directory, environment)
        try:
            patient = Patient(ChildProcess(spec), self.contract, self.heard, self.late)
        except StartFailedError as error:
            raise WrongError(error.message) from None
        patient.check = check
        try:
            await patient.introduce(self.platform.start_timeout)
        except BaseException:
            await patient.kill()
            await patient.discharge()
            raise
        if self.claims is None:
            self.claims = patient.claims
            self.who = _introduction(patient.identity)
        return patient


class Ward:
    """The patients of one check, and names that nobody else has. An asynchronous context manager.

    Attributes:
        case: What does not change.
        check: The name of the check.
        run: What every name ends with, after an underscore.
    """

    def __init__(self, case: Case, check: str) -> None:
        self.case = case
        self.check = check
        self.run = f"{os.getpid()}_{60_000 + next(_numbers)}"
        self._patients: list[Patient] = []

    def name(self, base: str) -> str:
        """Return a name that nobody else has."""
        return f"{base}_{self.run}"

    async def patient(self, before: Sequence[str] = ()) -> Patient:
        """Start a driver, which ends with the check. See :meth:`Case.patient`."""
        patient = await self.case.patient(self.check, before)
        self._patients.append(patient)
        return patient

    def left(self) -> list[str]:
        """Name what exists of this check."""
        return self.case.left(self.run)

    async def __aenter__(self) -> Self:
        """Begin."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End every patient that has made anything; note what is left although all ended in order, and remove it."""
        if error is None and all(patient.idle for patient in self._patients) and not self.left():
            for patient in self._patients:
                self.case.give_back(patient)
            return
        in_order = bool(self._patients)
        for patient in self._patients:
            patient.child.close_input()
        for patient in self._patients:
            if not await patient.ended() or "exited" not in patient.child.how_it_ended():
                in_order = False
            await patient.discharge()
        if in_order:
            for thing in self.left():
                self.case.heard.note(
                    Aside.LEFT, self.check, f"{_generic(thing, self.run)} is left by a driver that ended in order"
                )
        self.case.trials.sweep(f"_{self.run}")


def _generic(thing: str, run: str) -> str:
    return thing.replace(run, "…")


def _introduction(identity: object) -> str:
    if not isinstance(identity, dict):
        return ""
    return " ".join(str(identity[key]) for key in ("implementation", "version", "language") if key in identity)
