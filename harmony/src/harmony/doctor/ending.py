"""Checks of the end: by closed stdin, by SIGTERM, by the parent's death, by SIGKILL."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack, closing
from typing import Final

from harmony.doctor.check import BOOK, Check
from harmony.doctor.check_context import Ward
from harmony.doctor.driver_probe import Patient, request
from harmony.doctor.finding import NotRunError, WrongError
from harmony.process.system import Watch
from harmony.process.this_system import SYSTEM

_FOR_EVER: Final = 60.0
# A parent that starts the driver on its own pipes, and does nothing but wait: those who hold the pipes live on.
_PARENT: Final = "import subprocess, sys; subprocess.Popen(sys.argv[1:]).wait()"


async def _hold(ward: Ward, patient: Patient) -> None:
    if ward.case.trials.hold is None:
        raise NotRunError("the project tells of nothing that can be held (driver.trials)")
    await ward.case.trials.hold(ward, patient)


def _close_stdin(patient: Patient) -> None:
    patient.child.close_input()


def _terminate(patient: Patient) -> None:
    patient.child.signal(signal.SIGTERM)


def _ends(ask: Callable[[Patient], None], what: str, *, waiting: bool) -> Callable[[Ward], Awaitable[None]]:
    async def run(ward: Ward) -> None:
        patient = await ward.patient()
        await _hold(ward, patient)
        with ExitStack() as stack:
            if waiting:
                await _have_wait(ward, patient, stack)
            ask(patient)
            lines = []
            if not await patient.ended():
                lines.append(f"{patient.late:g} s after {what} it was still running, expected an end within a second")
            elif patient.child.how_it_ended() != "exited with code 0":
                lines.append(f"after {what} it {patient.child.how_it_ended()}, expected an exit with code 0")
                lines += patient.child.stderr.lines(6)
            lines += [f"after {what} there is still {thing}" for thing in ward.left()]
        if lines:
            ward.case.trials.sweep(f"_{ward.run}")
            raise WrongError(*lines)

    return run


async def _have_wait(ward: Ward, patient: Patient, stack: ExitStack) -> None:
    """Have every verb wait that can; return once the driver has certainly begun with them."""
    waitings = [one for one in ward.case.trials.waiting if _claimed(ward, one.verb)]
    if not waitings:
        raise NotRunError("the project tells of no verb that waits (driver.trials)")
    for waiting in waitings:
        params = await waiting.prepare(ward, patient)
        number = patient.next_id()
        stack.enter_context(patient.expecting(number))
        await patient.send(request(number, waiting.verb, {**params, "timeout": _FOR_EVER}))
    await patient.ask("health", {"timeout": 1.0})


def _claimed(ward: Ward, verb: str) -> bool:
    needs = ward.case.contract.verbs[verb].needs
    return not needs or needs in (ward.case.claims or ())


async def _dies_with_its_parent(ward: Ward) -> None:
    patient = await ward.patient([sys.executable, "-I", "-S", "-c", _PARENT])
    await _hold(ward, patient)
    family = [pid for pid in await asyncio.to_thread(patient.child.family) if pid != patient.pid]
    with ExitStack() as stack:
        watches = [stack.enter_context(closing(SYSTEM.watch(pid))) for pid in family]
        await patient.kill()
        outlived = await asyncio.to_thread(_still_alive, watches, patient.late)
    if outlived:
        raise WrongError(
            f"{patient.late:g} s after its parent was killed it was still running, though its pipes are open"
        )


def _still_alive(watches: Sequence[Watch], patience: float) -> int:
    deadline = time.monotonic() + patience
    return sum(not watch.ended(max(0.0, deadline - time.monotonic())) for watch in watches)


async def _leaves_to_its_heir(ward: Ward) -> None:
    first = await ward.patient()
    await _hold(ward, first)
    await first.kill()
    try:
        await _hold(ward, await ward.patient())
    except Exception as error:
        raise WrongError(
            f"after SIGKILL another driver cannot open what the first one held: {error}",
            "expected that it takes it over",
        ) from error


def _ending(name: str, ask: Callable[[Patient], None], what: str) -> tuple[Check, Check]:
    return (
        Check(
            f"end.{name}",
            f"after {what} it releases everything and exits with code 0, within a second",
            "This is how every scenario ends; what does not end has to be killed, and leaves its objects behind.",
            f"{BOOK}#end",
            _ends(ask, what, waiting=False),
        ),
        Check(
            f"end.{name}-waiting",
            f"after {what} it ends also while verbs wait",
            "A scenario that has failed ends in the middle of something.",
            f"{BOOK}#end",
            _ends(ask, what, waiting=True),
        ),
    )


CHECKS: Final = (
    *_ending("stdin", _close_stdin, "its stdin was closed"),
    *_ending("sigterm", _terminate, "SIGTERM"),
    Check(
        "end.parent",
        "it dies with its parent, whoever holds its pipes",
        "When the harness itself is killed, nobody else is there to end its drivers.",
        f"{BOOK}#end",
        _dies_with_its_parent,
    ),
    Check(
        "end.killed",
        "what it held when it was killed can be taken over",
        "Scenarios kill processes; whoever comes next must be able to use the name again.",
        f"{BOOK}#end",
        _leaves_to_its_heir,
    ),
)
