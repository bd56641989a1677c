"""``harmony init``: a project that works, to put one's own protocol in."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from harmony.cli.writing import tell_next, write_files
from harmony.errors import ConfigurationError
from harmony.new_driver.language import Language
from harmony.new_driver.languages import LANGUAGES
from harmony.new_driver.rendering import Driver, platform_of
from harmony.new_project.blueprint import Blueprint, check_roles
from harmony.new_project.placement import Placement, place
from harmony.platform_settings import Platform
from harmony.project_file import PROJECT_FILE
from harmony.run.building import how_to_get, missing_tools
from harmony.suggestion import did_you_mean

_ROLES: Final = "client,server"
_BESIDE: Final = frozenset({"LICENSE", "venv"})
"""What may stand in a directory that counts as empty, beside what is hidden."""


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("init")(init_command)


def init_command(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="Where; made if it is not there.", show_default="this directory")
    ] = Path(),
    *,
    roles: Annotated[
        str | None, typer.Option("--roles", help=f"Who takes part, the one that listens last: {_ROLES}.")
    ] = None,
    languages: Annotated[
        str | None, typer.Option("--languages", help=f"In which there is a driver, of {', '.join(LANGUAGES)}.")
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Ask nothing: client and server, Python and another language that is here.")
    ] = False,
    into: Annotated[
        bool, typer.Option("--into", help="Into a project that is there; its files are left as they are.")
    ] = False,
) -> None:
    """Write a project whose matrix is green: a small protocol, in the languages of your choice."""
    _refuse_what_is_there(directory, into=into)
    asks = not yes and _at_a_terminal()
    named = _roles(roles if roles is not None or not asks else _ask_for_roles())
    chosen = _languages(_ask_for_languages() if asks and languages is None else languages)

    def read(path: str) -> str | None:
        file = directory / path
        return file.read_text(encoding="utf-8") if file.exists() else None

    placement = place(Blueprint(named, chosen, apart=into).files(), read)
    write_files(directory, placement.files, directory.as_posix())
    _tell(directory, placement, chosen)


def _refuse_what_is_there(directory: Path, *, into: bool) -> None:
    if directory.exists() and not directory.is_dir():
        raise ConfigurationError(f"{directory} is no directory", hint="name another one")
    if (directory / PROJECT_FILE).exists():
        raise ConfigurationError(
            f"{directory / PROJECT_FILE}: there is a project already",
            hint="harmony new-driver NAME --language go adds a language to it",
        )
    there = [] if into or not directory.exists() else list(_others_in(directory))
    if there:
        raise ConfigurationError(
            f"{directory.resolve()} is not empty: {there[0]}{', …' if there[1:] else ''}",
            hint="name a new directory, or say --into to add the project to what is there",
        )


def _others_in(directory: Path) -> Iterator[str]:
    """Yield what is in a directory that somebody has written."""
    return (one.name for one in sorted(directory.iterdir()) if one.name[0] != "." and one.name not in _BESIDE)


def _at_a_terminal() -> bool:
    return sys.stdin.isatty()


def _ask_for_roles() -> str:
    answer: str = typer.prompt("Who takes part? The last one listens", default=_ROLES)
    return answer


def _ask_for_languages() -> str:
    here = [name for name in LANGUAGES if not _missing(name)]
    typer.echo(f"The tools of these languages are here: {', '.join(here)}")
    answer: str = typer.prompt("In which languages?", default=",".join(here[:2]))
    return answer


def _roles(text: str | None) -> tuple[str, ...]:
    roles = _words(_ROLES if text is None else text)
    check_roles(roles)
    return roles


def _languages(text: str | None) -> tuple[Language, ...]:
    if text is None:
        here = (name for name in LANGUAGES if not _missing(name))
        return tuple(LANGUAGES[name] for name, _ in zip(here, range(2), strict=False))
    names = tuple(dict.fromkeys(_words(text)))
    for name in names:
        if name not in LANGUAGES:
            raise ConfigurationError(
                f"there is no driver to start from in {name!r}: {did_you_mean(name, LANGUAGES)}",
                hint=f"take some of {','.join(LANGUAGES)}; docs/your-language.md tells of others",
            )
    if not names:
        raise ConfigurationError("no language is named", hint=f"take some of {','.join(LANGUAGES)}")
    return tuple(LANGUAGES[name] for name in names)


def _words(text: str) -> tuple[str, ...]:
    return tuple(word for word in text.replace(",", " ").split() if word)


def _missing(name: str) -> dict[str, str]:
    """Return the tools of a language that are not here, and the package of each."""
    return missing_tools(Platform.model_validate(platform_of(Driver(name, LANGUAGES[name], name))))


def _tell(directory: Path, placement: Placement, languages: Sequence[Language]) -> None:
    """Say what is left to be done by hand, what is missing, and what comes next."""
    for path, text in placement.by_hand.items():
        if text:
            typer.echo(f"\n{directory / path} is left as it is; add to it:\n\n{text}")
        else:
            typer.echo(f"\n{directory / path} is left as it is, and has what is needed.")
    for told in _not_here(languages):
        typer.echo(f"\n{told}")
    here = directory.resolve() == Path.cwd()
    commands = [*([] if here else [f"cd {shlex.quote(str(directory))}"]), "harmony run", "harmony explain 1.1"]
    typer.echo()
    tell_next(commands)


def _not_here(languages: Iterable[Language]) -> Iterator[str]:
    for language in languages:
        if tools := _missing(language.name):
            yield f"{language.name} will not be built: {how_to_get(tools)}"
