"""What a platform lacks is believed once a cell has shown it, and of nothing else than what was shown."""

from __future__ import annotations

import pytest

from harmony.model import Phase, Verdict
from harmony.verdict.events import CellFinished
from harmony.verdict.lacks import Believer, Lack, Lacks
from synthetic_results import result

FAST, LOUD, DEAF = Lack("host", "gas", "fast"), Lack("host", "gas", "loud"), Lack("guest", "wood", "fast")


def cell(number: int) -> str:
    return f"1.{number}[guest=wood,host=gas]"


def lacking(*lacks: set[Lack]) -> dict[str, Lacks]:
    return {cell(number): frozenset(one) for number, one in enumerate(lacks, 1)}


def ended(number: int, found: Verdict, verdict: Verdict = Verdict.UNSUPPORTED, **more: object) -> CellFinished:
    return result(cell(number), verdict, found=found, **more)


@pytest.mark.parametrize("found", [Verdict.FAILED, Verdict.UNSUPPORTED])
def test_a_lack_that_was_shown_is_believed(found: Verdict) -> None:
    believer = Believer(lacking({FAST}, {FAST}, {FAST, LOUD}, {LOUD}, {DEAF}))
    believer(ended(1, found))
    assert [believer.shown_by(cell(number)) for number in range(1, 7)] == ["", cell(1), cell(1), "", "", ""]


@pytest.mark.parametrize(
    "event",
    [
        ended(1, Verdict.CRASHED, Verdict.CRASHED),
        ended(1, Verdict.TIMED_OUT, Verdict.TIMED_OUT),
        ended(1, Verdict.PASSED, Verdict.UNEXPECTED_PASS),
        ended(1, Verdict.ERRORED),
        ended(1, Verdict.UNSUPPORTED, phase=Phase.RUN),
        ended(1, Verdict.FAILED, late=True),
        ended(7, Verdict.FAILED),
    ],
    ids=["crashed", "timed-out", "passed", "errored", "not-played", "late", "another"],
)
def test_nothing_else_shows_one(event: CellFinished) -> None:
    believer = Believer(lacking({FAST}, {FAST}))
    believer(event)
    assert not believer.shown_by(cell(2))


def test_of_each_lack_one_cell_is_played_first_and_all_others_last() -> None:
    first, last = Believer(lacking({FAST, LOUD}, {FAST}, {FAST}, {LOUD, DEAF})).first_and_last()
    assert first == {cell(2), cell(4)}, "what lacks more than another one shows nothing that is needed"
    assert last == {cell(1), cell(3)}
