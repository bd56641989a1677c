"""`harmony new-driver` as a person meets it."""

from __future__ import annotations

import sys
from pathlib import PurePosixPath

import pytest
from typer.testing import CliRunner

from harmony.cli.app import app
from harmony.config import Settings
from harmony.config_sources import read_settings
from harmony.errors import ConfigurationError
from harmony.new_driver.languages import LANGUAGES
from sandbox import Sandbox

PROJECT = """
steps = []

[driver]
contract = "new_drivers.contracts:JUKEBOX"
scenario = "7.7"
"""


@pytest.fixture
def project(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    monkeypatch.chdir(sandbox.directory)
    monkeypatch.setattr(sys, "path", list(sys.path))
    sandbox.write("harmony.toml", PROJECT.lstrip("\n"))
    return sandbox


def run(*arguments: str) -> str:
    """Run the command in this process, which is quicker; return what it printed."""
    done = CliRunner().invoke(app, ["new-driver", *arguments])
    if done.exception is not None:
        raise done.exception
    return done.stdout


def settings(project: Sandbox) -> Settings:
    return read_settings(project.directory / "harmony.toml")


def test_it_writes_a_driver_and_says_what_comes_next(project: Sandbox) -> None:
    done = project.harmony("new-driver", "box", "--language", "python")
    assert done.returncode == 0, done.stderr
    written = {path.name for path in (project.directory / "drivers/box").iterdir()}
    assert written == {".gitignore", "README.md", "contract.py", "driver.py"}
    assert "drivers/box/driver.py\n" in done.stdout
    assert "Add to harmony.toml" in done.stdout
    assert '[platforms.box]\ncontract = "driver"\ncommand = ["{python}", "drivers/box/driver.py"]\n' in done.stdout
    assert done.stdout.endswith(
        "Next:\n  harmony build box\n  harmony doctor box\n  pytest --pairing box --scenario 7.7\n"
    )
    assert settings(project).platforms == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_register_adds_an_entry_that_the_project_file_takes(project: Sandbox, language: str) -> None:
    assert "harmony.toml: added [platforms.box]" in run("box", "--language", language, "--register")
    text = (project.directory / "harmony.toml").read_text("utf-8")
    assert text.startswith(PROJECT.lstrip("\n") + "\n[platforms.box]\n")
    platform = settings(project).platforms["box"]
    assert (platform.contract, platform.capabilities) == ("driver", frozenset())
    assert any("drivers/box" in word for word in (*platform.command, *platform.build))
    assert bool(platform.build) == bool(platform.sources)


def test_it_is_ready_after_its_first_command(project: Sandbox) -> None:
    run("box", "--language", "python", "--register")
    done = project.harmony("build", "box")
    assert (done.returncode, done.stdout) == (0, "box: ready\n"), done.stderr


def test_it_can_be_anywhere(project: Sandbox) -> None:
    run("box", "--language", "go", "--directory", "elsewhere/a box", "--register")
    assert (project.directory / "elsewhere/a box/verbs.go").is_file()
    assert settings(project).platforms["box"].command == ("elsewhere/a box/bin/driver",)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["Box", "--language", "go"], "'Box' cannot name a platform"),
        (["b_x", "--language", "go"], "'b_x' cannot name a platform"),
        (["../x", "--language", "go"], "'../x' cannot name a platform"),
        (["old", "--language", "go"], "there is a platform 'old' already"),
        (["box", "--language", "go", "--directory", "full"], "full is not empty"),
        (["box", "--language", "go", "--directory", "full/file"], "full/file is no directory"),
    ],
)
def test_what_it_refuses_leaves_everything_as_it_was(project: Sandbox, arguments: list[str], reason: str) -> None:
    project.write("full/file", "")
    project.write("harmony.toml", PROJECT + '[platforms.old]\ncommand = ["x"]\n')
    before = sorted(project.directory.rglob("*"))
    with pytest.raises(ConfigurationError, match=reason) as caught:
        run(*arguments, "--register")
    assert caught.value.hint
    assert sorted(project.directory.rglob("*")) == before
    assert "box" not in (project.directory / "harmony.toml").read_text("utf-8")


def test_it_needs_a_contract_and_a_language_that_it_knows(project: Sandbox) -> None:
    with pytest.raises(SystemExit, match="2"):
        run("box", "--language", "perl")
    project.write("harmony.toml", "steps = []\n")
    done = project.harmony("new-driver", "box", "--language", "go")
    assert done.returncode == 7
    assert "driver.contract" in done.stderr
    assert not (project.directory / "drivers").exists()


@pytest.mark.parametrize(
    ("language", "generated"),
    [
        ("go", {"contract.go", "driver.go", "framing.go", "go.mod"}),
        ("java", {f"driver/{name}.java" for name in ("Contract", "Driver", "Frames", "Json")}),
        ("node", {"contract.mjs", "driver.mjs"}),
    ],
)
def test_drivers_of_a_language_share_what_is_generated(project: Sandbox, language: str, generated: set[str]) -> None:
    """Else the same thousand lines stand beside each implementation."""
    first = run("box", "--language", language, "--shared", "--register")
    second = run("chest", "--language", language, "--shared", "--register")
    shared = {f"drivers/contract/{language}/{name}" for name in generated}
    assert shared <= set(first.splitlines())
    assert not shared & set(second.splitlines())
    own = {path.name for name in ("box", "chest") for path in (project.directory / "drivers" / name).rglob("*.*")}
    assert not own & ({PurePosixPath(name).name for name in generated} - {"go.mod"})
    assert run("chest", "--renew", "--check") == "drivers/chest: all that is generated is as it would be now\n"
    (project.directory / min(shared)).write_text("mine", "utf-8")
    with pytest.raises(ConfigurationError, match=f"changed since they were generated: {min(shared)}"):
        run("trunk", "--language", language, "--shared")


def test_a_driver_that_has_its_own_can_share_it(project: Sandbox) -> None:
    run("box", "--language", "node")
    assert run("box", "--renew", "--shared") == "drivers/contract/node/contract.mjs\ndrivers/contract/node/driver.mjs\n"


def test_a_language_with_nothing_to_share_is_refused(project: Sandbox) -> None:
    with pytest.raises(ConfigurationError, match="drivers in Python share nothing") as caught:
        run("box", "--language", "python", "--shared")
    assert "it goes with node, go, java" in (caught.value.hint or "")
