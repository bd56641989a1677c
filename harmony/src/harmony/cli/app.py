"""The ``harmony`` command. Each group of commands is a module of :mod:`harmony.cli`."""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import Annotated

import typer

from harmony.cli import (
    build,
    clauses,
    contract,
    doctor,
    features,
    infrastructure,
    new_driver,
    perf,
    replay,
    reports,
    serve,
)
from harmony.errors import HarmonyError
from harmony.process.this_system import lacking

app = typer.Typer(
    name="harmony",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

for group in (features, clauses, build, contract, doctor, serve, replay, infrastructure, new_driver, reports, perf):
    group.register(app)


def _tell_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"harmony {version('harmony-conformance')}")
        if told := lacking():
            typer.echo(told)
        raise typer.Exit


@app.callback()
def common(
    show_version: Annotated[
        bool, typer.Option("--version", help="Show the version.", is_eager=True, callback=_tell_version)
    ] = False,
) -> None:
    """Cross-language conformance harness: one Gherkin specification, every pairing of implementations."""


def main() -> None:
    """Run the command line; an error that harmony can name becomes its message and its exit code."""
    try:
        app()
    except HarmonyError as error:
        typer.echo(f"harmony: {error}", err=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
