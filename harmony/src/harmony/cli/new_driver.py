"""``harmony new-driver``: a driver to start from, in a language of one's choice."""

from __future__ import annotations

import os
import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from harmony.cli.options import ProjectOption
from harmony.errors import ConfigurationError
from harmony.new_driver.languages import LANGUAGES
from harmony.new_driver.rendering import Driver, entry_of, next_commands, render
from harmony.project import Project, load_project

_NAME: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")

Choice = StrEnum("Choice", {name.upper(): name for name in LANGUAGES})  # type: ignore[misc]


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("new-driver")(new_driver_command)


def new_driver_command(
    name: Annotated[str, typer.Argument(help="Of the new platform, such as go.")],
    language: Annotated[Choice, typer.Option("--language", help="In which it is written.")],
    directory: Annotated[
        Path | None, typer.Option("--directory", help="Its folder; drivers/NAME beside the project file by default.")
    ] = None,
    enter: Annotated[bool, typer.Option("--register", help="Add its entry to the project file.")] = False,
    project: ProjectOption = None,
) -> None:
    """Write a driver that builds and introduces itself, with the verbs of the project's contract to fill in."""
    loaded = load_project(project)
    folder = _folder(name, directory, loaded)
    driver = Driver(_checked(name, loaded), LANGUAGES[language], _told(folder, loaded))
    commands = next_commands(driver, loaded.settings.driver.scenario)
    files = render(driver, loaded.contract, commands)
    for path, text in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        typer.echo(f"{driver.directory}/{path}")
    entry = entry_of(driver)
    if enter:
        _append(loaded.file, entry)
        typer.echo(f"{loaded.file.name}: added [platforms.{name}]")
    else:
        typer.echo(f"\nAdd to {loaded.file.name} (or say --register next time):\n\n{entry}")
    typer.echo("Next:\n" + "".join(f"  {command}\n" for command in commands), nl=False)


def _checked(name: str, project: Project) -> str:
    if not _NAME.fullmatch(name):
        raise ConfigurationError(
            f"{name!r} cannot name a platform", hint="take small letters, digits and hyphens, a letter first"
        )
    if name in project.settings.platforms:
        raise ConfigurationError(
            f"{project.file}: there is a platform {name!r} already", hint="take another name, or remove its entry first"
        )
    return name


def _folder(name: str, directory: Path | None, project: Project) -> Path:
    folder = project.root / "drivers" / name if directory is None else directory.absolute()
    if folder.is_dir() and any(folder.iterdir()):
        raise ConfigurationError(f"{folder} is not empty", hint="name another one with --directory")
    if folder.exists() and not folder.is_dir():
        raise ConfigurationError(f"{folder} is no directory", hint="name another one with --directory")
    return folder


def _told(folder: Path, project: Project) -> str:
    """Return a folder as commands name it that start in the project's directory."""
    return Path(os.path.relpath(folder, project.root)).as_posix()


def _append(file: Path, entry: str) -> None:
    text = file.read_text(encoding="utf-8")
    gap = "" if not text else "\n" if text.endswith("\n") else "\n\n"
    file.write_text(f"{text}{gap}{entry}", encoding="utf-8")
