"""``harmony errors``: the errors that harmony names, each with cause and way out, as their classes say."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Final

import typer

import harmony
from harmony.errors import ExitCode, HarmonyError
from harmony.suggestion import did_you_mean

WAY_OUT: Final = "Way out: "
HEAD: Final = """\
# Troubleshooting

_Made by `harmony errors --format markdown` from the classes of the errors; do not edit._

Every error that harmony names, by its code: events have it, and `harmony errors CODE` explains it. The message of an
error says more than this page: which file, which line, which role. The exit code is that of a command that ends with
the error. What an error makes of a cell, its verdict says.
"""


class Form(StrEnum):
    """How the errors are shown."""

    TEXT = "text"
    MARKDOWN = "markdown"


class NoSuchErrorError(HarmonyError):
    """A word is the code of no error of harmony.

    Way out: take one of `harmony errors`; the codes of a driver stand in its contract.
    """

    code = "no_such_error"
    exit_code = ExitCode.USAGE


@dataclass(frozen=True, slots=True)
class Named:
    """What an error class says of itself.

    Attributes:
        code: Stable name of the cause.
        name: Name of the class.
        cause: What has happened.
        way_out: What to do; empty if the class does not say.
        exit_code: What a command that ends with it returns.
    """

    code: str
    name: str
    cause: str
    way_out: str
    exit_code: ExitCode


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("errors")(errors_command)


def errors_command(
    codes: Annotated[list[str] | None, typer.Argument(help="Only these.", metavar="[CODE]...")] = None,
    form: Annotated[Form, typer.Option("--format", help="How they are shown.")] = Form.TEXT,
) -> None:
    """Say what an error means and what to do about it."""
    every = {one.code: one for one in named()}
    for code in codes or ():
        if code not in every:
            raise NoSuchErrorError(f"no error has the code {code!r}", hint=did_you_mean(code, every))
    typer.echo(_WRITERS[form](every[code] for code in codes or every), nl=False)


def named() -> list[Named]:
    """Return every error of harmony, by code."""
    for module in pkgutil.walk_packages(harmony.__path__, "harmony."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    return sorted((_named(one) for one in _below(HarmonyError)), key=lambda one: one.code)


def _below(error: type[HarmonyError]) -> Iterator[type[HarmonyError]]:
    for one in error.__subclasses__():
        if one.__module__.startswith("harmony."):
            yield one
        yield from _below(one)


def _named(error: type[HarmonyError]) -> Named:
    paragraphs = [" ".join(one.split()) for one in (inspect.getdoc(error) or "").split("\n\n")]
    way_out = next((one.removeprefix(WAY_OUT) for one in paragraphs if one.startswith(WAY_OUT)), "")
    return Named(error.code, error.__name__, paragraphs[0], way_out, error.exit_code)


def _text(errors: Iterable[Named]) -> str:
    return "\n".join(
        f"{one.code}  ({one.name}, exit code {one.exit_code:d})\n    {one.cause}\n    way out: {one.way_out}\n"
        for one in errors
    )


def _markdown(errors: Iterable[Named]) -> str:
    sections = (
        f"\n## `{one.code}`\n\n{one.cause}\n\n**Way out**: {one.way_out}\n\n`{one.name}`, exit code {one.exit_code:d}\n"
        for one in errors
    )
    return HEAD + "".join(sections)


_WRITERS: Final = {Form.TEXT: _text, Form.MARKDOWN: _markdown}
