"""Checks of numbers under which nothing is open, of every verb that takes one."""

from __future__ import annotations

from typing import Any, Final

from harmony.doctor import CheckContext, DriverCheck, expect, expect_error, fitting, refusal, refused
from harmony.wire import DRIVER_ERROR, ErrorResponse, Verb
from step_definitions.driver_checks.fixtures import SHORT, Line, ramp_of
from step_definitions.port import CONTRACT

_NUMBERS: Final = frozenset({"handle", "slot", "frame", "source", "target"})
_NOTHING: Final = 999_999


def _of(verb: Verb, keys: frozenset[str]) -> DriverCheck:
    async def run(context: CheckContext) -> None:
        numbers: dict[str, Any] = dict.fromkeys(keys, _NOTHING)
        params = {**fitting(verb, "any"), **numbers, "timeout": 1.0}
        answer = await (await context.probe()).ask(verb.name, params)
        what = f"{verb.name} of the number {_NOTHING}"
        expect_error(what, answer, DRIVER_ERROR)
        data = answer.data if isinstance(answer, ErrorResponse) and isinstance(answer.data, dict) else {}
        expect(f"the code of {what}", data.get("code"), "closed")

    why = "What was closed, and what belongs to a driver that died, must be told from what fails."
    return refusal(verb.name, "no-such-number", "a number under which nothing is open is refused", why=why)(run)


@refusal(
    "read", "other-kind", "a writer is not read from", why="A number is of one kind; mistaken, it is a step's slip."
)
async def _read_from_a_writer(context: CheckContext) -> None:
    line = await Line.open(context)
    await refused(line.driver.read(line.writer, timeout=SHORT), "closed")


@refusal(
    "write", "other-kind", "a reader is not written to", why="A number is of one kind; mistaken, it is a step's slip."
)
async def _write_to_a_reader(context: CheckContext) -> None:
    line = await Line.open(context)
    await refused(line.driver.write(line.reader, ramp_of(10)), "closed")


@refusal(
    "commit", "other-kind", "a writer is not committed", why="A number is of one kind; mistaken, it is a step's slip."
)
async def _commit_a_writer(context: CheckContext) -> None:
    line = await Line.open(context)
    await refused(line.driver.commit(line.writer), "closed")


CHECKS: Final = (
    *(_of(verb, keys) for verb in CONTRACT.verbs.values() if (keys := _NUMBERS & set(verb.parameters))),
    *(_read_from_a_writer, _write_to_a_reader, _commit_a_writer),
)
