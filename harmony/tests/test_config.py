from __future__ import annotations

import re
from pathlib import Path

import pytest

from harmony.config_sources import overrides_of, read_settings
from harmony.errors import ConfigurationError
from harmony.project import load_project
from harmony.project_file import find_project_file
from sandbox import Sandbox


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("HARMONY_TIMEOUTS__STEP", "HARMONY_STEPS", "HARMONY_LOG_LEVEL"):
        monkeypatch.delenv(name, raising=False)
    path = tmp_path / "harmony.toml"
    path.write_text('steps = ["a"]\n[timeouts]\nstep = 5\nsetup = 7\n[platforms.cpp]\ncommand = ["x"]\n')
    return path


def test_later_sources_win_field_by_field(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_settings(file).timeouts.step == 5
    monkeypatch.setenv("HARMONY_TIMEOUTS__STEP", "6")
    monkeypatch.setenv("HARMONY_STEPS", '["b", "c"]')
    settings = read_settings(file)
    assert (settings.timeouts.step, settings.timeouts.setup, settings.steps) == (6, 7, ("b", "c"))
    settings = read_settings(file, {"timeouts": {"step": 8}})
    assert (settings.timeouts.step, settings.timeouts.setup) == (8, 7)
    assert settings.platforms["cpp"].command == ("x",)


@pytest.mark.parametrize(("old", "new"), [("trials", "checks"), ("measures", "cases")])
def test_an_old_key_is_the_new_one_wherever_it_stands(
    file: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str
) -> None:
    for key in (old, new):
        file.write_text(f'[driver]\n{key} = "file:X"\n')
        assert getattr(read_settings(file).driver, new) == "file:X"
        assert getattr(read_settings(file, {"driver": {old: ""}}).driver, new) == ""
    monkeypatch.setenv(f"HARMONY_DRIVER__{old.upper()}", "variable:X")
    assert getattr(read_settings(file).driver, new) == "variable:X"


def test_a_variable_reaches_into_tables(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARMONY_PLATFORMS__GO", '{"command": ["go"]}')
    monkeypatch.setenv("HARMONY_PLATFORMS__CPP__CAPABILITIES", '["fast"]')
    monkeypatch.setenv("HARMONY_PLATFORMS__CPP__STEP_TIMEOUT", "9")
    monkeypatch.setenv("HARMONY_PLATFORMS__CPP__ENVIRONMENT__COLOUR", "[red]")
    monkeypatch.setenv("HARMONY_REPEAT", "[{words}]")
    settings = read_settings(file)
    cpp = settings.platforms["cpp"]
    assert (cpp.command, cpp.capabilities, cpp.step_timeout) == (("x",), {"fast"}, 9)
    assert cpp.environment == {"colour": "[red]"}
    assert (settings.platforms["go"].command, settings.repeat) == (("go",), "[{words}]")


def test_variables_of_a_run_are_no_settings(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARMONY_HOST_PID", "1")
    monkeypatch.setenv("HARMONY_CPP_ENDPOINT", "unix:/x")
    assert read_settings(file).steps == ("a",)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("[timeouts]\nstep = 0\n", "timeouts.step: Input should be greater than 0"),
        ("[timeouts]\nsetp = 1\n", "timeouts.setp: there is no such key; did you mean 'setup'?"),
        ("unknown = 1\n", "unknown: there is no such key; known are: features, steps"),
        ('[platforms.x]\ncommand = ["a"]\ncontract = "telepathy"\n', "platforms.x.contract"),
        ("steps = [\n", "harmony.toml"),
    ],
)
def test_a_wrong_value_is_named_with_file_and_field(file: Path, text: str, place: str) -> None:
    file.write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        read_settings(file)
    assert place in str(caught.value)
    assert str(file) in str(caught.value)


def test_a_wrong_variable_is_named(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARMONY_TIMEOUTS__STEP", "soon")
    with pytest.raises(ConfigurationError, match=r"environment variable HARMONY_TIMEOUTS__STEP: timeouts\.step"):
        read_settings(file)
    monkeypatch.setenv("HARMONY_STEPS", "no json")
    with pytest.raises(ConfigurationError, match="environment"):
        read_settings(file)


def test_a_wrong_option_is_named(file: Path) -> None:
    with pytest.raises(ConfigurationError, match="command line: log_level"):
        read_settings(file, {"log_level": "shout"})


def test_the_command_line_assigns_settings(file: Path) -> None:
    overrides = overrides_of(["timeouts.step=60", "timeouts.setup = 61", 'steps=["x"]', "log_level=debug"])
    settings = read_settings(file, overrides)
    assert (settings.timeouts.step, settings.timeouts.setup) == (60, 61)
    assert (settings.steps, settings.log_level) == (("x",), "debug")
    with pytest.raises(ConfigurationError, match="no setting"):
        overrides_of(["timeouts.step"])


def test_a_project_is_found_from_below(file: Path, tmp_path: Path) -> None:
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    assert find_project_file(below) == file
    project = load_project(below)
    assert (project.root, project.features_directory) == (tmp_path, tmp_path / "features")
    with pytest.raises(ConfigurationError, match="there is no directory"):
        project.features()


def test_no_project_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no harmony\.toml"):
        load_project(tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[driver]\ncontrct = "x"\n', "driver.contrct: there is no such key; did you mean 'contract'?"),
        ('[platforms.gas]\ncomand = ["x"]\n', "gas.comand: there is no such key; did you mean 'command'?"),
        ("[timeout]\nstep = 1\n", "timeout: there is no such key; did you mean 'timeouts'?"),
        ('[driver]\nlocal = "gsa"\n[platforms.gas]\ncommand = ["x"]\ncontract = "driver"\n', "did you mean 'gas'?"),
        ('[driver]\nlocal = "gas"\n[platforms.gas]\ncommand = ["x"]\n', "'gas' is no platform with a driver"),
    ],
)
def test_a_wrong_key_names_the_nearest(file: Path, text: str, said: str) -> None:
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=re.escape(said)) as caught:
        read_settings(file)
    assert str(file) in caught.value.message


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("kettle.contract:CONTRACTS", "kettle.contract:CONTRACT"),
        ("kettle.contrct:CONTRACT", "kettle.contract:CONTRACT"),
        ("kettel.contract:CONTRACT", ""),
        ("kettle.contract:Kettle", ""),
        ("kettle.contract", ""),
    ],
)
def test_lint_finds_what_the_project_file_names_wrong(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, name: str, meant: str
) -> None:
    monkeypatch.chdir(sandbox.directory)
    sandbox.write("features/none.feature", "Feature: none\n")
    sandbox.write("harmony.toml", f'steps = []\n[driver]\ncontract = "{name}"\n')
    done = sandbox.harmony("lint")
    assert done.returncode == 7
    assert f"driver.contract: {name!r}" in done.stderr or f"driver.contract is {name!r}" in done.stderr
    assert (f"did you mean {meant!r}?" in done.stderr) == bool(meant)
    assert "Traceback" not in done.stderr
