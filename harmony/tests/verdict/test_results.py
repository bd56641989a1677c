"""All results together."""

from __future__ import annotations

import random

import pytest

from harmony.errors import ConfigurationError, ExitCode
from harmony.model import Verdict
from harmony.verdict.events import Event, RunPlanned
from harmony.verdict.tally import combined, counts, exit_code, natural_order, pass_rate, whole_plan
from synthetic_results import many, result


def test_the_order_of_the_run_does_not_matter() -> None:
    results = many(12, 2)
    shuffled = random.Random(5).sample(results, len(results))
    assert combined(shuffled) == combined(results)
    assert [one.cell for one in combined(results)] == sorted((one.cell for one in results), key=natural_order)
    assert natural_order("1.10") > natural_order("1.9")


@pytest.mark.parametrize(
    ("runs", "verdict"),
    [
        ([Verdict.PASSED, Verdict.FAILED], Verdict.FLAKY),
        ([Verdict.CRASHED, Verdict.PASSED, Verdict.PASSED], Verdict.FLAKY),
        ([Verdict.FAILED, Verdict.CRASHED], Verdict.CRASHED),
        ([Verdict.PASSED, Verdict.PASSED], Verdict.PASSED),
        ([Verdict.PASSED, Verdict.UNSUPPORTED], Verdict.UNSUPPORTED),
    ],
)
def test_a_cell_that_ran_twice_counts_once_and_disagreeing_is_flaky(runs: list[Verdict], verdict: Verdict) -> None:
    (one,) = combined([result(verdict=seen) for seen in runs])
    assert one.verdict is verdict


def test_a_late_verdict_replaces_the_one_before_it() -> None:
    for order in (1, -1):
        runs = [result(), result(verdict=Verdict.CRASHED, late=True)][::order]
        assert [one.verdict for one in combined(runs)] == [Verdict.CRASHED]


def test_unsupported_counts_neither_as_passed_nor_as_failed() -> None:
    passed, refused = result("1.1[a=x]"), result("1.2[a=x]", Verdict.UNSUPPORTED)
    known, failed = result("1.3[a=x]", Verdict.KNOWN_FAILURE), result("1.4[a=x]", Verdict.FAILED)
    assert pass_rate([passed, refused]) == 1.0
    assert pass_rate([refused]) == 0.0
    assert pass_rate([]) == 0.0
    assert pass_rate([passed, known]) == 0.5
    assert pass_rate([passed, result("1.5[a=x]", Verdict.DEVIATES)]) == 1.0
    assert pass_rate([passed, passed, passed, failed]) == 0.75
    assert counts([passed, refused, refused]) == {"passed": 1, "unsupported": 2}


def test_a_run_in_which_nothing_passed_because_nothing_is_supported_is_no_success() -> None:
    refused = result(verdict=Verdict.UNSUPPORTED)
    assert exit_code([refused]) is ExitCode.ONLY_UNSUPPORTED
    assert exit_code([refused], min_pass_rate=0.1) is ExitCode.PASS_RATE
    assert exit_code([refused, result("1.2[a=x]")]) is ExitCode.OK


@pytest.mark.parametrize(("rate", "code"), [(0.75, 0), (0.76, 15), (0.1, 0), (1.0, 15)])
def test_the_pass_rate_forgives_up_to_it_and_no_further(rate: float, code: int) -> None:
    results = [result(f"1.{number}[a=x]") for number in range(3)] + [result("1.9[a=x]", Verdict.CRASHED)]
    assert exit_code(results, min_pass_rate=rate) == code


def _plan(of: int, digest: str = "d", part: int = 1, division: str = "x") -> RunPlanned:
    return RunPlanned(cells=1, of=of, digest=digest, shard=f"{part}/2", division=division)


def test_shards_together_are_whole_only_if_every_cell_has_a_result() -> None:
    one: list[Event] = [_plan(2), result("1.1[a=x]")]
    other: list[Event] = [_plan(2, part=2), result("1.2[a=x]")]
    absent = "there is no file of shard 2/2"
    assert whole_plan({"one": one, "other": other})[1] == []
    assert whole_plan({"one": one})[1] == [absent, "1 of 2 cells have no result"]
    assert whole_plan({"one": one, "other": [result("1.2[a=x]")]})[1] == [
        "other: the run was not planned to its end",
        absent,
    ]


@pytest.mark.parametrize(
    ("digest", "division", "way_out"),
    [("e", "y", "the same words and options"), ("d", "y", "harmony plan --shards")],
    ids=["other cells", "divided otherwise"],
)
def test_parts_of_different_plans_are_named(digest: str, division: str, way_out: str) -> None:
    parts = {
        "one": [_plan(2), result("1.1[a=x]")],
        "two": [_plan(2, part=2), result("1.2[a=x]")],
        "odd": [_plan(2, digest, 2, division), result("1.2[a=x]")],
    }
    told = "different plans: one, two: plan x of 2 cells; odd: plan y of 2 cells"
    with pytest.raises(ConfigurationError, match=told) as caught:
        whole_plan(parts)
    assert way_out in caught.value.hint
