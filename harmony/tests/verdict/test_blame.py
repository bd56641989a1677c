"""A red run is told by its causes, and by who is always in them."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmony.model import Verdict
from harmony.verdict.blame import blame, causes, verdicts, without_values
from harmony.verdict.events import CellFinished
from synthetic_results import many, result

KITCHEN = ("gas", "stove", "wood")


def matrix(broken: Callable[[int, str, str], str], verdict: Verdict = Verdict.FAILED) -> list[CellFinished]:
    """Return ten scenarios of a host and a guest in a kitchen; what is said of a cell breaks it."""
    cells = []
    for number, host, guest in itertools.product(range(1, 11), KITCHEN, KITCHEN):
        error = broken(number, host, guest)
        key = f"1.{number}[guest={guest},host={host}]"
        cells.append(result(key, verdict if error else Verdict.PASSED, **({"error": error} if error else {})))
    return cells


def test_one_cause_is_one_group_whatever_its_numbers_names_and_addresses() -> None:
    def broken(number: int, host: str, guest: str) -> str:
        return f"dry: {host} has {number}.5 cups of 'pot_{number}_{guest}' at 0x{number:x}" if host == "gas" else ""

    (one,) = blame(matrix(broken))
    (cause,) = one.causes
    assert one.who == ("host=gas",)
    assert (len(cause.cells), one.of) == (30, 30)
    assert cause.first.cell == "1.1[guest=gas,host=gas]"


def test_two_causes_of_one_platform_are_told_together_the_larger_first() -> None:
    def broken(number: int, host: str, _guest: str) -> str:
        return "" if host != "gas" or number == 1 else "out of gas" if number < 9 else "the lid is off"

    (one,) = blame(matrix(broken))
    assert one.who == ("host=gas",)
    assert [(cause.text, len(cause.cells)) for cause in one.causes] == [("out of (another)", 21), ("the lid is off", 6)]
    assert one.of == 30, "three cells with it passed"


def test_a_platform_that_is_broken_in_any_role_is_named_alone() -> None:
    (one,) = blame(matrix(lambda _, host, guest: "cold" if "wood" in {host, guest} else ""))
    assert one.who == ("wood",)


def test_a_scenario_that_nobody_passes_is_named() -> None:
    (one,) = blame(matrix(lambda number, _host, _guest: "cold" if number == 7 else ""))
    assert one.who == ("scenario 1.7",)


def test_different_verdicts_and_codes_are_different_causes() -> None:
    cells = [
        result("1.1[host=gas]", Verdict.FAILED, error="cold", code="dry"),
        result("1.2[host=gas]", Verdict.FAILED, error="cold", code="wet"),
        result("1.3[host=gas]", Verdict.TIMED_OUT, error="cold", code="wet"),
    ]
    assert len(causes(cells)) == 3
    assert verdicts(cells) == "1 timed-out, 2 failed"


def test_what_did_not_run_is_no_first_cause() -> None:
    cells = [result(f"1.{number}[host=gas]", Verdict.NOT_RUN, error="gas stopped") for number in range(2, 9)]
    (one,) = blame([*cells, result("1.1[host=gas]", Verdict.TIMED_OUT), result("1.1[host=wood]")])
    assert one.who == ("host=gas",)
    assert [cause.verdict for cause in one.causes] == [Verdict.TIMED_OUT, Verdict.NOT_RUN]


def test_who_is_in_every_cell_of_the_run_is_blamed_for_nothing() -> None:
    (one,) = blame([result("1.1[host=gas]", Verdict.FAILED), result("1.2[host=gas]", Verdict.FAILED)])
    assert one.who == ()


def test_a_green_run_blames_nobody() -> None:
    assert blame([result()]) == []
    assert blame([]) == []


def test_every_red_cell_is_in_one_group_whatever_the_order() -> None:
    cells = many(12, 4, broken_every=3)
    groups = blame(cells)
    told = [cell.cell for one in groups for cell in one.cells]
    assert len(told) == len(set(told)) == sum(len(one.cells) for one in causes(cells))
    assert blame(reversed(cells)) == groups


@given(st.integers(0, 10**9), st.floats(0, 1e9), st.text("abcdef0123456789", min_size=1))
def test_values_do_not_make_a_cause(number: int, share: float, name: str) -> None:
    def said(*values: object) -> str:
        return without_values("{} of {:.3f} cups in 'pot {}' at 0x{:x}, account_{}_7".format(*values))

    assert said(number, share, name, number, number) == said(1, 2.0, "x", 10, 3)


@pytest.mark.parametrize(("one", "other"), [("it isn't warm", "it isn't cold"), ("cup of tea", "cup of ice")])
def test_other_words_make_another_cause(one: str, other: str) -> None:
    assert without_values(one) != without_values(other)
