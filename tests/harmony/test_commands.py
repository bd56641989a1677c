"""Finds a command of README or docs that does not work, and one that nobody runs without saying why."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

import pytest

from harmony.cli.app import COMMANDS, loaded
from harmony.errors import ExitCode
from tests.harmony.pages import ROOT, Block, blocks, pages


@dataclass(frozen=True)
class Played:
    """A block that is run, as it stands, in a small project of two platforms.

    Attributes:
        page: Where it stands.
        first: Its first command.
        code: How it ends.
        before: What has been run there before.
        nightly: Whether it is left to the night.
    """

    page: str
    first: str
    code: int = ExitCode.OK
    before: str = ""
    nightly: bool = False


RECORDED: Final = "pytest -q --matrix --record DIR && cp $(ls DIR/* | head -n 1) FILE"
PLAYED: Final = (
    Played("docs/expectations.md", "./test.sh matrix", nightly=True),
    Played("docs/operations.md", "harmony lint"),
    Played("docs/reports.md", "harmony plan matrix *", code=ExitCode.FAILED, nightly=True),  # four shards are missing
    Played("docs/worker.md", "harmony up", nightly=True),
    Played(
        "docs/worker.md",
        "harmony replay *",
        before=RECORDED,
        nightly=True,
    ),
    Played("harmony/README.md", "harmony run", nightly=True),
)
# What is not, and why: a test or a gate that does the same, or a reason.
NOT_PLAYED: Final = (
    ("CONTRIBUTING.md", ".venv/bin/ruff *", "nox -s lint"),
    ("CONTRIBUTING.md", ".venv/bin/mypy", "nox -s types"),
    ("CONTRIBUTING.md", ".venv/bin/lint-imports", "nox -s imports"),
    ("CONTRIBUTING.md", ".venv/bin/pre-commit install", "the hooks of a clone are its owner's"),
    ("CONTRIBUTING.md", ".venv/bin/nox", "nox -s lint, nox -s types, nox -s imports, nox -s contract"),
    ("README.md", "./test.sh matrix", "nox -s matrix"),
    ("README.md", "./test.sh", "nox -s tests"),
    ("docs/drivers.md", "*", "tests/drivers/test_go.py"),
    ("docs/everyday.md", "pip install *", "an extra; ./test.sh --setup installs it"),
    ("docs/everyday.md", "harmony watch", "harmony/tests/watch/test_watch.py"),
    ("docs/everyday.md", "harmony steps *", "tests/harmony/test_editors.py"),
    ("docs/history.md", "harmony [ch]*", "harmony/tests/history/test_run_comparison.py"),
    ("docs/history.md", "harmony [bs]*", "harmony/tests/history/test_site.py"),
    ("docs/library.md", "pip install .", "nox -s package"),
    ("docs/library.md", "zerobuffer *", "tests/library/test_cli.py"),
    ("docs/mutants.md", "*", "tests/zoo/test_zoo.py"),
    ("docs/perf.md", "*", "harmony/tests/perf/test_perf_command.py"),
    ("docs/performance.md", "*python *", "tests/benchmarks/test_run.py"),
    ("docs/results.md", "harmony report *", "harmony/tests/end_to_end/test_relay.py"),
    ("docs/running.md", "pip install kv-suite", "tests/examples/test_examples.py"),
    ("docs/running.md", "harmony run --suite *", "tests/examples/test_examples.py"),
    ("docs/testing-the-core.md", "cmake *", "tests/library/test_core_build.py"),
    ("docs/testing-the-core.md", "python -m tests.model*", "tests/model/test_model.py"),
    ("docs/testing-the-core.md", "python -m tests.library.fuzz*", "tests/library/test_hostile.py"),
    ("docs/testing-the-core.md", "python -m benchmarks soak*", "tests/benchmarks/test_soak_run.py"),
    ("docs/worker.md", "python -m benchmarks*", "tests/benchmarks/test_steps.py"),
    ("docs/worker.md", "python -m execnet*", "harmony/tests/end_to_end/test_matrix.py"),
    ("docs/worker.md", "pytest /path*", "harmony/tests/end_to_end/test_matrix.py"),
    ("docs/your-language.md", "harmony new-driver *", "harmony/tests/new_driver/test_renewal.py"),
    ("docs/your-language.md", "harmony build *", "tests/harmony/new_driver/test_story.py"),
    ("docs/your-language.md", "harmony doctor *", "tests/harmony/doctor/test_command.py"),
    ("docs/your-language.md", "pytest *", "tests/harmony/new_driver/test_story.py"),
    ("drivers/cpp/README.md", "*", "tests/drivers/test_cpp.py"),
    ("drivers/csharp/README.md", "*", "tests/drivers/test_csharp.py"),
    ("drivers/go/README.md", "*", "tests/drivers/test_go.py"),
    ("drivers/rust/README.md", "*", "tests/drivers/test_rust.py"),
    ("examples/attach/README.md", "*", "tests/examples/test_examples.py"),
    ("examples/kv/README.md", "*", "tests/examples/test_examples.py"),
    ("examples/steps-only/README.md", "*", "tests/examples/test_examples.py"),
    ("harmony/README.md", "pip install harmony-conformance", "nox -s package"),
    ("harmony/README.md", "pip install '.[[]test]' *", "nox -s harness"),
    ("harmony/README.md", "harmony init kv", "nox -s package"),
    ("harmony/docs/doctor.md", "*", "harmony/tests/doctor/test_kettle.py"),
    ("harmony/docs/mutate.md", "pip install *", "an extra; ./test.sh --setup installs it"),
    ("harmony/docs/mutate.md", "harmony mutate *", "harmony/tests/mutate/test_mutate_command.py"),
    ("harmony/docs/your-protocol.md", "*", "harmony/tests/new_project/test_your_protocol.py"),
    ("subjects/mqtt/README.md", "*", "nox -s mqtt"),
    ("subjects/mqtt/RESULTS.md", "*", "each repeats a cell of the run that made the page"),
)

TOLD: Final = [block for page in pages() if page != "CHANGELOG.md" for block in blocks(page) if block.commands]
PROJECT: Final = """
[platforms.cpp]
command = ["{python}", "-m", "harmony", "serve"]
listen = ["{python}", "-m", "harmony", "serve", "--listen", "{socket}"]
lifetime = "session"
"""
FEATURE: Final = """Feature: Notes
  Scenario: 1.1 A note is read
    When the 'writer' process writes a note
    Then the 'reader' process reads a note
"""
STEPS: Final = '''from harmony import parsers, step


class Notes:
    """A step for each sentence."""

    @step(parsers.re(r"the '(?P<process>[^']+)' process (?:writes|reads) a note"))
    def does(self, process: str) -> None:
        assert process in {"reader", "writer"}
'''
DEADLINE: Final = 120.0


def is_played(played: Played, block: Block) -> bool:
    return played.page == block.page and fnmatch(block.commands[0], played.first)


def reasons(block: Block, command: str) -> list[str]:
    """Return why a command of a block is run, or is not."""
    said = [why for page, pattern, why in NOT_PLAYED if page == block.page and fnmatch(command, pattern)]
    shown = ["tests/harmony/test_console.py"] if block.language == "console" and block.page.startswith("docs/") else []
    return [*said, *shown, *(one.first for one in PLAYED if is_played(one, block))]


def test_commands_are_told_from_output_and_remarks() -> None:
    text = "$ harmony lint   # first\nno problem\n$ A='b c' ./test.sh 1.1 \\\n    --seed 7\n"
    assert Block("page", "", text).commands == ("harmony lint", "A='b c' ./test.sh 1.1 --seed 7")
    assert Block("page", "", "harmony expect    what would change\nexpected 1\n").commands == ("harmony expect",)
    assert Block("page", "sh", "unknown --word\n").commands == ("unknown --word",)
    assert Block("page", "python", "harmony lint\n").commands == ()


def test_every_command_is_run_or_it_is_said_why_not() -> None:
    every = [(block, command) for block in TOLD for command in block.commands]
    unsaid = [f"{block.page}: {command}" for block, command in every if len(reasons(block, command)) != 1]
    assert unsaid == [], "each stands once in PLAYED, or once in NOT_PLAYED with a reason"


def test_what_is_said_of_commands_is_about_commands_that_are_there() -> None:
    every = [(block.page, command) for block in TOLD for command in block.commands]
    stale = [
        (page, pattern)
        for page, pattern, _ in NOT_PLAYED
        if not any(page == where and fnmatch(command, pattern) for where, command in every)
    ]
    gone = [one.first for one in PLAYED if not any(is_played(one, block) for block in TOLD)]
    assert (stale, gone) == ([], [])
    gates = (ROOT / "noxfile.py").read_text("utf-8")
    for _, _, why in NOT_PLAYED:
        assert not why.endswith(".py") or (ROOT / why).is_file(), why
        assert [gate for gate in re.findall(r"nox -s (\w+)", why) if f"def {gate}(" not in gates] == [], why


def test_the_command_line_understands_every_command_of_harmony() -> None:
    for block in TOLD:
        for command in block.commands:
            program, *words = shlex.split(command)
            if program.endswith("harmony") and words != ["--help"]:
                assert words[0] in COMMANDS, f"{block.page}: {command}"
                loaded(words[0]).make_context(words[0], words[1:])


@pytest.mark.parametrize(
    "played",
    [
        pytest.param(one, id=f"{one.page}-{one.first}", marks=[pytest.mark.nightly] if one.nightly else [])
        for one in PLAYED
    ],
)
def test_a_block_of_commands_works_as_it_stands(played: Played, tmp_path: Path) -> None:
    block = next(block for block in TOLD if is_played(played, block))
    of_the_page = next(one.text for one in blocks("harmony/README.md") if one.language == "toml")
    for name, text in {
        "harmony.toml": of_the_page + PROJECT,
        "features/01-notes.feature": FEATURE,
        "steps/__init__.py": STEPS,
        "pytest.ini": "[pytest]\n",
        "driver": "#!/bin/sh\nexec python -m harmony serve\n",
        "test.sh": '#!/bin/sh\nexec pytest "$@"\n',
    }.items():
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, "utf-8")
    for name in ("driver", "test.sh"):
        (tmp_path / name).chmod(0o755)
    programs = Path(sys.executable).parent
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HARMONY_", "PYTEST_"))}
    script = "\n".join(["set -e", played.before, *block.commands])
    done = subprocess.run(
        ("bash", "-c", script),
        cwd=tmp_path,
        env={**kept, "PATH": f"{programs}:{kept['PATH']}", "PYTEST_XDIST_AUTO_NUM_WORKERS": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert done.returncode == played.code, done.stdout + done.stderr
