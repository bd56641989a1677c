from __future__ import annotations

import pytest

from harmony.model import Phase, Verdict
from harmony.report.narration import Narration
from harmony.verdict.events import (
    ActorOutcome,
    CellFinished,
    CellStarted,
    Event,
    RunPlanned,
    RunStarted,
    StepFinished,
)

CELL = "1.1[reader=go,writer=tin]"
PAIRING = {"reader": "go", "writer": "tin"}


def step(text: str, verdict: Verdict = Verdict.PASSED, phase: Phase = Phase.STEP) -> StepFinished:
    outcomes = {"writer#second": ActorOutcome(verdict=verdict)}
    return StepFinished(cell=CELL, phase=phase, step=text, verdict=verdict, outcomes=outcomes, seconds=0.0125)


def end(verdict: Verdict, error: str = "", *, late: bool = False) -> CellFinished:
    return CellFinished(
        cell=CELL,
        number="1.1",
        title="1.1 Rings",
        feature="Bells",
        pairing=PAIRING,
        verdict=verdict,
        error=error,
        seconds=0.5,
        seed=3,
        repeat="",
        late=late,
    )


RUN: list[Event] = [
    RunStarted(seed=7, project="harmony.toml"),
    RunPlanned(cells=1, of=3, digest="", shard="1/3"),
    CellStarted(cell=CELL, scenario="1.1 Rings", pairing=PAIRING, seed=3),
    step("", phase=Phase.START),
    step("Given it is struck"),
    step("", Verdict.FAILED, Phase.FINISH),
    end(Verdict.FAILED, "it leaks\nby the bucket"),
    end(Verdict.CRASHED, late=True),
]


def told(*, steps: bool, mixed: bool = False, counted: bool = False) -> list[str]:
    lines: list[str] = []
    narration = Narration(lines.append, name="bells", steps=steps, mixed=mixed, counted=counted)
    for event in RUN:
        narration(event)
    return lines


def test_one_after_the_other() -> None:
    assert told(steps=True) == [
        "harmony: bells: seed 7",
        "1 cell, shard 1/3 of 3",
        "1.1 Rings [reader=go,writer=tin]",
        "  passed          12.5 ms  writer#second: Given it is struck",
        "  failed          12.5 ms  writer#second: (clean-up)",
        "  = failed       0.500 s   it leaks",
    ]


def test_side_by_side_each_line_says_whose_it_is() -> None:
    assert told(steps=True, mixed=True)[2:] == [
        "1.1 go_tin | passed          12.5 ms  writer#second: Given it is struck",
        "1.1 go_tin | failed          12.5 ms  writer#second: (clean-up)",
        "1.1 go_tin | = failed       0.500 s   it leaks",
    ]


@pytest.mark.parametrize("counted", [False, True])
def test_without_steps_it_is_what_is_red_and_how_far_it_is(counted: bool) -> None:
    count = [] if counted else ["1 of 1 cell, 1 red"]
    assert told(steps=False, counted=counted)[2:] == ["failed 1.1 Rings [reader=go,writer=tin]: it leaks", *count]


def test_a_long_run_is_counted_by_tenths() -> None:
    lines: list[str] = []
    narration = Narration(lines.append, steps=False, mixed=True)
    narration(RunPlanned(cells=200, of=200, digest=""))
    for _ in range(200):
        narration(end(Verdict.PASSED))
    assert lines[1:] == [f"{done} of 200 cells, 0 red" for done in range(20, 201, 20)]
