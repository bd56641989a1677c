"""Which cells a fault meets first."""

from __future__ import annotations

from harmony.mutate.order import Order

SECONDS = {"1.1[a=tin]": 2.0, "1.2[a=tin]": 0.5, "1.3[a=tin]": 1.0, "2.1[a=tin]": 9.0}


def test_the_best_finders_come_first_and_then_the_shortest() -> None:
    """Found by the second and by time: three kills in nine seconds are less than one in two."""
    order = Order(SECONDS, ["2.1[a=tin]", "2.1[a=tin]", "2.1[a=tin]", "gone[a=tin]"])
    order.killed("1.1[a=tin]")
    assert [*order.cells()] == ["1.1[a=tin]", "2.1[a=tin]", "1.2[a=tin]", "1.3[a=tin]"]


def test_the_scenario_that_should_find_it_comes_before_all_others() -> None:
    order = Order(SECONDS, ["1.1[a=tin]"])
    assert [*order.cells(finder="1.3")][:2] == ["1.3[a=tin]", "1.1[a=tin]"]
    assert order.cells({"1.3[a=tin]"}, "1.3").keys() == SECONDS.keys() - {"1.3[a=tin]"}


def test_a_title_in_the_place_of_a_number_may_have_brackets() -> None:
    cells = {"Rings[a=tin]": 1.0, "Rings [or more], loudly[a=tin]": 2.0}
    assert [*Order(cells).cells(finder="Rings [or more], loudly")] == [*cells][::-1]
