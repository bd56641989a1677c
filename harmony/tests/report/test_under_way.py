"""How far a run is, and how that is drawn: finds a wrong count, a wrong time, and what has no room on a terminal."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from harmony.model import Verdict
from harmony.report.panel import panel
from harmony.report.progress import clock
from harmony.report.under_way import UnderWay
from harmony.verdict.events import CellFinished, CellGoesOn, CellStarted, RunPlanned, StepStarted

FEATURES = {f"{number} Bells that are rung by hand, and their echo": 4 for number in range(1, 31)}


def key(scenario: str, pairing: str = "a=x") -> str:
    return f"{scenario}[{pairing}]"


def begun(scenario: str, pairing: str = "a=x") -> CellStarted:
    role, _, platform = pairing.partition("=")
    return CellStarted(cell=key(scenario, pairing), scenario=f"{scenario} Rings", pairing={role: platform}, seed=1)


def ended(
    scenario: str,
    pairing: str = "a=x",
    *,
    verdict: Verdict = Verdict.PASSED,
    feature: str = "Bells",
    seconds: float = 1.0,
) -> CellFinished:
    role, _, platform = pairing.partition("=")
    return CellFinished(
        cell=key(scenario, pairing),
        number=scenario,
        title=f"{scenario} Rings",
        feature=feature,
        pairing={role: platform},
        verdict=verdict,
        seconds=seconds,
        seed=1,
        repeat="",
    )


def planned(cells: int, seconds: float = 0.0, features: dict[str, int] | None = None) -> RunPlanned:
    return RunPlanned(cells=cells, of=cells, digest="", features=features or {"Bells": cells}, seconds=seconds)


def test_what_is_left_is_known_from_former_runs_before_anything_has_ended() -> None:
    run = UnderWay({key("1.1"): 10.0, key("1.2"): 30.0})
    run.take(planned(2, 40.0), 0.0)
    run.take(begun("1.1"), 100.0)
    assert run.left(100.0) == 40.0
    run.take(ended("1.1"), 120.0)  # it took twice as long as before, and so will the other one
    run.take(begun("1.2"), 120.0)
    assert run.left(120.0) == 60.0
    run.take(ended("1.2"), 150.0)
    assert run.left(150.0) is None


def test_without_former_runs_it_is_known_from_the_cells_that_have_ended() -> None:
    run = UnderWay()
    run.take(planned(6), 0.0)
    for number in range(3):
        assert run.left(10.0 * number) is None
        run.take(begun(f"1.{number}"), 10.0 * number)
        run.take(ended(f"1.{number}"), 10.0 * number + 10)
    assert run.left(30.0) == 30.0


@pytest.mark.parametrize(
    ("past", "at", "late"),
    [
        ({key("1.1"): 0.1}, 4.9, False),  # nobody wonders so soon
        ({key("1.1"): 0.1}, 5.1, True),
        ({key("1.1"): 4.0}, 19.0, False),
        ({key("1.1"): 4.0}, 21.0, True),
        ({key("1.1", "a=y"): 4.0}, 19.0, False),  # another pairing tells it, too
        ({key("1.1", "a=y"): 4.0, key("1.1"): 0.1}, 19.0, True),
        ({}, 9.0, False),
        ({}, 11.0, True),
    ],
)
def test_a_cell_that_takes_far_longer_than_before_is_late(past: dict[str, float], at: float, late: bool) -> None:
    run = UnderWay(past)
    run.take(begun("1.1"), 0.0)
    assert run.longest()[0].is_late(at) is late


def test_a_feature_ends_once_and_a_later_verdict_replaces_the_first() -> None:
    run = UnderWay()
    run.take(planned(2), 0.0)
    assert run.take(ended("1.1"), 1.0) is None
    done = run.take(ended("1.2"), 2.0)
    assert done is run.features["Bells"]
    assert run.take(ended("1.2", verdict=Verdict.CRASHED), 3.0) is None
    assert (run.ended, run.red, run.counts()) == (2, 1, "1 passed, 1 crashed")


def test_times_are_those_of_a_clock() -> None:
    assert [clock(seconds) for seconds in (0, 7.4, 62, 3723)] == ["0:00", "0:07", "1:02", "1:02:03"]


def busy() -> UnderWay:
    """Return a run of thirty features and eight cells that play, of which one hangs and writes."""
    run = UnderWay({key("9.0"): 0.2})
    run.take(planned(120, features=FEATURES), 0.0)
    names = list(FEATURES)
    for number in range(22):
        verdict = Verdict.FAILED if number == 13 else Verdict.PASSED
        run.take(ended(f"1.{number}", verdict=verdict, feature=names[number // 4]), 1.0)
    for number in range(8):
        run.take(begun(f"9.{number}"), float(number))
    run.take(
        StepStarted(cell=key("9.0"), step="Given a very long sentence about bells, their size and who rings them"), 1.0
    )
    run.take(CellGoesOn(cell=key("9.0"), stderr={"bell": [f"\x1b[2Jtry {n} 鐘鐘鐘" for n in range(20)]}), 9.0)
    return run


@pytest.mark.parametrize("opened", [False, True])
@pytest.mark.parametrize("height", [6, 24, 50])
@pytest.mark.parametrize("width", [20, 80, 120, 200])
def test_no_line_is_wider_and_none_more_than_has_room(width: int, height: int, opened: bool) -> None:
    lines = panel(busy(), 20.0, width, height, key="e", opened=opened)
    assert len(lines) < height
    assert max(cell_len(line.plain) for line in lines) <= width
    assert "\x1b" not in "".join(line.plain for line in lines)


@pytest.mark.parametrize("width", [80, 120, 200])
def test_what_is_red_and_what_hangs_is_never_left_out(width: int) -> None:
    """There are more features than have room: the red one stands among them, and the longest cell is the first."""
    lines = [line.plain for line in panel(busy(), 20.0, width, 24, key="e", opened=True)]
    assert lines[0].startswith("22 of 120 cells · 0:20 · about ")
    assert any("✗✗■■■■■■■■     4/4 4 Bells" in line for line in lines)
    late = next(number for number, line in enumerate(lines) if line.startswith("!"))
    assert lines[late].startswith("! 20.0 s (before: 0.2 s)  9.0 x  Given a very long sentence"[:width])
    assert lines[late + 1].startswith(r"      bell | \x1b[2Jtry ")
    assert any("more features: " in line for line in lines)
    assert any("more play" in line for line in lines)
    assert lines[-1] == "e: hide stderr"


def test_full_squares_are_all_and_only_all() -> None:
    run = UnderWay()
    run.take(planned(1000, features={"A": 500, "B": 499, "C": 1}), 0.0)
    for number in range(499):
        run.take(ended(f"1.{number}", feature="A"), 1.0)
        run.take(ended(f"2.{number}", feature="B", verdict=Verdict.FAILED if number == 7 else Verdict.PASSED), 1.0)
    tiles = [line.plain for line in panel(run, 1.0, 80, 24)[1:]]
    assert tiles == ["■■■■■■■■■· 499/500 A", "✗■■■■■■■■■ 499/499 B", "··········     0/1 C"]
