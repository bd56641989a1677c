"""Checks of each verb: what every project has, and the project's own."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Iterator
from pathlib import Path
from typing import Final

from harmony.doctor.check import BOOK, Check
from harmony.doctor.check_context import CheckContext, DriverCheck, driver_check, refusal
from harmony.doctor.finding import WrongError, expect
from harmony.doctor.requests import expect_error
from harmony.wire import jsonrpc
from harmony.wire.driver import DriverError
from harmony.wire.driver_contract import Contract


@driver_check("hello", "again", "hello says the same whenever it is asked", why="What it says is compared at any time.")
async def _hello_again(context: CheckContext) -> None:
    probe = await context.probe()
    expect("hello, asked again", await probe.call("hello", {"timeout": 1.0}, 1.0), probe.identity)


@driver_check("health", "true", "health is true", why="It tells a slow implementation from a dead driver.")
async def _health(context: CheckContext) -> None:
    probe = await context.probe()
    expect("health", await probe.call("health", {"timeout": 1.0}, 1.0), True)


@driver_check("dump", "threads", "dump names a thread", why="When a verb hangs, this is all that a person gets to see.")
async def _dump(context: CheckContext) -> None:
    probe = await context.probe()
    if not (await probe.call("dump", {"timeout": 1.0}, 1.0))["threads"]:
        raise WrongError("threads: none, expected at least the one that answers")


def _refuses_a_deadline_in_words(verb: str) -> DriverCheck:
    async def run(context: CheckContext) -> None:
        answer = await (await context.probe()).ask(verb, {"timeout": "soon"})
        expect_error(f"{verb} with 'timeout' = 'soon'", answer, jsonrpc.INVALID_PARAMS, naming="timeout")

    why = "Every verb is typed, also those that need nothing."
    return refusal(verb, "ill-typed", f"{verb} refuses a deadline in words", why=why)(run)


COMMON: Final = (_hello_again, _health, _dump, *map(_refuses_a_deadline_in_words, ("hello", "health", "dump")))
"""Checks of the verbs that every contract has."""


async def refused(work: Awaitable[object], *codes: str) -> DriverError:
    """See that a verb is refused with one of some codes; return the refusal.

    Raises:
        WrongError: It is done, or refused with another code, or says nothing to a person.
    """
    wanted = " or ".join(map(repr, codes))
    try:
        seen = await work
    except DriverError as error:
        if error.code not in codes:
            raise WrongError(f"seen the refusal {error.code!r} ({error.message:.150}), expected {wanted}") from None
        return error
    raise WrongError(f"seen the result {seen!r:.150}, expected the refusal {wanted}")


def checks_of(driver_checks: Iterable[DriverCheck], contract: Contract, book: Path | None) -> Iterator[Check]:
    """Return each as a check of the examination, by verb in the order of the contract, those that refuse last.

    Args:
        driver_checks: The project's, and ours.
        contract: Of the project.
        book: Its documentation, if it is published.
    """
    order = {name: number for number, name in enumerate(contract.verbs)}
    for one in sorted(driver_checks, key=lambda one: (order[one.verb], not one.passes)):
        side = "passes" if one.passes else "refuses"
        yield Check(
            f"verb.{one.verb}.{side}.{one.name}",
            one.title,
            one.why,
            one.where or (f"{book}: {one.verb}" if book else f"{BOOK}#verbs"),
            one.run,
            frozenset({contract.verbs[one.verb].needs, one.needs} - {""}),
        )
