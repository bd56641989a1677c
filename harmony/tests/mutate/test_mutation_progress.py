"""How a campaign goes is told in lines."""

from __future__ import annotations

from harmony.mutate.fault import Fault
from harmony.mutate.judgement import Judgement, Outcome
from harmony.mutate.progress import Progress


def test_where_there_is_no_terminal_counts_and_the_time_left_are_a_line_now_and_then() -> None:
    said: list[str] = []
    clock = iter([0.0, 600.0])
    progress = Progress(said.append, clock=lambda: next(clock))
    progress.begin(33, 3)
    fault = Fault("n", "constant", "a.py", 7, 0, 1, "1", "2", "x = 1")
    for number in range(10):
        outcome = Outcome.SURVIVED if number % 2 else Outcome.KILLED
        progress.judged(Judgement(fault, outcome, cell="1.1[ear=tin]", by_timeout=number == 0))
    assert said[:3] == [
        "3 of 33 faults are judged already",
        "   4/33 killed        0.0 s  n  a.py:7  1.1[ear=tin] (only a deadline)",
        "   5/33 SURVIVED      0.0 s  n  a.py:7",
    ]
    assert said[-1] == "13 of 33: 5 killed, 5 survived; about 20 min left"
