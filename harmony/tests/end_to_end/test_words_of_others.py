"""Whole runs with workers that say what no terminal and no file should be told."""

from __future__ import annotations

import contextlib
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from harmony.model import Verdict
from harmony.verdict.events import CellFinished, read_file
from peer import WORKERS
from pytests import ALONE, words_of_pytest
from sandbox import Sandbox, environment_of

ANIMAL = WORKERS / "animal.py"
FEATURE = """
    Feature: Zoo [/tmp]
      Scenario: 1.1 One puts and [/tmp] the other \x1b]0;renamed\x07 finds
        Given all processes are ready
        When the 'writer' process puts 'apple'
        Then the 'reader' process should find 'apple'
"""
STEPS = r"""
    from harmony import given, parsers, then, when


    class Zoo:
        @given("all processes are ready")
        def ready(self) -> None:
            raise NotImplementedError

        @when(parsers.re(r"the 'writer' process puts '(?P<name>.+)'"))
        def puts(self, name: str) -> None:
            raise NotImplementedError

        @then(parsers.re(r"the 'reader' process should find '(?P<name>.+)'"))
        def finds(self, name: str) -> None:
            raise NotImplementedError
"""
SPELLED = r"half \ud800, \x1b]0;renamed\x07\x1b[2J [/tmp] \u202egnp.exe"


@pytest.fixture
def zoo(sandbox: Sandbox) -> Sandbox:
    (sandbox.directory / "shared").mkdir()
    lines = ['steps = ["zoo_steps"]']
    for name in ("good", "half-a-character", "endless-error"):
        lines += [
            f"[platforms.{name}]",
            f'command = ["{{python}}", "-S", "{ANIMAL}", "{name}"]',
            f'environment = {{ZOO_DIR = "{sandbox.directory / "shared"}"}}',
        ]
    sandbox.write("harmony.toml", "\n".join(lines))
    sandbox.write("zoo_steps.py", STEPS)
    sandbox.write("features/1-zoo.feature", FEATURE)
    return sandbox


WORDS = ("--pairing", "good_half-a-character", "--pairing", "good", "--events", "x.ndjson", "--html", "x.html")


def verdicts(file: Path) -> list[Verdict]:
    """Read the verdicts of the hostile worker and the good one."""
    found = {one.pairing["writer"]: one.verdict for one in read_file(file) if isinstance(one, CellFinished)}
    return [found["half-a-character"], found["good"]]


def on_a_terminal(directory: Path, *words: str) -> tuple[int, str]:
    """Run pytest on a terminal, and return its exit code and all that the terminal was sent."""
    ours, theirs = pty.openpty()
    environment = {name: value for name, value in environment_of(**ALONE).items() if name not in {"CI", "NO_COLOR"}}
    with subprocess.Popen(
        words_of_pytest(*words), cwd=directory, env={**environment, "TERM": "xterm"}, stdin=theirs, stdout=theirs
    ) as process:
        os.close(theirs)
        told = b""
        with contextlib.suppress(OSError):  # a terminal that nobody holds any more cannot be read
            while data := os.read(ours, 65536):
                told += data
        os.close(ours)
    return process.returncode, told.decode(errors="replace")


@pytest.mark.parametrize("more", [("-n", "2"), ("-v",)], ids=["xdist", "verbose"])
def test_half_a_character_ends_no_run_and_reaches_no_terminal(zoo: Sandbox, more: tuple[str, ...]) -> None:
    done = zoo.pytest(*WORDS, *more)
    assert done.returncode == 1, done.stdout + done.stderr
    assert verdicts(zoo.directory / "x.ndjson") == [Verdict.FAILED, Verdict.PASSED]
    assert SPELLED in done.stdout
    assert "\x1b" not in done.stdout + done.stderr
    page = (zoo.directory / "x.html").read_text()
    assert SPELLED in page
    assert "\x1b" not in page


@pytest.mark.parametrize("more", [(), ("-v",)], ids=["live-line", "verbose"])
def test_a_title_gives_the_terminal_no_orders(zoo: Sandbox, more: tuple[str, ...]) -> None:
    """Brackets are markup to the library that draws; the escape would rename the window."""
    code, told = on_a_terminal(zoo.directory, *WORDS, *more)
    assert code == 1, told
    assert "INTERNALERROR" not in told
    assert verdicts(zoo.directory / "x.ndjson") == [Verdict.FAILED, Verdict.PASSED]
    assert "[/tmp] the other \\x1b]0;renamed\\x07 finds" in told
    assert "\x1b]0;" not in told
    assert "\x1b[2J" not in told


def test_an_endless_error_is_cut_in_its_middle(zoo: Sandbox) -> None:
    done = zoo.pytest("--pairing", "good_endless-error", "--html", "x.html", "--events", "x.ndjson")
    assert done.returncode == 1
    for text in (done.stdout, *((zoo.directory / name).read_text() for name in ("x.html", "x.ndjson"))):
        assert "characters left out" in text
        assert "begin" in text
        assert len(text) < 200_000


@pytest.mark.skipif(sys.platform == "darwin", reason="its file systems take no such name")
def test_a_file_name_that_is_no_text_ends_no_run(zoo: Sandbox) -> None:
    """Neither in parallel nor, when what failed runs again, in one process."""
    features, parallel = zoo.directory / "features", ("-n", "1")
    (features / "1-zoo.feature").rename(Path(os.fsdecode(os.fsencode(features) + b"/zoo-\xff.feature")))
    code, told = on_a_terminal(zoo.directory, *WORDS, *parallel)
    assert code == 1, told
    assert verdicts(zoo.directory / "x.ndjson") == [Verdict.FAILED, Verdict.PASSED]
    assert r"features/zoo-\udcff.feature:" in told
    assert "INTERNALERROR" not in told
    code, told = on_a_terminal(zoo.directory, *WORDS, *parallel, str(next(features.iterdir())))
    assert (code, "INTERNALERROR" in told) == (4, False), told
    again, told = on_a_terminal(zoo.directory, *WORDS, "--last-failed")
    assert (again, "1 failed" in told) == (1, True), told
