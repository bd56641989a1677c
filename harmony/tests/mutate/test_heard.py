"""What is kept of a trial: the cells that show a fault."""

from __future__ import annotations

import pytest

from harmony.model import Verdict
from harmony.mutate.trial import Heard
from harmony.verdict.events import RunFinished, RunPlanned
from synthetic_results import result


@pytest.mark.parametrize(("faulty", "found"), [(False, []), (True, ["1.1[solo=tin]"])])
def test_a_deviation_of_any_level_shows_a_fault_and_says_nothing_before_there_is_one(
    faulty: bool, found: list[str]
) -> None:
    """A fault whose only trace is a deviation from a should would be told as one that no scenario finds."""
    heard = Heard(faulty=faulty)
    for event in (
        RunPlanned(cells=2, of=2, digest=""),
        result("1.1[solo=tin]", Verdict.DEVIATES),
        result("1.2[solo=tin]"),
        RunFinished(verdicts={}, exit_code=0, seconds=1.0),
    ):
        heard(event)
    shown = heard.shown(0, {"tin"}, 2, "")
    assert ([one.cell for one in shown.red], shown.trouble) == (found, "")
