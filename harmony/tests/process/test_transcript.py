"""What is kept of a stderr, and what of it is alarming."""

from __future__ import annotations

import os

import pytest

from harmony.process import transcript as transcript_module
from harmony.process.transcript import StderrRule, Transcript, Written, pass_on

ALARMS = (
    "==7==ERROR: AddressSanitizer: heap-use-after-free on address 0x602000000010",
    "==7==ERROR: LeakSanitizer: detected memory leaks",
    "WARNING: ThreadSanitizer: data race (pid=7)",
    "==7==WARNING: MemorySanitizer: use-of-uninitialized-value",
    "ring.c:12:7: runtime error: signed integer overflow",
    "==7== ERROR SUMMARY: 3 errors from 2 contexts",
    "WARNING: DATA RACE",
    "panic: send on closed channel",
    "fatal error: all goroutines are asleep - deadlock!",
    "thread 'main' panicked at src/main.rs:4:5:",
    "thread 'main' (4711) panicked at src/main.rs:4:5:",
    "terminate called after throwing an instance of 'std::bad_alloc'",
    "driver: main.cpp:9: int main(): Assertion `false' failed.",
    "*** stack smashing detected ***: terminated",
    "double free or corruption (out)",
    "free(): invalid pointer",
    "malloc(): corrupted top size",
    "Unhandled Exception:",
    "Unhandled exception. System.Exception: x",
    "Fatal Python error: Segmentation fault",
    "Exception in thread Thread-1 (run):",
)
WORDS = (
    "[info] no error so far",
    "==7== ERROR SUMMARY: 0 errors from 0 contexts",
    "warning: the buffer is full",
    "error: buffer_full",
    "do not panic: it is only a test",
    "the sanitizer is on",
)


@pytest.mark.parametrize("alarm", ALARMS)
def test_what_a_broken_program_says_is_alarming(alarm: str) -> None:
    transcript = Transcript()
    transcript.feed(f"before\n{alarm}\nafter\n".encode())
    written = transcript.take()
    assert written.alarms == (alarm,)
    assert [record.message for record in written.records] == ["before", alarm, "after"]


@pytest.mark.parametrize("words", WORDS)
def test_what_a_sound_program_says_is_not(words: str) -> None:
    transcript = Transcript()
    transcript.feed(f"{words}\n".encode())
    assert transcript.take().alarms == ()


def test_a_project_has_alarms_of_its_own_and_none_that_takes_for_ever() -> None:
    transcript = Transcript(StderrRule(("^ring: (?:broken|torn)$", "(a|aa)+$")))
    transcript.feed(b"ring: torn\n" + b"a" * 1500 + b"b\n" + b"a" * 1500 + b"b\nring: broken\n")
    first, endless, last = transcript.take().alarms
    assert (first, last) == ("ring: torn", "ring: broken")
    assert "stderr_patterns: the pattern '(a|aa)+$' does not come to an end" in endless


def test_an_alarm_is_seen_in_the_middle_of_a_flood() -> None:
    transcript = Transcript()
    for _ in range(3):
        transcript.feed(b"chatter\n" * 100_000)
        transcript.feed(b"panic: here\n")
    written = transcript.take()
    assert written.alarms == ("panic: here",) * 3
    assert len(written.records) == 501
    assert "lines left out" in written.records[100].message


def test_a_line_may_come_in_pieces_and_have_any_length() -> None:
    transcript = Transcript()
    for piece in (b"pan", b"ic: he", b"re\n", b"x" * 5_000_000, b"y\n\xff\x1b[2J\x00", b"unfinished"):
        transcript.feed(piece)
    assert transcript.lines(1) == transcript.tail(1) == [r"\xff\x1b[2J\x00unfinished"]
    written = transcript.take()
    assert written.alarms == ("panic: here",)
    texts = [record.message for record in written.records]
    assert texts == ["panic: here", "x" * 2000 + " …", r"\xff\x1b[2J\x00unfinished"]
    assert (transcript.take(), transcript.tail(9)) == (Written(), [])
    assert transcript.lines(1) == [r"\xff\x1b[2J\x00unfinished"]


def test_a_worker_passes_on_what_its_own_children_write(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else it would end with the worker, and nobody would see it."""
    monkeypatch.setattr(transcript_module, "_passed_on", [])
    read, write = os.pipe()
    pass_on(write)
    transcript = Transcript()
    transcript.feed(b"panic: \x1b in pieces")
    transcript.feed(b"\nand more\n")
    os.close(write)
    with os.fdopen(read, "rb") as stream:
        assert stream.read() == b"panic: \x1b in pieces\nand more\n"
    assert transcript.take().alarms == (r"panic: \x1b in pieces",)
