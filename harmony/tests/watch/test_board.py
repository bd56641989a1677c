"""How each cell stands, and how that is shown."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console

from harmony.model import Verdict
from harmony.plan.touched import Touched
from harmony.verdict.events import CellFinished, CellStarted
from harmony.watch.board import Board
from harmony.watch.screen import Lines, Panel

EVERYTHING = Touched(everything=True)


def started(number: str, platform: str = "tin") -> CellStarted:
    key = f"{number}[ear={platform}]"
    return CellStarted(cell=key, scenario=f"{number} Bell", pairing={"ear": platform}, seed=1)


def finished(
    number: str, verdict: Verdict = Verdict.PASSED, platform: str = "tin", second: int = 0, error: str = ""
) -> CellFinished:
    return CellFinished(
        at=f"2030-01-01T00:00:{second:02}.000Z",
        cell=f"{number}[ear={platform}]",
        number=number,
        title=f"{number} Bell",
        feature=f"Feature {number[0]}",
        pairing={"ear": platform},
        verdict=verdict,
        error=error,
        seconds=0.1,
        seed=1,
        repeat="",
    )


def board_of(*events: CellFinished) -> Board:
    board = Board()
    for event in events:
        board.take(event)
    return board


def titles(board: Board) -> list[str]:
    return [f"{row.title.partition(' ')[0]} {row.pairing}" for row in board.rows()]


def test_red_ones_come_first_then_what_plays_then_what_has_changed_last() -> None:
    board = board_of(
        finished("1.1", second=1), finished("1.2", second=9), finished("1.3", Verdict.FAILED), finished("1.4", second=5)
    )
    board.take(started("1.1"))
    assert titles(board) == ["1.3 tin", "1.1 tin", "1.2 tin", "1.4 tin"]
    assert board.counts() == "3 passed, 1 failed"


def test_a_verdict_lasts_since_it_came() -> None:
    board = board_of(finished("1.1", second=1), finished("1.1", second=2))
    (row,) = board.rows()
    assert (row.since[-7:-1], row.changed) == ("01.000", False)
    board.take(finished("1.1", Verdict.CRASHED, second=3, error="gone\nmore"))
    assert (row.since[-7:-1], row.changed, row.cause) == ("03.000", True, "gone")


def test_what_is_no_more_leaves_the_board() -> None:
    """A scenario that is renamed leaves a row behind, unless the run was of other cells."""
    for touched, left in (
        (EVERYTHING, ["1.2 tin"]),
        (Touched(features=frozenset({Path("1.feature")})), ["1.2 tin", "2.1 tin"]),
        (Touched(platforms=frozenset({"tin"})), ["1.1 tin", "1.2 tin", "2.1 tin"]),
    ):
        board = board_of(finished("1.1"), finished("1.2"), finished("2.1"))
        board.begin()
        board.take(finished("1.2"))
        board.end(touched)
        assert sorted(titles(board)) == left
    board.begin()
    board.end(EVERYTHING)
    assert len(titles(board)) == 3, "a run of no cell, such as after lint, says nothing about any"


def test_lines_tell_what_changes_and_what_is_red() -> None:
    told: list[str] = []
    lines, board = Lines(told.append), Board()
    for event in (finished("1.1"), finished("1.1"), finished("1.2", Verdict.FAILED, error="dumb"), finished("1.2")):
        row = board.take(event)
        assert row is not None
        lines.ended(row)
        lines.ended(row) if event.verdict is Verdict.FAILED else None
    assert [line[9:] for line in told] == [
        "passed    1.1 Bell [tin]",
        "failed    1.2 Bell [tin]: dumb",
        "failed    1.2 Bell [tin]: dumb",
        "passed    1.2 Bell [tin]",
    ]


def test_the_table_keeps_within_the_screen() -> None:
    """What has no room is counted, what is red is never what is left out, and nothing speaks to the terminal."""
    board = board_of(
        *(finished(f"1.{number}") for number in range(1, 40)),
        finished("2.1", Verdict.FAILED, error="a \x1b[31mword " * 20),
    )
    console = Console(file=io.StringIO(), width=80, height=24, force_terminal=True, color_system=None)
    panel = Panel(board, console)
    panel.state("waits")
    panel.trouble("\n".join(f"line {number}" for number in range(9)))
    console.print(panel.render())
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    lines = shown.splitlines()
    assert len(lines) < 24
    assert max(map(len, lines)) <= 80
    assert "\x1b" not in shown
    assert lines[1].startswith("2.1 Bell")
    assert lines[2].startswith("  a \\x1b[31mword")
    assert "… and 32 more" in shown
    assert lines[-1].strip() == "waits"
    assert "line 8" in shown
