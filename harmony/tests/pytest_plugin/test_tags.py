from __future__ import annotations

import pytest

from harmony.errors import UnknownSelectionError
from harmony.pytest_plugin.tags import marker_expression, wanted_tags

KNOWN = ("slow", "stress", "clause:*")


@pytest.mark.parametrize(
    ("said", "expression"),
    [
        (["slow"], "slow"),
        (["@clause:3.2"], "clause_3_2"),
        (["slow and not (@stress or clause:1)"], "slow and not (stress or clause_1)"),
        (["slow", "stress and slow"], "(slow) or (stress and slow)"),
    ],
)
def test_tags_become_markers(said: list[str], expression: str) -> None:
    assert marker_expression(said, KNOWN) == expression


def test_an_unknown_tag_is_said_with_the_nearest() -> None:
    with pytest.raises(UnknownSelectionError, match="no tag is called 'slwo'\n  hint: did you mean 'slow'"):
        marker_expression(["not slwo"], KNOWN)


def test_nobody_asks_for_what_is_behind_a_not() -> None:
    assert wanted_tags(["@stress and not slow", "clause:1"]) == ["stress", "clause:1"]
