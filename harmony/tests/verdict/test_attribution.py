"""Whose deviation it is, of three roles and more."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmony.model import Verdict
from harmony.plan.pairing import Pairing, pairwise
from harmony.verdict.attribution import Answer, attributed, weak
from harmony.verdict.blame import blame
from harmony.verdict.events import CellFinished
from synthetic_results import result

HUBS = ("brass", "gold", "tin")
CLIENTS = ("oak", "pine", "tin")
Broken = Callable[[str, str, str], bool]


def cells(broken: Broken, few: bool = False, number: str = "1.4", **more: object) -> list[CellFinished]:
    """Return the cells of a scenario over hubs and clients; what is said of a cell breaks it."""
    every = [
        Pairing.of({"hub": hub, "hearer": hearer, "sender": sender})
        for hub, hearer, sender in itertools.product(HUBS, CLIENTS, CLIENTS)
    ]
    return [
        result(f"{number}[{one}]", Verdict.FAILED if bad else Verdict.PASSED, **(more if bad else {}))
        for one in (pairwise(every) if few else every)
        for bad in [broken(one.platforms["hub"], one.platforms["hearer"], one.platforms["sender"])]
    ]


def told(results: list[CellFinished]) -> list[str]:
    return [str(one) for one in attributed(results)]


@pytest.mark.parametrize("few", [False, True])
def test_who_fails_with_every_partner_is_told_from_who_fails_with_one(few: bool) -> None:
    """The whole product and a pairwise part of it say the same."""
    (one,) = attributed(cells(lambda hub, hearer, sender: hub == "tin", few))
    assert one.who == (("hub", "tin"),)
    assert one.partners == {"hearer": list(CLIENTS), "sender": list(CLIENTS)}
    assert str(one) == f"hub=tin, with every partner ({len(one.cells)} of {one.of})"
    assert one.of == len(one.cells)


def test_what_one_partner_alone_has_seen_is_confirmed_by_no_other() -> None:
    results = [one for one in cells(lambda hub, hearer, sender: hub == "tin") if one.pairing["sender"] == "oak"]
    few = [one for one in results if one.pairing["hearer"] == "oak"]
    assert told(few) == ["hub=tin, with the only partner that has played (1 of 1)"]
    assert told(results) == ["hub=tin, with every partner (3 of 3)"]


def test_two_who_fail_only_together_are_named_together() -> None:
    (one,) = attributed(cells(lambda hub, hearer, sender: (hub, sender) == ("tin", "oak")))
    assert str(one) == "only hub=tin with sender=oak (3 of 3)"
    assert one.partners == {"hearer": list(CLIENTS)}


def test_a_role_is_not_blamed_for_another_role_of_the_same_platform() -> None:
    assert told(cells(lambda hub, hearer, sender: sender == "tin")) == ["sender=tin, with every partner (9 of 9)"]


def test_two_hubs_that_do_the_same_wrong_thing_are_two_deviations_in_document_and_in_causes() -> None:
    results = cells(lambda hub, hearer, sender: hub in {"tin", "gold"}, error="wrong")
    assert told(results) == ["hub=gold, with every partner (9 of 9)", "hub=tin, with every partner (9 of 9)"]
    others = cells(lambda hub, hearer, sender: False, number="1.5")
    assert [one.who for one in blame([*results, *others])] == [
        ("hub=gold", "scenario 1.4"),
        ("hub=tin", "scenario 1.4"),
    ]


def test_what_fails_everywhere_is_nobodys_and_so_is_what_only_one_pairing_plays() -> None:
    (everywhere,) = told(cells(lambda hub, hearer, sender: True))
    assert everywhere == "in every pairing that was played (27 of 27): nobody can be told from the others"
    two = [result("1.1[hub=tin,sender=oak]", Verdict.FAILED), result("1.1[hub=gold,sender=pine]")]
    assert told(two) == ["hub=tin or sender=oak, who always played together (1 of 1)"]


@pytest.mark.parametrize(
    ("verdict", "more", "answer"),
    [
        (Verdict.PASSED, {}, Answer.PASSED),
        (Verdict.UNEXPECTED_PASS, {"found": Verdict.PASSED}, Answer.PASSED),
        (Verdict.FAILED, {"deviation": True}, Answer.DEVIATES),
        (Verdict.FAILED, {"deviation": None}, Answer.DEVIATES),
        (Verdict.FAILED, {"deviation": False}, Answer.OPEN),
        (Verdict.DEVIATES, {"deviation": True}, Answer.DEVIATES),
        (Verdict.KNOWN_FAILURE, {"found": Verdict.FAILED, "deviation": True}, Answer.DEVIATES),
        (Verdict.KNOWN_FAILURE, {"found": Verdict.FAILED, "deviation": False}, Answer.OPEN),
        (Verdict.KNOWN_FAILURE, {"found": Verdict.CRASHED, "deviation": False}, Answer.DEVIATES),
        (Verdict.CRASHED, {"deviation": False}, Answer.DEVIATES),
        (Verdict.TIMED_OUT, {"deviation": False}, Answer.DEVIATES),
        (Verdict.ERRORED, {"deviation": False}, Answer.OPEN),
        (Verdict.NOT_RUN, {"deviation": False}, Answer.OPEN),
        (Verdict.UNSUPPORTED, {"deviation": False}, Answer.UNSUPPORTED),
    ],
)
def test_a_leak_and_a_mistake_in_a_step_say_nothing_about_an_implementation(
    verdict: Verdict, more: dict[str, object], answer: Answer
) -> None:
    assert Answer.of(result("1.1[a=x]", verdict, **more)) is answer


def test_a_cell_without_an_answer_neither_accuses_nor_clears() -> None:
    results = cells(lambda hub, hearer, sender: hub == "tin")
    first = next(one for one in results if one.verdict is Verdict.PASSED)
    results[results.index(first)] = first.model_copy(update={"verdict": Verdict.NOT_RUN})
    bad = next(one for one in results if one.verdict is Verdict.FAILED)
    results[results.index(bad)] = bad.model_copy(update={"deviation": False})
    assert told(results) == ["hub=tin, with every partner (8 of 8)"]


def test_what_shares_code_is_weak_evidence() -> None:
    families = {"gold": "metal", "tin": "metal"}
    pairs = {"gold,sender=tin": True, "gold,sender=gold": True, "gold,sender=oak": False, "oak,sender=oak@1": True}
    assert {one: weak(result(f"1.1[hub={one}]"), families) for one in pairs} == pairs


@given(st.sets(st.sampled_from(list(itertools.product(HUBS, CLIENTS, CLIENTS)))))
def test_every_cell_that_did_not_pass_is_somebodys_and_no_passing_cell_accuses(bad: set[tuple[str, str, str]]) -> None:
    results = cells(lambda *players: players in bad)
    found = attributed(results)
    assert sorted(one.cell for each in found for one in each.cells) == sorted(
        one.cell for one in results if one.verdict is Verdict.FAILED
    )
    for each in found:
        passing = [one for one in results if one.verdict is Verdict.PASSED]
        assert not [one for one in passing if set(each.who) <= set(one.pairing.items())]
