"""``harmony run``: the matrix in words of its own, from its first line to its exit code."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import textwrap
import time
from pathlib import Path

import pytest
import typer

from bells import STEPS
from harmony.cli import run as command
from harmony.errors import ConfigurationError
from harmony.verdict.events import CellFinished, read_file
from pytests import ALONE
from sandbox import Sandbox, environment_of, run_python

FEATURE = """
    Feature: Bells
      Scenario: 1.1 A bell is heard
        Given the 'bell' process is struck
        Then the 'ear' process should hear 'it'

      @loud
      Scenario: 1.2 A bell is not heard
        Given the 'bell' process is struck
        Then the 'ear' process should hear 'nothing'

      @stress
      Scenario: 1.3 All day
        Given the 'bell' process is struck
        Then the 'ear' process should hear 'it'
"""
SETTINGS = """
    steps = ["bell_steps"]
    repeat = "./ring {words} {seed}"
    [tags]
    loud = "can be heard"
    stress = "on request"
    [platforms.brass]
    command = ["{python}", "-m", "harmony", "serve"]
    lifetime = "session"
    [platforms.tin]
    command = ["{python}", "-m", "harmony", "serve"]
    lifetime = "session"
"""
GREEN = """\
harmony: seed 7
1 cell
■ Bells: 1 passed (# s)

==================================== matrix ====================================
bell \\ ear  tin
brass       ■ 1

1 cells: 1 passed
report: .harmony/matrix.html
"""
NIGHT = """
    Feature: Night
      Scenario: 2.1 It never rings
        Given the 'bell' process hangs
        Then the 'ear' process should hear 'it'
"""
HANGS = """

    @given("the 'bell' process hangs")
    def hang(self) -> None:
        import time
        time.sleep(600)
"""
NOISE = ("test session starts", "collected", "rootdir", "plugins:", "bringing up", "FAILURES", "short test summary")


@pytest.fixture
def bells(tmp_path: Path) -> Sandbox:
    sandbox = Sandbox(tmp_path)
    sandbox.write("pytest.ini", "[pytest]\naddopts = --of-somebody-else\n")
    sandbox.write("conftest.py", "raise RuntimeError('of somebody else')\n")
    sandbox.write("bells/harmony.toml", SETTINGS)
    sandbox.write("bells/features/bells.feature", FEATURE)
    sandbox.write("bells/bell_steps.py", STEPS)
    return sandbox


def run(box: Sandbox, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return box.harmony("run", *words, **ALONE, **environment)


OWN = "addopts = -ra -v --maxfail=1\nconsole_output_style = count\n"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("", ""),
        ("pytest.ini", f"[pytest]\n{OWN}"),
        ("pyproject.toml", "[tool.other]\n"),
        ("tox.ini", f"[pytest]\n{OWN}"),
    ],
)
def test_a_green_run_says_what_ran_and_nothing_of_pytest(bells: Sandbox, name: str, text: str) -> None:
    """What lies above the project configures another one; plugins that are here for another one say nothing."""
    own = Sandbox(bells.directory / "bells")
    if name:
        own.write(name, text)
    done = own.harmony("run", "brass_tin", "1.1", "--seed", "7")
    assert (re.sub(r"\([\d.]+ s", "(# s", done.stdout), done.stderr, done.returncode) == (GREEN, "", 0)


def test_the_configuration_of_the_project_itself_counts(bells: Sandbox) -> None:
    own = Sandbox(bells.directory / "bells")
    own.write("pytest.ini", "[pytest]\naddopts = --of-its-own\n")
    done = run(own, "brass_tin", "1.1")
    assert "--of-its-own" in done.stderr
    assert done.returncode == 4


def test_a_red_run_from_outside_says_how_to_repeat_it(bells: Sandbox) -> None:
    """The line repeats the cell with its seed, its platform and its project, whichever way the project says it."""
    bells.write("mine", f"#!/bin/sh\nexec {sys.executable} -m harmony serve\n").chmod(0o755)
    words = ("--project", "bells", "--platform", "mine=./mine", "--platform", "tin", "-j", "2", "--events=first.ndjson")
    first = run(bells, *words)
    assert first.returncode == 1, first.stdout + first.stderr
    assert [word for word in NOISE if word in first.stdout] == []
    assert "harmony: bells: seed " in first.stdout
    cells = _cells(bells.directory / "first.ndjson")
    # What does not have mine in it is somebody else's.
    assert {cell.partition("[")[2] for cell in cells} == {
        "bell=mine,ear=mine]",
        "bell=mine,ear=tin]",
        "bell=tin,ear=mine]",
    }
    red = {name: seed for name, (verdict, seed) in cells.items() if verdict == "failed"}
    assert {name.partition("[")[0] for name in red} == {"1.2"}
    (line, *_) = re.findall(r"repeat with: (.*)", first.stdout)
    assert "harmony run " in line
    again = subprocess.run(
        f"{line} --events=again.ndjson",
        shell=True,
        cwd=bells.directory,
        env=environment_of(**ALONE),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert again.returncode == 1, f"{line}\n{again.stdout}{again.stderr}"
    ((name, (verdict, seed)),) = _cells(bells.directory / "again.ndjson").items()
    assert (verdict, red[name]) == ("failed", seed)


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_steps_are_told_with_role_time_and_verdict(bells: Sandbox, jobs: str) -> None:
    """Side by side each line says whose it is; one after the other the lines of a cell stand below its name."""
    done = run(Sandbox(bells.directory / "bells"), "-v", "-j", jobs, "@loud", "brass", "tin")
    assert done.returncode == 1, done.stdout + done.stderr
    told = [line for line in done.stdout.partition("=====")[0].splitlines()[2:] if "repeat with: " not in line]
    lines = [re.sub(r"[\d.]+ (ms|s) ", r"# \1 ", re.sub(r" +", " ", line)).strip() for line in told if line]
    steps = ["passed # ms bell: Given the 'bell' process is struck"]
    steps += ["failed # ms ear: Then the 'ear' process should hear 'nothing'", "= failed # s it rings"]
    if jobs == "1":
        headings = [f"1.2 A bell is not heard [bell={one},ear={one}]" for one in ("brass", "tin")]
        assert lines == [headings[0], *steps, headings[1], *steps]
    else:
        assert sorted(lines) == sorted(f"1.2 {one} | {step}" for one in ("brass_brass", "tin_tin") for step in steps)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("1.9",), 4, "no scenario is called '1.9'\n  hint: the nearest are"),
        (("--platform", "tim"), 4, "there is no platform 'tim'\n  hint: did you mean 'tin'?"),
        (("@luod",), 4, "no tag is called 'luod'\n  hint: did you mean 'loud'?"),
        (("--shard", "3/2"), 4, "'3/2' is no shard"),
        (("-j", "many"), 4, "harmony run --help`"),
        (("--min-pass-rate", "90"), 4, "--min-pass-rate"),
        (("--tin",), 4, "No such option: --tin"),
        (("1.3",), 5, "add --with-tag stress"),
        (("--platform", "mine=./nothing"), 7, "mine is not available: there is no program"),
        (("--set", "xyz=1"), 7, "xyz: there is no such key"),
        (("--project", ".."), 7, "no harmony.toml in"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_is_wrong_is_said_as_everywhere(bells: Sandbox, words: tuple[str, ...], code: int, said: str) -> None:
    done = run(Sandbox(bells.directory / "bells"), *words)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith("harmony: ")
    assert said in done.stderr
    assert "ERROR" not in done.stderr


def test_lint_stops_a_run(bells: Sandbox) -> None:
    bells.write("bells/features/more.feature", "Feature: M\n  Scenario: 2.1 M\n    Then all is well\n")
    done = run(Sandbox(bells.directory / "bells"))
    assert done.returncode == 6
    assert "more.feature:3: undefined" in done.stderr
    assert done.stderr.endswith("harmony: lint: 1 problem, listed above\n")


def test_what_failed_runs_again_and_a_rate_is_a_gate(bells: Sandbox) -> None:
    """Of four cells two are red; ``--last-failed`` runs these, wherever it is called; behind ``--`` is pytest's."""
    nothing = run(bells, "--project", "bells", "--last-failed")
    assert (nothing.returncode, "nothing failed when it last ran" in nothing.stdout) == (5, True), nothing.stdout
    words = ("--project", "bells", "brass", "tin", "--min-pass-rate")
    forgiven = run(bells, *words, "0.5")
    assert forgiven.returncode == 0, forgiven.stdout + forgiven.stderr
    assert "pass rate 0.5000, at least 0.5 is asked for: 2 red forgiven" in forgiven.stdout
    again = run(Sandbox(bells.directory / "bells"), "--last-failed", "--min-pass-rate", "0.5", "--", "-k", "ear:tin")
    assert again.returncode == 15, again.stdout + again.stderr
    assert "pass rate 0.0000, at least 0.5 is asked for: too low" in again.stdout
    assert "1 cells: 1 failed" in again.stdout


def test_a_tag_that_runs_on_request_is_a_request(bells: Sandbox) -> None:
    done = run(Sandbox(bells.directory / "bells"), "--tag", "stress", "tin")
    assert "1 cells: 1 passed" in done.stdout


def test_several_cells_at_a_time_take_a_plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command.importlib.util, "find_spec", lambda _: None)
    assert command._parallel("auto") == command._parallel("1") == []
    with pytest.raises(ConfigurationError, match=r"harmony-conformance\[parallel\]"):
        command._parallel("2")
    with pytest.raises(typer.BadParameter):
        command._parallel("many")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {}),
        ({"PYTHONDONTWRITEBYTECODE": "1"}, {"PYTHONPYCACHEPREFIX": "bells/.harmony/bytecode"}),
        ({"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPYCACHEPREFIX": "own"}, {"PYTHONPYCACHEPREFIX": "own"}),
    ],
    ids=["as-ever", "forbidden", "elsewhere"],
)
def test_what_one_python_has_compiled_the_next_one_finds(
    monkeypatch: pytest.MonkeyPatch, before: dict[str, str], after: dict[str, str]
) -> None:
    environment = dict(before)
    monkeypatch.setattr(command.os, "environ", environment)
    command._keep_bytecode(Path("bells"))
    assert environment == after


def _cells(file: Path) -> dict[str, tuple[str, int]]:
    return {one.cell: (one.verdict.value, one.seed) for one in read_file(file) if isinstance(one, CellFinished)}


def test_on_a_terminal_it_is_drawn_and_broken_off_it_still_reports(bells: Sandbox) -> None:
    """Each red cell is told once, above what is drawn; ^C leaves every report, and the terminal as it was."""
    own = Sandbox(bells.directory / "bells")
    own.write("features/night.feature", NIGHT)
    own.write("bell_steps.py", f"{textwrap.dedent(STEPS)}{textwrap.indent(textwrap.dedent(HANGS), '    ')}")
    ours, theirs = pty.openpty()
    before = termios.tcgetattr(theirs)
    environment = {name: value for name, value in environment_of(**ALONE).items() if name not in {"CI", "NO_COLOR"}}
    words = ["run", "1.2", "2.1", "brass", "tin", "-j", "1", "--report=junit=junit.xml", "--seed=7"]
    with subprocess.Popen(
        [sys.executable, "-m", "harmony", *words],
        cwd=own.directory,
        env={**environment, "COLUMNS": "100", "TERM": "xterm"},
        stdin=theirs,
        stdout=theirs,
    ) as process:
        told, asked = b"", False
        end = time.monotonic() + 60
        while time.monotonic() < end and (process.poll() is None or select.select([ours], [], [], 0)[0]):
            if select.select([ours], [], [], 0.1)[0]:
                told += os.read(ours, 4096)
            if not asked and b"process hangs" in told:
                asked = True
                process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 2, told.decode()
    assert termios.tcgetattr(theirs) == before
    assert told.rindex(b"\x1b[?25h") > told.rindex(b"\x1b[?25l"), "the cursor is seen again"
    for descriptor in (ours, theirs):
        os.close(descriptor)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", told.decode())
    during, _, after = text.partition("= causes =")
    # What comes after the interruption may be of a worker that had to be killed.
    red, _, _ = during.partition("process hangs")
    assert red.count("failed 1.2 A bell is not heard [") == 2
    assert red.count("repeat with: ") == 1
    assert re.search(r"2 of 4 cells · 0:\d\d · .*2 failed", during)
    assert re.search(r"✗{10} +2/2 Bells", during)
    assert "broken off after 2 of 4 cells" in during
    assert re.search(r"2\.1 brass_brass played for [\d.]+ s: Given the 'bell' process hangs", during)
    assert "KeyboardInterrupt" not in text
    assert "report: .harmony/matrix.html" in after
    for file in (own.directory / ".harmony/matrix.html", own.directory / "junit.xml"):
        assert "the run was broken off: it was interrupted" in file.read_text("utf-8")
    again = own.harmony("report")
    assert (again.returncode, "the run was broken off" in again.stderr) == (2, True), again.stdout


def test_an_encoding_without_squares_gets_ascii_and_a_workflow_gets_folds(bells: Sandbox) -> None:
    """Of the run, which is another process than the command, and of the command itself."""
    own = Sandbox(bells.directory / "bells")
    variables = {**ALONE, "PYTHONIOENCODING": "cp1252", "GITHUB_ACTIONS": "true"}
    words = ("-m", "harmony", "run", "brass_tin", "-j", "1")
    done = run_python(own.directory, *words, **variables)
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search(r"^::group::x Bells: 1 passed, 1 failed \([\d.]+ s\)$", done.stdout, re.MULTILINE)
    assert "brass       x 1/2" in done.stdout
    stop, *_, go = done.stdout.splitlines()
    assert (stop.startswith("::stop-commands::"), go) == (True, f"::{stop.removeprefix('::stop-commands::')}::")
    again = run_python(own.directory, "-m", "harmony", "report", **variables)
    assert (again.returncode, "brass       x 1/2" in again.stdout, again.stderr) == (1, True, "")
