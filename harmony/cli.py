"""The ``harmony`` command. Each group of commands is a module of :mod:`harmony.commands`."""

from __future__ import annotations

import sys

import typer

from harmony.commands import build, contract, doctor, features, infrastructure, new_driver, perf, replay, reports, serve
from harmony.errors import HarmonyError

app = typer.Typer(
    name="harmony",
    help="Cross-language conformance harness: one Gherkin specification, every pairing of implementations.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

for group in (features, build, contract, doctor, serve, replay, infrastructure, new_driver, reports, perf):
    group.register(app)


def main() -> None:
    """Run the command line; an error that harmony can name becomes its message and its exit code."""
    try:
        app()
    except HarmonyError as error:
        typer.echo(f"harmony: {error}", err=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
