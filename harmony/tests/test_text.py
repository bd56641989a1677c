"""What others say is shown as it is: bounded, and without effect on a terminal or a file."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from harmony.excerpt import excerpt
from harmony.model import LogRecord, ScenarioStart, StepOutcome, Verdict
from harmony.steps.context import ScenarioContext
from harmony.text import shortened, shown, visible
from harmony.verdict.events import StepStarted, decode_event, encode_event
from harmony.wire.step_contract import StepResponse

ANY_TEXT = st.text(st.characters(exclude_categories=()))


def test_each_kind_of_unseen_character_is_spelled_out() -> None:
    assert visible("\x1b[2J\x07\r\x7f\x9b\u202e\ud800\0") == r"\x1b[2J\x07\r\x7f\x9b\u202e\ud800\x00"
    assert visible("tab\tline\r\nnext ä € 😀") == "tab\tline\nnext ä € 😀"


@given(ANY_TEXT)
def test_every_text_can_be_told(text: str) -> None:
    """A lone surrogate passes through JSON and no further; so what is told holds none."""
    told = decode_event(encode_event(StepStarted(cell=text, step=text)))
    assert isinstance(told, StepStarted)
    assert told.step == visible(text)
    assert told.step.encode().decode() == told.step


@given(ANY_TEXT, st.integers(100, 300))
def test_what_was_shown_is_shown_again_as_it_is(text: str, limit: int) -> None:
    """An outcome is copied again and again; each copy must not lose more of its error."""
    once = shown(text * 20, limit)
    assert len(once) <= limit
    assert shown(once, limit) == once


def test_a_long_text_keeps_both_ends_and_says_how_much_is_gone() -> None:
    text = shortened("<" + "x" * 60_000_000 + ">", 1000)
    assert text.startswith("<xxx")
    assert text.endswith("xxx>")
    assert " … 59999052 characters left out … " in text
    assert shortened("short") == "short"


def test_the_error_of_an_outcome_is_bounded_whoever_makes_it() -> None:
    outcome = StepOutcome(Verdict.FAILED, "\x1b" * 60_000_000)
    assert len(outcome.error) <= 16 * 1024
    assert json.loads(json.dumps(outcome.error)) == outcome.error
    assert "\x1b" not in outcome.error


def test_of_many_lines_head_and_tail_are_kept() -> None:
    kept = excerpt([LogRecord("t", 2, str(number)) for number in range(10)], 2, 3)
    assert [record.message for record in kept] == ["0", "1", "… 5 lines left out …", "7", "8", "9"]
    assert [record.message for record in excerpt(kept)] == [record.message for record in kept]


def test_the_lines_of_a_worker_are_cut_before_they_become_objects() -> None:
    lines = [{"Level": 2, "Message": str(number)} for number in range(400_000)]
    logs = StepResponse.model_validate({"success": True, "logs": lines}).outcome(0.0).logs
    assert len(logs) == 501
    assert [logs[0].message, logs[100].message, logs[-1].message] == ["0", "… 399500 lines left out …", "399999"]


def test_the_lines_of_a_step_in_this_process_are_bounded_while_it_runs() -> None:
    context = ScenarioContext(ScenarioStart("reader", "local", "s", 1, 1), show_logs=6)
    for number in range(2000):
        context.logger.info(str(number))
    logs = context.logs.take()
    assert len(logs) == 501
    assert [logs[0].message, logs[100].message, logs[-1].message] == ["0", "… 1500 lines left out …", "1999"]
    assert context.logs.take() == ()
