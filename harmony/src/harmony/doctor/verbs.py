"""Checks of each verb: what every project has, and the project's own trials."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Iterator
from pathlib import Path
from typing import Final

from harmony.doctor.check import BOOK, Check
from harmony.doctor.check_context import Ward
from harmony.doctor.finding import WrongError, expect
from harmony.doctor.requests import expect_error
from harmony.doctor.trial import Trial, refusal, trial
from harmony.wire import jsonrpc
from harmony.wire.driver import DriverError
from harmony.wire.driver_contract import Contract


@trial("hello", "again", "hello says the same whenever it is asked", why="What it says is compared at any time.")
async def _hello_again(ward: Ward) -> None:
    patient = await ward.patient()
    expect("hello, asked again", await patient.call("hello", {"timeout": 1.0}, 1.0), patient.identity)


@trial("health", "true", "health is true", why="It tells a slow implementation from a dead driver.")
async def _health(ward: Ward) -> None:
    patient = await ward.patient()
    expect("health", await patient.call("health", {"timeout": 1.0}, 1.0), True)


@trial("dump", "threads", "dump names a thread", why="When a verb hangs, this is all that a person gets to see.")
async def _dump(ward: Ward) -> None:
    patient = await ward.patient()
    if not (await patient.call("dump", {"timeout": 1.0}, 1.0))["threads"]:
        raise WrongError("threads: none, expected at least the one that answers")


def _refuses_a_deadline_in_words(verb: str) -> Trial:
    async def run(ward: Ward) -> None:
        answer = await (await ward.patient()).ask(verb, {"timeout": "soon"})
        expect_error(f"{verb} with 'timeout' = 'soon'", answer, jsonrpc.INVALID_PARAMS, naming="timeout")

    why = "Every verb is typed, also those that need nothing."
    return refusal(verb, "ill-typed", f"{verb} refuses a deadline in words", why=why)(run)


COMMON: Final = (_hello_again, _health, _dump, *map(_refuses_a_deadline_in_words, ("hello", "health", "dump")))
"""Trials of the verbs that every contract has."""


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


def checks_of(trials: Iterable[Trial], contract: Contract, book: Path | None) -> Iterator[Check]:
    """Return the check of each trial, by verb in the order of the contract, those that refuse last.

    Args:
        trials: The project's, and ours.
        contract: Of the project.
        book: Its documentation, if it is published.
    """
    order = {name: number for number, name in enumerate(contract.verbs)}
    for one in sorted(trials, key=lambda one: (order[one.verb], not one.passes)):
        side = "passes" if one.passes else "refuses"
        yield Check(
            f"verb.{one.verb}.{side}.{one.name}",
            one.title,
            one.why,
            one.where or (f"{book}: {one.verb}" if book else f"{BOOK}#verbs"),
            one.run,
            frozenset({contract.verbs[one.verb].needs, one.needs} - {""}),
        )
