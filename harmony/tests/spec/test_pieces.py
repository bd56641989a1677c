"""Finds a pattern that is taken apart at a wrong place: what is made for people and editors knows pieces only."""

from __future__ import annotations

import pytest

from harmony.spec.pieces import Piece, Place, pieces_of

ANY = ".+"


@pytest.mark.parametrize(
    ("kind", "pattern", "pieces"),
    [
        ("string", " a (b)? {c}; ", ["a (b)? {c}"]),
        ("parse", "{{x}} is {a:d}{}", ["{x} is ", Place(ANY, "a", taken=True), Place(ANY, taken=True)]),
        ("re", r"^\(a\)\ b\.$", ["(a) b."]),
        ("re", r"(?i)a(?#said) (?:b c)", ["a b c"]),
        ("re", r"\d+\.[]\])]{2}\w c", [Place(r"\d+"), ".", Place(r"[]\])]{2}\w"), " c"]),
        (
            "re",
            r"(?P<n>\d+) (\w)",
            [
                Place(r"\d+", "n", taken=True, ways=((Place(r"\d+"),),)),
                " ",
                Place(r"\w", taken=True, ways=((Place(r"\w"),),)),
            ],
        ),
        ("re", "as?", ["a", Place("s?", ways=(("s",),), times="?")]),
        ("re", "(?:a|b c){0,2}", [Place("(?:a|b c){0,2}", ways=(("a",), ("b c",)), times="{0,2}")]),
        ("re", "a|b", [Place("a|b", ways=(("a",), ("b",)))]),
        ("re", "a(?!b)", ["a", Place("(?!b)", ways=((),))]),
        ("re", "so{1}", ["s", Place("o{1}")]),
        ("re", "a.b.*", ["a", Place(".", ways=((".",),)), "b", Place(".*")]),
        ("announced", "the {name} (s)?", ["the ", Place(ANY, "name", taken=True), " (s)?"]),
        ("announced", "[0-9]{2} a", [Place("[0-9]{2}"), " a"]),
        ("announced", "he (says :(", ["he (says :("]),
        ("announced", "he says :) [", ["he says :) ["]),
        ("announced", "a\\", ["a\\"]),
        pytest.param("announced", "(" * 5000 + ")" * 5000, ["(" * 5000 + ")" * 5000], id="deep"),
    ],
)
def test_a_pattern_is_read_into_pieces(kind: str, pattern: str, pieces: list[Piece]) -> None:
    assert list(pieces_of(pattern, kind)) == pieces


@pytest.mark.parametrize(
    ("times", "optional"),
    [("?", True), ("*?", True), ("{0,2}", True), ("{,2}", True), ("+", False), ("{2}", False), ("", False)],
)
def test_what_may_be_left_out(times: str, optional: bool) -> None:
    assert Place("", times=times).optional is optional
