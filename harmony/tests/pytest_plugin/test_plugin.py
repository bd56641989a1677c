"""Scenarios as pytest items, run as a person runs them: in a process of their own."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest

from sandbox import SUBJECT, Sandbox

FEATURE = """
    Feature: Counting

      Scenario: 1.1 Up
        Given the 'counter' process starts at '1'
        When the 'counter' process adds '2'
        Then the 'counter' process should show '3'

      @slow
      Scenario: 1.2 Wrong
        Given the 'counter' process starts at '1'
        When the 'counter' process adds '2'
        Then the 'counter' process should show '4'
        And the 'counter' process should show '5'

      @stress
      Scenario: 1.3 Often
        Given the 'counter' process starts at '0'
        Then the 'counter' process should show '0'

      Scenario: 1.4 Elsewhere
        Given the 'counter' process needs a sundial
        Then the 'counter' process should show '0'
"""

STEPS = """
    from harmony import given, Logger, parsers, performance_critical, then, UnsupportedError, when


    class CounterSteps:
        def __init__(self, logger: Logger) -> None:
            self._logger = logger
            self._value = 0

        @given(parsers.re(r"the '([^']+)' process starts at '(\\d+)'"))
        async def start(self, process: str, value: int) -> None:
            self._value = value
            self._logger.info("starting", value=value)

        @when(parsers.re(r"the '([^']+)' process adds '(\\d+)'"))
        @performance_critical(threshold_ms=10_000)
        def add(self, process: str, value: int) -> None:
            self._value += value

        @then(parsers.re(r"the '([^']+)' process should show '(\\d+)'"))
        def show(self, process: str, value: int) -> None:
            assert self._value == value

        @given(parsers.re(r"the '([^']+)' process needs a sundial"))
        def sundial(self, process: str) -> None:
            raise UnsupportedError("no sundial here")
"""


@pytest.fixture
def counting(sandbox: Sandbox) -> Sandbox:
    sandbox.write("features/01-counting.feature", FEATURE)
    sandbox.write("steps.py", STEPS)
    sandbox.write("test_other.py", "def test_other():\n    pass\n")
    return sandbox


def test_scenarios_are_items_and_failures_can_be_acted_on(counting: Sandbox) -> None:
    done = counting.pytest("-rsf", "-v", "--seed", "77", "--timings", "--junitxml", "out.xml")
    assert done.returncode == 1, done.stdout
    for expected in (
        "--seed=77",
        "features/01-counting.feature::1.1 Up PASSED",
        "features/01-counting.feature::1.2 Wrong FAILED",
        "test_other.py::test_other PASSED",
        "1 failed, 2 passed, 1 skipped, 1 deselected",
        "features/01-counting.feature:20: unsupported: no sundial here",
        "Counting: 1.2 Wrong",
        "FAILED features/01-counting.feature::1.2 Wrong - failed: assert 3 == 4",
        ">   Then the 'counter' process should show '4'",
        "assert 3 == 4",
        "And the 'counter' process should show '5'    (not run)",
        "log of counter:",
        "starting value=1",
        "pytest 1.2 --seed 77",
        "1.1 Up: CounterSteps.add: n=1",
    ):
        assert expected in done.stdout, f"{expected}\n{done.stdout}"
    assert "Traceback" not in done.stdout
    cases = {case.get("name"): case for case in ET.parse(counting.directory / "out.xml").iter("testcase")}
    properties = {one.get("name"): one.get("value") for one in cases["1.2 Wrong"].iter("property")}
    assert properties["verdict"] == "failed"
    assert properties["seed"] == "77"
    assert float(properties["cpu_seconds"]) >= 0
    assert "memory_mb" in properties


@pytest.mark.parametrize(
    ("arguments", "summary"),
    [
        (("--scenario", "1.1"), "1 passed, 3 deselected"),
        (("1.1", "--scenario", "1.3", "--stress"), "2 passed, 2 deselected"),
        (("--with-tag", "stress", "-k", "Often"), "1 passed, 4 deselected"),
        (("-m", "slow", "features"), "1 failed, 3 deselected"),
        (("-k", "1.1"), "1 passed, 4 deselected"),
        (("features/01-counting.feature::1.1 Up",), "1 passed"),
        (("1.1", "-n", "2", "COUNTING"), "1 failed, 1 passed, 1 skipped"),
        (("--harmony-set", 'opt_in=["slow"]', "-k", "Often or Wrong"), "1 passed, 4 deselected"),
        (("-x", "-p", "no:randomly", "features"), "1 failed, 1 passed, 1 deselected"),
    ],
)
def test_selection(counting: Sandbox, arguments: tuple[str, ...], summary: str) -> None:
    done = counting.pytest("-q", *arguments)
    assert summary in done.stdout, done.stdout


def test_a_tag_of_a_declared_family_is_a_marker(counting: Sandbox) -> None:
    counting.write("features/01-counting.feature", FEATURE.replace("@slow", "@clause:3.2"))
    assert counting.pytest("-q", "--strict-markers", "features").returncode == 6
    counting.write("harmony.toml", 'steps = ["steps"]\n[tags]\n"clause:*" = "proves a clause"\nstress = "bounded"\n')
    done = counting.pytest("-q", "--strict-markers", "-m", "clause_3_2", "features")
    assert "1 failed, 3 deselected" in done.stdout, done.stdout


def test_the_last_failure_runs_first(counting: Sandbox) -> None:
    counting.write("pytest.ini", "[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    counting.pytest("-q")
    done = counting.pytest("--lf", "-v")
    assert "1 failed" in done.stdout
    assert "1.2 Wrong" in done.stdout
    assert "passed" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--scenario", "1.7"), 4, "the nearest are"),
        (("nowhere",), 4, "no scenario is called 'nowhere'"),
        (("features/none.feature::1.1 Up",), 4, "file or directory not found"),
        (("--scenario", "1.3"), 5, "add --with-tag stress"),
        (("-k", "nothing_at_all"), 5, "deselected"),
        (("--scenario", "9.9", "-n", "2"), 4, "no scenario is called '9.9'"),
    ],
)
def test_nothing_selected_is_never_a_pass(
    counting: Sandbox, arguments: tuple[str, ...], code: int, message: str
) -> None:
    done = counting.pytest("-q", *arguments)
    assert done.returncode == code, done.stdout + done.stderr
    assert message in done.stdout + done.stderr


@pytest.mark.parametrize("more", [(), ("-n", "2"), ("--scenario", "1.1"), ("features/01-counting.feature",)])
def test_lint_stops_everything_before_anything_runs(counting: Sandbox, more: tuple[str, ...]) -> None:
    counting.write("features/02-more.feature", "Feature: M\n  Scenario: 2.1 M\n    Then nobody knows\n")
    done = counting.pytest("-q", *more)
    assert done.returncode == 6
    assert "02-more.feature:3: undefined: no step definition matches: Then nobody knows" in done.stderr
    assert "passed" not in done.stdout


def test_other_tests_do_not_wait_for_the_features(counting: Sandbox) -> None:
    counting.write("features/02-more.feature", "Feature: M\n  Scenario: 2.1 M\n    Then nobody knows\n")
    assert counting.pytest("-q", "test_other.py").returncode == 0


def test_without_a_project_the_plugin_is_silent_unless_asked(sandbox: Sandbox) -> None:
    (sandbox.directory / "harmony.toml").unlink()
    sandbox.write("test_other.py", "def test_other():\n    pass\n")
    assert sandbox.pytest("-q").returncode == 0
    done = sandbox.pytest("-q", "--scenario", "1.1")
    assert (done.returncode, "harmony.toml" in done.stderr) == (4, True)


def test_a_wrong_setting_is_said_first(counting: Sandbox) -> None:
    counting.write("harmony.toml", "steps = 5\n")
    done = counting.pytest("-q")
    assert done.returncode == 4
    assert "harmony.toml: steps:" in done.stderr


@pytest.mark.parametrize(
    ("text", "cause"), [("x = = 1", "SyntaxError"), ("import nowhere", "nowhere"), ("1 / 0", "steps.py:1")]
)
def test_steps_that_cannot_be_imported_are_named(counting: Sandbox, text: str, cause: str) -> None:
    counting.write("steps.py", text)
    done = counting.pytest("-q")
    assert done.returncode == 7
    assert "module 'steps' cannot be imported" in done.stderr
    assert cause in done.stderr
    assert "INTERNALERROR" not in done.stdout


def test_a_failure_in_parallel_says_as_much(counting: Sandbox) -> None:
    done = counting.pytest("-q", "-n", "2")
    assert "FAILED features/01-counting.feature::1.2 Wrong - failed: assert 3 == 4" in done.stdout
    assert ">   Then the 'counter' process should show '4'" in done.stdout


def test_the_seed_repeats_what_is_random(sandbox: Sandbox) -> None:
    sandbox.write("features/01-dice.feature", "Feature: D\n  Scenario: 1.1 D\n    Then the 'player' process throws\n")
    sandbox.write(
        "steps.py",
        """
        import pathlib
        from random import Random
        from harmony import parsers, then

        class DiceSteps:
            def __init__(self, random: Random) -> None:
                self._random = random

            @then("the 'player' process throws")
            def throw(self) -> None:
                with pathlib.Path("thrown").open("a") as file:
                    file.write(f"{self._random.random()}\\n")
        """,
    )
    for arguments in (("--seed", "5"), ("--seed", "5", "-n", "1"), ()):
        assert sandbox.pytest("-q", *arguments).returncode == 0
    assert sandbox.pytest("-q", HARMONY_SEED="5").returncode == 0
    thrown = (sandbox.directory / "thrown").read_text().split()
    assert thrown[0] == thrown[1] == thrown[3] != thrown[2]


def test_the_second_subject_runs_in_parallel() -> None:
    """A project of another kind, with roles, rules, outlines, tables, background work and a killed process."""
    words = ("-q", "-p", "no:cacheprovider", "--rootdir", str(SUBJECT), "-c", "/dev/null", "-n", "2")
    done = Sandbox(SUBJECT).pytest(*words)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "8 passed" in done.stdout


def test_live_progress_shows_on_a_terminal_only(counting: Sandbox) -> None:

    main, terminal = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "pytest", "features"],
        cwd=counting.directory,
        env={"TERM": "xterm", "PATH": "/usr/bin:/bin"},
        stdin=subprocess.DEVNULL,
        stdout=terminal,
        stderr=terminal,
    ) as process:
        os.close(terminal)
        shown = b""
        try:
            while chunk := os.read(main, 65536):
                shown += chunk
        except OSError:  # the terminal hangs up when the process ends
            pass
        os.close(main)
        assert process.wait(60) == 1
    text = shown.decode()
    assert re.search(r"failed .+\]: ", text)
    assert "3 of 3 cells" in text
    assert "1 failed" in text
