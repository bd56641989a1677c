"""Pairings and cells: what the words of a person mean."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmony.errors import HarmonyError
from harmony.plan.pairing import PairingRequest, each_once, every_pairing, pairwise, parse_roles, requested, split_word

TWO = ("python", "cpp")


def words(*asked: str, roles: tuple[str, ...] = ("writer", "reader"), **more: object) -> list[str]:
    return [str(p) for p in requested(roles, TWO, PairingRequest(asked, **more))]  # type: ignore[arg-type]


def test_roles_are_ordered_alphabetically() -> None:
    assert words("python_cpp") == ["reader=python,writer=cpp"]
    assert words("python_cpp", roles=("server", "client")) == ["client=python,server=cpp"]


def test_nothing_asked_is_everything() -> None:
    assert words() == [f"reader={a},writer={b}" for a, b in itertools.product(("cpp", "python"), repeat=2)]


def test_one_platform_goes_for_all_roles() -> None:
    assert words("cpp") == ["reader=cpp,writer=cpp"]


def test_one_role_runs_on_each_platform_of_the_word() -> None:
    assert words("python_cpp", roles=("solo",)) == ["solo=cpp", "solo=python"]
    assert words("python_python", roles=("solo",)) == ["solo=python"]


def test_words_that_do_not_fit_the_roles_give_nothing() -> None:
    assert words("python_cpp", roles=("a", "b", "c")) == []
    assert words("python_cpp_cpp", roles=("a", "b", "c")) == ["a=python,b=cpp,c=cpp"]
    assert words("reader=cpp,writer=python") == ["reader=cpp,writer=python"]
    assert words("reader=cpp", roles=("a",)) == []


def test_a_fixed_role() -> None:
    request = PairingRequest(roles={"reader": "cpp"})
    assert [str(p) for p in requested(("reader", "writer"), TWO, request)] == [
        "reader=cpp,writer=cpp",
        "reader=cpp,writer=python",
    ]
    assert requested(("client", "server"), TWO, request) == []


def test_platforms_may_have_underscores() -> None:
    known = ("cpp", "cpp_clang", "python")
    assert split_word("cpp_clang_cpp_python", known) == ("cpp_clang", "cpp", "python")


@pytest.mark.parametrize("word", ["", "java", "python_", "python__cpp", "python_java"])
def test_unknown_words_name_what_is_known(word: str) -> None:
    with pytest.raises(HarmonyError, match="cpp, python"):
        split_word(word, TWO)


@pytest.mark.parametrize("entry", ["reader", "reader=java", "=cpp"])
def test_unknown_roles_are_named(entry: str) -> None:
    with pytest.raises(HarmonyError, match="ROLE=PLATFORM"):
        parse_roles([entry], TWO)


@given(st.integers(1, 4), st.integers(1, 4))
def test_each_once_has_each_platform_in_each_role_with_other_partners_each_turn(roles: int, platforms: int) -> None:
    full = every_pairing([f"r{n}" for n in range(roles)], [f"p{n}" for n in range(platforms)])
    found = [each_once(full, turn) for turn in range(len(full))]
    assert all({one for p in few for one in p.assigned} == {one for p in full for one in p.assigned} for few in found)
    assert {len(few) for few in found} == {platforms}
    assert {p for few in found for p in few} == set(full)


@given(st.integers(1, 4), st.integers(1, 4))
def test_pairwise_keeps_every_pair_and_no_more_pairings_than_all(roles: int, platforms: int) -> None:
    full = every_pairing([f"r{n}" for n in range(roles)], [f"p{n}" for n in range(platforms)])
    assert len(full) == platforms**roles
    few = pairwise(full)
    pairs = [{pair for p in some for pair in itertools.combinations(p.assigned, 2)} for some in (full, few)]
    assert pairs[0] == pairs[1]
    assert len(few) <= len(full)
    if roles >= 3 and platforms >= 2:
        assert len(few) < len(full)


PLAYS = {"hub": {"broker"}, "tin": {"sender", "hearer"}, "both": {"broker", "sender", "hearer"}}


def parts(*asked: str, roles: tuple[str, ...] = ("broker", "hearer", "sender"), strength: int = 0) -> list[str]:
    request = PairingRequest(asked, strength=strength)
    found = requested(roles, sorted(PLAYS), request, lambda platform, role: role in PLAYS[platform])
    return [pairing.word for pairing in found]


def test_nobody_is_given_a_role_that_he_does_not_play() -> None:
    assert len(parts()) == 2 * 2 * 2
    assert not [word for word in parts() if word.startswith("tin_") or "_hub" in word]
    assert parts("tin_hub_hub") == []
    assert parts(roles=("solo",)) == []


def test_a_platform_goes_for_the_roles_that_it_plays_and_whoever_can_plays_the_others() -> None:
    assert parts("hub") == ["hub_both_both", "hub_both_tin", "hub_tin_both", "hub_tin_tin"]
    assert parts("tin") == ["both_tin_tin", "hub_tin_tin"]
    assert parts("both") == ["both_both_both"]
    assert parts("hub", roles=("hearer", "sender")) == []


def test_few_pairings_of_parts_still_have_each_two_that_can_meet() -> None:
    few, every = parts(strength=2), parts()
    meet = {(i, j, w.split("_")[i], w.split("_")[j]) for w in every for i, j in ((0, 1), (0, 2), (1, 2))}
    assert meet == {(i, j, w.split("_")[i], w.split("_")[j]) for w in few for i, j in ((0, 1), (0, 2), (1, 2))}
    assert len(few) == 4
