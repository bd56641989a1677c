"""Why a run is red, as a person reads it, and a matrix at a glance."""

from __future__ import annotations

from harmony.model import Verdict
from harmony.report import squares
from harmony.report.causes import lines
from harmony.report.terminal import Grid, blocks, grid_lines
from harmony.verdict.blame import blame
from synthetic_results import many, result, the_page

CELLS = [
    result(
        f"1.{number}[guest={guest},host={host}]",
        Verdict.FAILED if host == "gas" and number > 1 else Verdict.PASSED,
        **({"error": f"dry: {number} cups"} if host == "gas" and number > 1 else {}),
    )
    for number in (1, 2, 3)
    for guest in ("gas", "wood")
    for host in ("gas", "wood")
]


def test_the_headline_says_how_many_who_and_what() -> None:
    headline, where, repeat = lines(blame(CELLS))
    assert headline == "4 failed: all 4 have host=gas, as have 2 others; cause: dry: 2 cups"
    assert where == "    4 failed, first 1.2[guest=gas,host=gas]: When the 'writer' process waits: dry: 2 cups"
    assert repeat == "        repeat with: ./test.sh gas_gas 1.2 --seed 7"


def test_nobody_is_named_where_all_of_the_run_have_the_same_ones() -> None:
    (headline, *_) = lines(blame([cell for cell in CELLS if cell.pairing == {"guest": "gas", "host": "gas"}]))
    assert headline == "2 failed; cause: dry: 2 cups"


def test_many_causes_are_counted_rather_than_listed() -> None:
    told = lines(blame(many(40, 5, broken_every=2)))
    assert len(told) < 45
    assert told[-1] == "    and 6 more causes"


def test_a_square_counts_what_passed_of_each_pairing() -> None:
    more = [result("2.1[solo=wood]"), result("2.2[solo=wood]", Verdict.UNSUPPORTED)]
    assert squares.lines_of(squares.squares([*CELLS, *more])) == [
        "solo  wood",
        "      □ 1/2",
        "",
        "guest \\ host  gas    wood",
        "gas           ✗ 1/3  ■ 3",
        "wood          ✗ 1/3  ■ 3",
    ]


def test_only_what_is_not_green_has_a_row() -> None:
    rows = grid_lines(Grid.of(CELLS).without_green())
    assert [row.split()[0] for row in rows[1:]] == ["1.2", "1.3"]
    green = [cell for cell in CELLS if cell.verdict is Verdict.PASSED]
    assert blocks(grid_lines(Grid.of(green).without_green()), ["3 cells"]) == ["3 cells"]
    odd = Grid.of([*green, result("2.1[solo=gas]", Verdict.UNSUPPORTED)]).without_green()
    assert odd.columns == ("gas",), "a column without a row is not shown"


def test_the_page_begins_with_the_causes() -> None:
    page = the_page(CELLS)
    assert page.index("all 4 have host=gas") < page.index('id="squares"')
    assert "<h2>What broke</h2>" not in the_page([result()])
