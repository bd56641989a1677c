"""What is written while a run goes on: finds a line that is missing, said twice, or said where nobody can read it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from harmony.errors import ExitCode
from harmony.model import Phase, Verdict
from harmony.report.github import LogFolds
from harmony.report.narration import Narration
from harmony.report.under_way import UnderWay
from harmony.verdict.events import (
    ActorOutcome,
    CellFinished,
    CellGoesOn,
    CellStarted,
    Event,
    RunFinished,
    RunPlanned,
    RunStarted,
    StepFinished,
    StepStarted,
)

CELL = "1.1[reader=go,writer=tin]"
OTHER = "1.1[reader=tin,writer=go]"
PAIRING = {"reader": "go", "writer": "tin"}


def step(text: str, verdict: Verdict = Verdict.PASSED, phase: Phase = Phase.STEP) -> StepFinished:
    outcomes = {"writer#second": ActorOutcome(verdict=verdict)}
    return StepFinished(cell=CELL, phase=phase, step=text, verdict=verdict, outcomes=outcomes, seconds=0.0125)


def end(verdict: Verdict, error: str = "", *, cell: str = CELL, late: bool = False) -> CellFinished:
    return CellFinished(
        cell=cell,
        number="1.1",
        title="1.1 Rings",
        feature="Bells",
        pairing=PAIRING,
        verdict=verdict,
        error=error,
        seconds=0.5,
        seed=3,
        repeat="ring 1.1",
        late=late,
    )


def begun(cell: str = CELL) -> CellStarted:
    return CellStarted(cell=cell, scenario="1.1 Rings", pairing=PAIRING, seed=3)


def planned(cells: int) -> RunPlanned:
    return RunPlanned(cells=cells, of=3, digest="", shard="1/3", features={"Bells": cells})


RUN: list[Event] = [
    RunStarted(seed=7, project="harmony.toml"),
    planned(1),
    begun(),
    step("", phase=Phase.START),
    step("Given it is struck"),
    step("", Verdict.FAILED, Phase.FINISH),
    end(Verdict.FAILED, "it leaks\nby the bucket"),
]
RED = ["failed 1.1 Rings [reader=go,writer=tin]: it leaks", "    repeat with: ring 1.1"]


def told(events: Iterable[Event], **how: Any) -> list[str]:
    """Tell events, one each second."""
    run = UnderWay()
    narration = Narration(run, name="bells", **how)
    lines: list[str] = []
    for now, event in enumerate(events):
        done = run.take(event, now)
        lines += [text for text, _ in narration.lines(event, now, done)]
    return lines


def test_one_after_the_other() -> None:
    assert told(RUN, steps=True) == [
        "harmony: bells: seed 7",
        "1 cell, shard 1/3 of 3",
        "1.1 Rings [reader=go,writer=tin]",
        "  passed          12.5 ms  writer#second: Given it is struck",
        "  failed          12.5 ms  writer#second: (clean-up)",
        "  = failed       0.500 s   it leaks",
        "    repeat with: ring 1.1",
    ]


def test_side_by_side_each_line_says_whose_it_is() -> None:
    assert told(RUN, steps=True, mixed=True)[2:] == [
        "1.1 go_tin | passed          12.5 ms  writer#second: Given it is struck",
        "1.1 go_tin | failed          12.5 ms  writer#second: (clean-up)",
        "1.1 go_tin | = failed       0.500 s   it leaks",
        "    repeat with: ring 1.1",
    ]


@pytest.mark.parametrize("drawn", [False, True])
def test_without_steps_it_is_what_is_red_and_each_feature_that_is_done(drawn: bool) -> None:
    feature = [] if drawn else ["✗ Bells: 1 failed (4.0 s)"]
    assert told(RUN, drawn=drawn)[2:] == [*RED, *feature]


def test_what_fails_the_same_way_is_repeated_with_the_first_command() -> None:
    run = [
        planned(2),
        begun(),
        end(Verdict.FAILED, "off by 3"),
        begun(OTHER),
        end(Verdict.FAILED, "off by 4", cell=OTHER),
    ]
    assert [line for line in told(run) if "repeat" in line] == RED[1:]


def test_a_crash_that_is_found_later_is_told_and_the_feature_not_again() -> None:
    run = [planned(1), begun(), end(Verdict.PASSED), end(Verdict.CRASHED, "after this cell", late=True)]
    assert told(run)[1:] == [
        "■ Bells: 1 passed (1.0 s)",
        "crashed 1.1 Rings [reader=go,writer=tin]: after this cell",
        "    repeat with: ring 1.1",
    ]


def test_a_workflow_folds_cells_and_obeys_nobody_else() -> None:
    """Between `stop-commands` and its end no line is a command, whoever writes one: only the fold is outside."""
    folds = LogFolds("secret")
    lines = told([planned(1), begun(), end(Verdict.FAILED, "::error::no")], folds=folds)
    outside, inside = list[str](), True
    for line in lines:
        inside = line == folds.begin or (inside and line != folds.end)
        if not inside and line != folds.end:
            outside.append(line)
    assert outside == ["::group::✗ Bells: 1 failed (1.0 s)", "::endgroup::"]
    cell = "failed         0.500 s  1.1 Rings [reader=go,writer=tin]  ::error::no"
    assert lines.index("::group::✗ Bells: 1 failed (1.0 s)") < lines.index(cell) < lines.index("::endgroup::")


def test_after_a_silence_it_says_what_plays_and_once_what_that_has_written() -> None:
    run = UnderWay({CELL: 0.5, OTHER: 0.5})
    narration = Narration(run)
    written = {"writer": [f"try {number}" for number in range(9)]}
    for event in (planned(2), begun(), StepStarted(cell=CELL, step="Given b"), CellGoesOn(cell=CELL, stderr=written)):
        run.take(event, 10.0)
    told = [text for text, _ in narration.beat(40.0)]
    assert told == [
        "0 of 2 cells after 0:30; playing 1.1 go_tin for 30.0 s (before: 0.5 s)",
        "    1.1 go_tin: Given b",
        *(f"      writer | try {number}" for number in range(4, 9)),
    ]
    assert len(list(narration.beat(70.0))) == 1


def test_a_run_that_is_broken_off_says_what_has_not_ended() -> None:
    finished = RunFinished(verdicts={}, exit_code=ExitCode.INTERRUPTED, seconds=1)
    goes_on = CellGoesOn(cell=OTHER, stderr={"reader": ["waits"]})
    run = [planned(2), begun(), end(Verdict.PASSED), begun(OTHER), goes_on, finished]
    assert told(run)[1:] == [
        "■ Bells: 1 passed, 1 without a result (1.0 s)",
        "broken off after 1 of 2 cells",
        "  1.1 go_tin played for 2.0 s",
        "      reader | waits",
    ]
    assert told([finished]) == ["broken off at its start"]
