"""`harmony init` as a person meets it: what it asks, writes, says and refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
from typer.testing import CliRunner

from harmony.cli import init
from harmony.cli.app import app
from harmony.errors import ConfigurationError
from harmony.new_driver.languages import LANGUAGES
from harmony.new_driver.renewal import renewal
from harmony.new_project.blueprint import Blueprint
from harmony.new_project.example.contract import CONTRACT

EXISTING: Final = {
    "pyproject.toml": '[project]\nname = "shop"\n',
    "README.md": "# Shop\n",
    ".gitignore": "dist/\n",
    "features/shop.feature": "Feature: Shop\n",
}


def run(*arguments: str, answers: str = "") -> str:
    """Run the command in this process, which is quicker; return what it printed."""
    done = CliRunner().invoke(app, ["init", *arguments], input=answers)
    if done.exception is not None:
        raise done.exception
    return done.stdout


def files_in(directory: Path) -> set[str]:
    return {path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file()}


@pytest.fixture
def only_some_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the tools of Python and Go here, and of nobody else."""
    monkeypatch.setattr(
        init, "_missing", lambda name: {} if name in {"python", "go"} else {f"{name}-tool": f"{name}-package"}
    )


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("only_some_tools")
def test_without_questions_it_takes_python_and_the_next_language_that_is_here(place: Path) -> None:
    said = run("shop", "--yes")
    assert files_in(place / "shop") == set(
        Blueprint(("client", "server"), (LANGUAGES["python"], LANGUAGES["go"])).files()
    )
    assert said.endswith("\nNext:\n  cd shop\n  harmony run\n  harmony explain 1.1\n")
    assert "shop/drivers/go/verbs.go\n" in said


@pytest.mark.usefixtures("only_some_tools")
def test_on_a_terminal_it_asks_for_what_is_not_given(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(init, "_at_a_terminal", lambda: True)
    said = run("--languages", "python", answers="asker, teller\n")
    assert "The last one listens [client,server]: " in said
    assert "languages" not in said
    assert "the 'teller' process listens" in (place / "features/01-key-value.feature").read_text("utf-8")
    assert "  cd " not in said
    said = run("two", "--roles", "a,b", answers="\n")
    assert "The tools of these languages are here: python, go\n" in said
    assert (place / "two/drivers/go/verbs.go").exists()


@pytest.mark.usefixtures("only_some_tools")
def test_a_language_whose_tools_are_not_here_is_written_and_said(place: Path) -> None:
    said = run("shop", "--languages", "python,rust")
    assert (
        "rust will not be built: there is no rust-tool here; install it (Debian: apt-get install rust-package)" in said
    )
    assert (place / "shop/drivers/rust/src/verbs.rs").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--languages", "pyhton"], "'pyhton': did you mean 'python'?"),
        (["--languages", ","], "no language is named"),
        (["--roles", "Client,server"], "'Client' cannot name a role"),
        (["there"], "there is not empty: mine.txt"),
        (["there/mine.txt"], "is no directory"),
        (["project", "--into"], "there is a project already"),
    ],
)
def test_what_it_cannot_do_it_says_before_it_writes(place: Path, arguments: list[str], told: str) -> None:
    for path in ("there/mine.txt", "project/harmony.toml"):
        (place / path).parent.mkdir()
        (place / path).write_text("mine", "utf-8")
    before = files_in(place)
    words = arguments if arguments[0][0] != "-" else ["new", *arguments]
    with pytest.raises(ConfigurationError) as caught:
        run(*words, "--yes")
    assert told in caught.value.message
    assert files_in(place) == before


def test_a_clone_without_content_counts_as_empty(place: Path) -> None:
    for path in (".git/HEAD", ".venv/pyvenv.cfg", "LICENSE"):
        (place / path).parent.mkdir(exist_ok=True)
        (place / path).write_text("", "utf-8")
    assert "harmony.toml\n" in run("--languages", "python", "--yes")


def test_what_is_there_is_left_as_it_is_and_said(place: Path) -> None:
    for path, text in EXISTING.items():
        (place / path).parent.mkdir(exist_ok=True)
        (place / path).write_text(text, "utf-8")
    said = run("--into", "--languages", "python", "--yes")
    assert {path: (place / path).read_text("utf-8") for path in EXISTING} == EXISTING
    assert ".gitignore is left as it is; add to it:\n\n.harmony/\n" in said
    # Features and README of others are theirs.
    assert (place / "conformance/features/01-key-value.feature").exists()
    assert 'features = "conformance/features"' in (place / "harmony.toml").read_text("utf-8")
    assert "conformance/features/01-key-value.feature" in (place / "conformance/README.md").read_text("utf-8")


@pytest.mark.parametrize("language", LANGUAGES)
def test_its_drivers_can_be_renewed_and_have_all_verbs(language: str) -> None:
    (driver,) = (blueprint := Blueprint(("client", "server"), (LANGUAGES[language],))).drivers
    files = blueprint.files()
    plan = renewal(driver, CONTRACT, lambda path: files.get(f"{driver.directory}/{path}"))
    assert (plan.files, plan.missing, plan.unknown) == ({}, {}, ())
