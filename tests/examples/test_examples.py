"""The projects in examples/ do what their pages say."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import Final

import pytest

from page_blocks import assert_shown, blocks_of

ROOT: Final = Path(__file__).parents[2]
EXAMPLES: Final = ROOT / "examples"
NAMES: Final = sorted(page.parent.name for page in EXAMPLES.glob("*/README.md"))
INSTALL: Final = "pip install harmony-conformance"
TOOLS: Final = {"kv": ("node", "go", "javac"), "steps-only": ("node",), "attach": ("node",)}
MADE: Final = shutil.ignore_patterns(".harmony", ".pytest_cache", "__pycache__", "bin", "classes", "dist", "*.sock")
# Cells that are quick, and have every sentence of the features.
QUICK: Final = {"kv": ["python_node", "node_python", "python_node_python"], "steps-only": [], "attach": []}


def environment(programs: Path) -> dict[str, str]:
    """Return variables in which programs come from one environment, and nothing else of this session does."""
    named = ("HARMONY_", "PYTEST_", "PYTHON", "COVERAGE", "VIRTUAL_ENV")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(named)}
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    return {**kept, "PATH": path, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "CI": "1", "NO_COLOR": "1"}


@pytest.fixture
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of an example, as git has it, beside nothing else."""
    name = str(request.param)
    if missing := [tool for tool in TOOLS[name] if shutil.which(tool) is None]:
        pytest.skip(f"there is no {', '.join(missing)}")
    return Path(shutil.copytree(EXAMPLES / name, tmp_path / name, ignore=MADE))


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment that has the harness from its wheel, and what that depends on."""
    place = tmp_path_factory.mktemp("installed")
    python = place / "environment" / "bin" / "python"
    venv.create(place / "environment", with_pip=True)
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")
    called(*pip, "wheel", "--no-deps", "--wheel-dir", str(place), str(ROOT / "harmony"))
    (wheel,) = place.glob("*.whl")
    called(*pip, "--python", str(python), "install", "-c", str(ROOT / "constraints.txt"), str(wheel))
    return python.parent


def called(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("project", NAMES, indirect=True)
def test_it_lints_and_plays(project: Path) -> None:
    """Nothing else finds, on each change, an example that the harness has left behind."""
    harmony = (sys.executable, "-m", "harmony")
    for words in (["lint"], ["run", *QUICK[project.name], "-j", "1"]):
        done = subprocess.run(
            [*harmony, *words],
            cwd=project,
            env=environment(Path(sys.executable).parent),
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_what_is_generated_in_it_is_as_it_would_be_now(tmp_path: Path) -> None:
    """`harmony new-driver NAME --renew` in examples/kv is due after a change of a template."""
    for driver in sorted((EXAMPLES / "kv" / "drivers").iterdir()):
        command = [sys.executable, "-m", "harmony", "new-driver", driver.name, "--renew", "--check"]
        done = subprocess.run(command, cwd=EXAMPLES / "kv", capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "has not got" not in done.stdout
        assert "that the contract has not" not in done.stdout


@pytest.mark.nightly
@pytest.mark.parametrize("project", NAMES, indirect=True)
def test_its_page_says_what_happens(project: Path, installed: Path) -> None:
    """Every command of the page, in one shell after the other, where nothing is but the example and the wheel."""
    blocks = [block for block in blocks_of((project / "README.md").read_text("utf-8")) if block.kind == "console"]
    commands = [command for block in blocks for command, _ in block.commands()]
    assert commands[0] == INSTALL
    shown = [line for block in blocks for line in block.text.splitlines() if line != f"$ {INSTALL}"]
    script = "\n".join(f"printf '%s\\n' {shlex.quote(f'$ {command}')}\n{command}" for command in commands[1:])
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=project,
        env=environment(installed),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=280,
        check=False,
    )
    assert_shown(shown, done.stdout)
