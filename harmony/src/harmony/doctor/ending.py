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
from harmony.doctor.check_context import CheckContext
from harmony.doctor.driver_probe import DriverProbe, request
from harmony.doctor.finding import NotToldError, WrongError
from harmony.process.system import Watch
from harmony.process.this_system import SYSTEM
from harmony.wire.verb import DEFAULT_TIMEOUT

_FOR_EVER: Final = 60.0
# A parent that starts the driver on its own pipes, and does nothing but wait: those who hold the pipes live on.
_PARENT: Final = "import subprocess, sys; subprocess.Popen(sys.argv[1:]).wait()"


async def _hold(context: CheckContext, probe: DriverProbe) -> None:
    if context.case.driver_checks.hold is None:
        raise NotToldError("the project tells of nothing that can be held (driver.checks)")
    await context.case.driver_checks.hold(context, probe)


def _close_stdin(probe: DriverProbe) -> None:
    probe.child.close_input()


def _terminate(probe: DriverProbe) -> None:
    probe.child.signal(signal.SIGTERM)


def _ends(ask: Callable[[DriverProbe], None], what: str, *, waiting: bool) -> Callable[[CheckContext], Awaitable[None]]:
    async def run(context: CheckContext) -> None:
        probe = await context.probe()
        await _hold(context, probe)
        with ExitStack() as stack:
            if waiting:
                await _have_wait(context, probe, stack)
            ask(probe)
            lines = []
            if not await probe.ended():
                lines.append(f"{probe.late:g} s after {what} it was still running, expected an end within a second")
            elif probe.child.how_it_ended() != "exited with code 0":
                lines.append(f"after {what} it {probe.child.how_it_ended()}, expected an exit with code 0")
                lines += probe.child.stderr.lines(6)
            lines += [f"after {what} there is still {thing}" for thing in context.left()]
        if lines:
            context.case.driver_checks.sweep(f"_{context.run}")
            raise WrongError(*lines)

    return run


async def _have_wait(context: CheckContext, probe: DriverProbe, stack: ExitStack) -> None:
    """Have every verb wait that can; return once the driver has certainly begun with them."""
    blocking_verbs = [one for one in context.case.driver_checks.blocking if _claimed(context, one.verb)]
    if not blocking_verbs:
        raise NotToldError("the project tells of no verb that waits (driver.checks)")
    for blocking in blocking_verbs:
        params = await blocking.prepare(context, probe)
        number = probe.next_id()
        stack.enter_context(probe.expecting(number))
        await probe.send(request(number, blocking.verb, {**params, "timeout": _FOR_EVER}))
    await probe.ask("health", {"timeout": 1.0})


def _claimed(context: CheckContext, verb: str) -> bool:
    needs = context.case.contract.verbs[verb].needs
    return not needs or needs in (context.case.claims or ())


async def _dies_with_its_parent(context: CheckContext) -> None:
    probe = await context.probe([sys.executable, "-I", "-S", "-c", _PARENT])
    await _hold(context, probe)
    family = [pid for pid in await asyncio.to_thread(probe.child.family) if pid != probe.pid]
    with ExitStack() as stack:
        watches = [stack.enter_context(closing(SYSTEM.watch(pid))) for pid in family]
        await probe.kill()
        outlived = await asyncio.to_thread(_still_alive, watches, probe.late)
    if outlived:
        raise WrongError(
            f"{probe.late:g} s after its parent was killed it was still running, though its pipes are open"
        )


def _still_alive(watches: Sequence[Watch], patience: float) -> int:
    deadline = time.monotonic() + patience
    return sum(not watch.ended(max(0.0, deadline - time.monotonic())) for watch in watches)


async def _leaves_to_its_heir(context: CheckContext) -> None:
    first = await context.probe()
    await _hold(context, first)
    await first.kill()
    try:
        await _hold(context, await context.probe())
    except Exception as error:
        raise WrongError(
            f"after SIGKILL another driver cannot open what the first one held: {error}",
            "expected that it takes it over",
        ) from error


def _ending(name: str, ask: Callable[[DriverProbe], None], what: str) -> tuple[Check, Check]:
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


def of_reset(verb: str) -> Check:
    """Return the check of a driver that plays one scenario after the other.

    Args:
        verb: What it is asked between them.
    """

    async def run(context: CheckContext) -> None:
        probe = await context.probe()
        hold = context.case.driver_checks.hold
        for _ in range(2):
            if hold is not None:
                await hold(context, probe)
            await probe.call(verb, {"timeout": DEFAULT_TIMEOUT}, DEFAULT_TIMEOUT)
            if left := context.left():
                raise WrongError(*(f"after {verb} there is still {thing}" for thing in left))

    return Check(
        "end.reset",
        f"after {verb} it holds nothing, and goes on",
        'Its platform has lifetime = "session": what stays from one scenario makes the next one wrong.',
        f"{BOOK}#end",
        run,
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
