"""Outlines of sentences, and their arguments."""

from __future__ import annotations

import pytest

from harmony.spec.sentence import filled


@pytest.mark.parametrize(
    ("known", "meant"),
    [
        ("the '…' process posts … letters", "the 'sender' process posts 5 letters"),
        ("the 'sender' process posts … letters", "the 'sender' process posts 5 letters"),
        ("the 'sendr' process posts … letters", "the 'sendr' process posts 5 letters"),
        ("the '…' process posts", "the '…' process posts"),
    ],
)
def test_the_gaps_of_an_outline_are_filled_and_words_that_are_no_argument_stay(known: str, meant: str) -> None:
    assert filled(known, "the 'sender' process poats 5 letters") == meant
