"""What `harmony init` has written plays: in each language, in every pairing, with nothing else done."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from harmony.new_driver.languages import LANGUAGES
from harmony.new_project.blueprint import Blueprint
from new_drivers.made import is_built_here
from sandbox import Sandbox

INI: Final = "[pytest]\naddopts = -p no:cacheprovider\nasyncio_default_fixture_loop_scope = function\n"
HERE: Final = [name for name, language in LANGUAGES.items() if is_built_here(language)]
# Each language once on either side.
RING: Final = [f"{one}_{other}" for one, other in zip(HERE, [*HERE[1:], HERE[0]], strict=True)]
FORMATTERS: Final = [
    ("python", "*.py", [sys.executable, "-m", "ruff", "format", "--isolated", "--check", "--line-length", "120"]),
    ("python", "*.py", [sys.executable, "-m", "ruff", "check", "--isolated", "--extend-select", "I"]),
    ("go", "*.go", ["gofmt", "-d"]),
    ("rust", "*.rs", ["rustfmt", "--edition", "2021", "--check"]),
    ("cpp", "*.hpp", ["clang-format", "--dry-run", "-Werror"]),
]


def project(
    directory: Path, *languages: str, roles: tuple[str, ...] = ("client", "server"), apart: bool = False
) -> Sandbox:
    """Write a project; its pytest has a configuration only so that nothing of this session's gets in."""
    box = Sandbox(directory)
    for path, text in Blueprint(roles, tuple(LANGUAGES[name] for name in languages), apart=apart).files().items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_text(text, "utf-8")
    box.write("pytest.ini", INI)
    return box


def told_by(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def commands_of(text: str) -> list[list[str]]:
    """Return the commands of the first block of a page."""
    block = text.split("```")[1]
    return [line.partition("#")[0].split() for line in block.strip().splitlines()]


def test_its_readme_says_what_can_be_done(tmp_path: Path) -> None:
    """`pip install` is for the test of the package, in an empty environment; the doctor is examined elsewhere."""
    box = project(tmp_path, "python")
    install, *commands = commands_of((tmp_path / "README.md").read_text("utf-8"))
    assert install == ["pip", "install", "harmony-conformance"]
    said = {" ".join(command): told_by(box.harmony(*command[1:], *quick(command))) for command in commands}
    assert "3 cells: 3 passed" in said["harmony run"]
    assert "1 cells: 1 passed" in said["harmony run 1.1"]
    assert "KeyValueSteps.sets  conformance/steps.py:" in said["harmony explain 1.1"]
    assert "3 scenarios, no problem" in said["harmony lint"]
    assert re.search(r"\n\d+ ok in", said["harmony doctor python"])


def quick(command: list[str]) -> list[str]:
    """Return what makes a command cheaper, and no other."""
    return {"run": ["-j", "1"], "doctor": ["--only", "errors"]}.get(command[1], [])


def test_every_language_plays_with_another(tmp_path: Path) -> None:
    """Nothing else finds a driver that builds no more, or whose verbs another language does not understand."""
    box = project(tmp_path, *HERE)
    said = told_by(box.harmony("run", *RING, "-j", "1", CARGO_PROFILE_DEV_DEBUG="0"))
    assert f"{3 * len(HERE)} cells: {3 * len(HERE)} passed" in said
    assert "warning" not in said.lower()


@pytest.mark.nightly
@pytest.mark.parametrize("language", HERE)
def test_every_language_plays_with_this_one_and_the_doctor_finds_nothing(language: str, tmp_path: Path) -> None:
    box = project(tmp_path, *HERE)
    told_by(box.harmony("build"))
    pairings = {f"{language}_{other}" for other in HERE} | {f"{other}_{language}" for other in HERE}
    cells = 3 * len(pairings)
    assert f"{cells} cells: {cells} passed" in told_by(box.harmony("run", *sorted(pairings), "-j", "1"))
    told_by(box.harmony("doctor", language))


def test_a_third_role_plays_too_and_an_editor_runs_pytest(tmp_path: Path) -> None:
    """Without pairings, the platform that the project names plays all roles."""
    box = project(tmp_path, "python", roles=("writer", "reader", "keeper"))
    assert "3 passed" in told_by(box.pytest())


def test_the_tests_of_a_project_that_was_there_run_as_before(tmp_path: Path) -> None:
    box = project(tmp_path, "python", apart=True)
    box.write("pytest.ini", f"{INI}testpaths = tests\n")
    box.write("tests/test_shop.py", "def test_shop():\n    assert True\n")
    box.write("features/shop.feature", "Feature: Shop\n  Scenario: Nobody has numbered this\n    Given a shop\n")
    assert "1 passed" in told_by(box.pytest())
    assert "3 cells: 3 passed" in told_by(box.harmony("run", "-j", "1"))
    assert "no problem" in told_by(box.harmony("lint"))


@pytest.mark.parametrize(
    ("language", "pattern", "formatter"),
    FORMATTERS,
    ids=[f"{one}-{Path(tool[2 if one == 'python' else 0]).name}" for one, _, tool in FORMATTERS],
)
def test_it_is_written_as_the_language_is(language: str, pattern: str, formatter: list[str], tmp_path: Path) -> None:
    if shutil.which(formatter[0]) is None:
        pytest.skip(f"there is no {formatter[0]}")
    project(tmp_path, language)
    folder = tmp_path / "drivers" / language
    files = sorted(map(str, folder.rglob(pattern)))
    assert len(files) >= 2
    done = subprocess.run([*formatter, *files], cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout if language == "go" else "") == (0, ""), done.stdout + done.stderr


def test_its_python_is_clean_with_the_defaults_of_the_tools(tmp_path: Path) -> None:
    project(tmp_path, "python")
    commands = [
        ["ruff", "check", "--isolated", "--extend-select", "I", "."],
        ["ruff", "format", "--isolated", "--check", "conformance"],
    ]
    if shutil.which("mypy", path=Path(sys.executable).parent):
        commands.append(["mypy", "--strict", "--no-incremental", "."])
    for command in commands:
        done = subprocess.run(
            [sys.executable, "-m", *command],
            cwd=tmp_path,
            env={name: value for name, value in os.environ.items() if name != "MYPYPATH"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
