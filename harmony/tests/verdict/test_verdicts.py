"""What each verdict means, and how a run with it ends."""

from __future__ import annotations

import pytest

from harmony.errors import ExitCode
from harmony.model import Verdict
from harmony.verdict.tally import exit_code
from harmony.verdict.verdicts import MEANINGS, gravest, is_red
from synthetic_results import result


def test_every_verdict_has_a_meaning_and_a_word_of_its_own() -> None:
    assert set(MEANINGS) == set(Verdict)
    assert len({meaning.word for meaning in MEANINGS.values()}) == len(Verdict)


def test_red_is_what_spoils_a_run() -> None:
    green = {verdict for verdict in Verdict if not is_red(verdict)}
    assert green == {Verdict.PASSED, Verdict.KNOWN_FAILURE, Verdict.UNSUPPORTED, Verdict.DEVIATES}


@pytest.mark.parametrize(
    ("verdict", "code"),
    [
        (Verdict.PASSED, 0),
        (Verdict.FAILED, 1),
        (Verdict.ERRORED, 10),
        (Verdict.CRASHED, 11),
        (Verdict.TIMED_OUT, 12),
        (Verdict.UNEXPECTED_PASS, 13),
        (Verdict.UNDEFINED, 16),
        (Verdict.AMBIGUOUS, 16),
        (Verdict.FLAKY, 17),
        (Verdict.UNSUPPORTED, 18),
        (Verdict.KNOWN_FAILURE, 0),
    ],
)
def test_each_kind_of_outcome_has_an_exit_code(verdict: Verdict, code: int) -> None:
    assert exit_code([result(verdict=verdict)]) == code


def test_the_gravest_verdict_decides() -> None:
    results = [result(f"1.{number}[a=x]", verdict) for number, verdict in enumerate(Verdict)]
    assert gravest(one.verdict for one in results) is Verdict.CRASHED
    assert exit_code(results) is ExitCode.CRASHED
    assert gravest([]) is None


def test_what_is_wrong_with_expectations_is_red_but_hides_no_failure() -> None:
    assert exit_code([result()], ["x:1: stale"]) is ExitCode.EXPECTATIONS
    assert exit_code([result(verdict=Verdict.FAILED)], ["x:1: stale"]) is ExitCode.FAILED
    assert exit_code([result()], ["x:1: stale"], 0.5) is ExitCode.EXPECTATIONS
