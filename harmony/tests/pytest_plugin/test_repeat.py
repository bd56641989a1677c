"""The line that a failure prints runs the same cell again, and nothing else, in a project that calls pytest."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from harmony.config_sources import read_settings
from harmony.errors import ConfigurationError
from harmony.project import load_project
from harmony.run.matrix_mode import MatrixMode, MatrixRequest
from harmony.run.project_run import Invocation, ProjectRun
from harmony.verdict.events import CellFinished, read_file
from pytests import ALONE, PLUGINS
from sandbox import Sandbox, environment_of

FEATURE = """
    Feature: Bells

      Scenario: Rings "twice" [or more], isn't it?
        Given the 'bell' process is struck
        Then the 'ear' process should hear nothing

      @stress
      Scenario: Rings
        Given the 'bell' process is struck
        Then the 'ear' process should hear nothing
"""
STEPS = """
    from harmony import given, then


    class BellSteps:
        @given("the 'bell' process is struck")
        def strike(self) -> None:
            self._struck = True

        @then("the 'ear' process should hear nothing")
        def hear(self) -> None:
            raise AssertionError("it rings")
"""
SETTINGS = """
    numbered = false
    steps = ["bell_steps"]
    [tags]
    stress = "on request"
    [platforms.brass]
    command = ["{python}", "-m", "harmony", "serve"]
    [platforms.tin]
    command = ["{python}", "-m", "harmony", "serve"]
    [platforms.brass_tin]
    command = ["{python}", "-m", "harmony", "serve"]
"""


# As if pytest had found them: the line says nothing of them.
FOUND = {**ALONE, "PYTEST_PLUGINS": ",".join(PLUGINS)}


@pytest.fixture
def bells(tmp_path: Path) -> Sandbox:
    sandbox = Sandbox(tmp_path)
    sandbox.write("conformance/harmony.toml", SETTINGS)
    sandbox.write("conformance/features/bells.feature", FEATURE)
    sandbox.write("conformance/bell_steps.py", STEPS)
    sandbox.write("pytest.ini", "[pytest]\ntestpaths = tests\nasyncio_default_fixture_loop_scope = function\n")
    sandbox.write("brass/readme", "a directory that is called as a platform")
    return sandbox


@pytest.mark.parametrize(
    ("words", "count"),
    [
        (("--stress",), 2),
        (("-n", "1", "--stress", "--scenario", "Rings"), 1),
        (("--pairing=bell=brass,ear=tin", "--harmony-set", "leaks.check=false"), 1),
    ],
    ids=["local", "local, in parallel", "matrix"],
)
def test_the_line_runs_the_same_cell_and_no_other(bells: Sandbox, words: tuple[str, ...], count: int) -> None:
    project = "--harmony-project=conformance/harmony.toml"
    first = bells.module("pytest", "--events=first.ndjson", project, *words, **FOUND)
    assert first.returncode == 1, first.stdout + first.stderr
    lines = {line.partition("repeat with: ")[2] for line in first.stdout.splitlines() if "repeat with: " in line}
    assert len(lines) == count, first.stdout
    cells = set()
    for line in lines:
        again = subprocess.run(
            f"{line} --events=again.ndjson",
            shell=True,
            cwd=bells.directory,
            env=environment_of(**FOUND),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert again.returncode == 1, f"{line}\n{again.stdout}{again.stderr}"
        told = read_file(bells.directory / "again.ndjson")
        (cell,) = [event for event in told if isinstance(event, CellFinished)]
        assert cell.error == "it rings"
        cells.add((cell.cell, cell.seed))
    assert cells == {
        (event.cell, event.seed)
        for event in read_file(bells.directory / "first.ndjson")
        if isinstance(event, CellFinished)
    }


def test_a_project_may_call_it_otherwise(bells: Sandbox) -> None:
    project = bells.directory / "conformance"
    bells.write("conformance/harmony.toml", f"repeat = './ring {{words}} @ {{seed}}'\n{SETTINGS}")
    run = ProjectRun(load_project(project), seed=7)
    run.invocation = Invocation("py.test", ["--stress"], project)
    cell = MatrixMode(run, MatrixRequest()).cells(run.scenarios[1:])[0]
    assert run.repeat(cell.scenario, cell.pairing) == "./ring brass_brass --scenario=Rings --stress @ 7"
    run.invocation = Invocation("py.test", [], bells.directory)
    (bells.directory / "brass_brass").mkdir()
    assert run.repeat(cell.scenario, cell.pairing) == "./ring --pairing=brass_brass --scenario=Rings @ 7"


def test_a_line_with_an_unknown_word_is_refused(sandbox: Sandbox) -> None:
    file = sandbox.write("harmony.toml", 'repeat = "./ring {wrods}"\n')
    with pytest.raises(ConfigurationError, match=r"repeat: .*wrods.*\{pytest\}, \{words\}, \{seed\}"):
        read_settings(file)
