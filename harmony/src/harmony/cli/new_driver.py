"""``harmony new-driver``: a driver to start from, in a language of one's choice, and renewed."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from harmony.cli.options import ProjectOption
from harmony.cli.writing import named, tell_next, write_files
from harmony.errors import ConfigurationError
from harmony.new_driver.language import Language, check_name
from harmony.new_driver.languages import LANGUAGES
from harmony.new_driver.rendering import Driver, contract_place, entry_of, next_commands, render
from harmony.new_driver.renewal import Renewal, language_of, renewal
from harmony.project import Project, load_project

Choice = StrEnum("Choice", {name.upper(): name for name in LANGUAGES})  # type: ignore[misc]


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("new-driver")(new_driver_command)


def new_driver_command(
    name: Annotated[str, typer.Argument(help="Of the new platform, such as go.")],
    *,
    language: Annotated[
        Choice | None, typer.Option("--language", help="In which it is written; --renew sees it for itself.")
    ] = None,
    directory: Annotated[
        Path | None, typer.Option("--directory", help="Its folder; drivers/NAME beside the project file by default.")
    ] = None,
    shared: Annotated[
        bool,
        typer.Option("--shared", help="What is generated is for all drivers of the language, in contract/LANGUAGE."),
    ] = False,
    enter: Annotated[bool, typer.Option("--register", help="Add its entry to the project file.")] = False,
    renew: Annotated[
        bool, typer.Option("--renew", help="Write what is generated of a driver anew, and leave what is yours.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="With --renew: write nothing, fail if something is old.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="With --renew: overwrite generated files that have been changed.")
    ] = False,
    project: ProjectOption = None,
) -> None:
    """Write a driver that builds and introduces itself, with the contract's verbs to fill in; or renew one."""
    loaded = load_project(project)
    folder = loaded.root / "drivers" / name if directory is None else directory.absolute()
    if renew:
        _renew(name, language, folder, loaded, check=check, force=force, shared=shared)
        return
    if check or force:
        raise typer.BadParameter("it goes with --renew", param_hint="--check" if check else "--force")
    if language is None:
        raise typer.BadParameter(f"say one of {', '.join(LANGUAGES)}", param_hint="--language")
    _refuse_what_is_there(name, folder, loaded)
    driver = Driver(name, LANGUAGES[language], _told(folder, loaded))
    if shared:
        driver = _sharing(driver, folder, loaded)
    commands = next_commands(driver, loaded.settings.driver.scenario)
    made = render(driver, loaded.contract, commands)
    plan = renewal(driver, loaded.contract, _reader(folder))
    if plan.edited:
        raise _edited(plan, driver)
    files = {path: text for path, text in made.items() if path in plan.files or not _at(folder, path).exists()}
    write_files(folder, files, driver.directory, anew=not shared)
    entry = entry_of(driver)
    if enter:
        _append(loaded.file, entry)
        typer.echo(f"{loaded.file.name}: added [platforms.{name}]")
    else:
        typer.echo(f"\nAdd to {loaded.file.name} (or say --register next time):\n\n{entry}")
    tell_next(commands)


def _renew(
    name: str,
    language: Choice | None,
    folder: Path,
    project: Project,
    *,
    check: bool,
    force: bool,
    shared: bool,
) -> None:
    where = _told(folder, project)
    found: Language = LANGUAGES[language] if language else language_of(lambda path: (folder / path).is_file(), where)
    driver = Driver(name, found, where)
    if found.shared is not None and (shared or not _at(folder, contract_place(driver)).exists()):
        sharing = _sharing(driver, folder, project)
        driver = sharing if shared or _at(folder, contract_place(sharing)).exists() else driver
    plan = renewal(driver, project.contract, _reader(folder))
    if check:
        for path in plan.files:
            typer.echo(f"{named(where, path)}: {'changed by hand' if path in plan.edited else 'old'}")
    elif plan.edited and not force:
        raise _edited(plan, driver)
    else:
        write_files(folder, plan.files, where, anew=False)
    if not plan.files:
        typer.echo(f"{where}: all that is generated is as it would be now")
    _tell(plan, f"{where}/{found.verbs}")
    if check and plan.files:
        raise typer.Exit(1)


def _sharing(driver: Driver, folder: Path, project: Project) -> Driver:
    """Return a driver with what is generated where all drivers of its language beside it share that."""
    language = driver.language
    if language.shared is None:
        able = ", ".join(name for name, one in LANGUAGES.items() if one.shared is not None)
        raise ConfigurationError(
            f"drivers in {language.title} share nothing that is generated", hint=f"leave --shared; it goes with {able}"
        )
    return replace(driver, shared=_told(folder.parent / "contract" / language.name, project))


def _at(folder: Path, path: str) -> Path:
    """Return a file by its path from a folder that may not be there yet."""
    return Path(os.path.normpath(folder / path))


def _reader(folder: Path) -> Callable[[str], str | None]:
    def read(path: str) -> str | None:
        file = _at(folder, path)
        return file.read_text(encoding="utf-8") if file.is_file() else None

    return read


def _edited(plan: Renewal, driver: Driver) -> ConfigurationError:
    where = driver.directory
    return ConfigurationError(
        f"changed since they were generated: {', '.join(named(where, path) for path in plan.edited)}",
        hint=f"move to {where}/{driver.language.verbs} or a file of your own what you need of it, then say --force",
    )


def _tell(plan: Renewal, file: str) -> None:
    """Say what is left to the author."""
    if plan.unknown:
        typer.echo(f"\n{file} has verbs that the contract has not: {', '.join(plan.unknown)}")
    if plan.changed:
        typer.echo(f"\n{file} has verbs of which the contract says something else than before:")
        for before, now in plan.changed:
            typer.echo(f"    {before}\n    is now {now}")
    if plan.missing:
        typer.echo(f"\n{file} has not got {', '.join(plan.missing)}; to be pasted:\n")
        typer.echo("\n\n".join(stub.rstrip("\n") for stub in plan.missing.values()))


def _refuse_what_is_there(name: str, folder: Path, project: Project) -> None:
    check_name(name, "a platform")
    if folder.is_dir() and any(folder.iterdir()):
        raise ConfigurationError(
            f"{folder} is not empty", hint="name another one with --directory, or say --renew if it is a driver"
        )
    if folder.exists() and not folder.is_dir():
        raise ConfigurationError(f"{folder} is no directory", hint="name another one with --directory")
    if name in project.settings.platforms:
        raise ConfigurationError(
            f"{project.file}: there is a platform {name!r} already", hint="take another name, or remove its entry first"
        )


def _told(folder: Path, project: Project) -> str:
    """Return a folder as commands name it that start in the project's directory."""
    return Path(os.path.relpath(folder, project.root)).as_posix()


def _append(file: Path, entry: str) -> None:
    text = file.read_text(encoding="utf-8")
    gap = "" if not text else "\n" if text.endswith("\n") else "\n\n"
    file.write_text(f"{text}{gap}{entry}", encoding="utf-8")
