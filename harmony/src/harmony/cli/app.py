"""The ``harmony`` command: what there is, and where each command is loaded from when it is called."""

from __future__ import annotations

import importlib
import sys
from typing import Annotated, Any, Final, cast

import typer
from typer.core import TyperCommand, TyperGroup

from harmony.errors import ExitCode, HarmonyError
from harmony.process.this_system import missing_promises
from harmony.text import shown

COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "init": ("init", "Write a project whose matrix is green: a small protocol, in the languages of your choice."),
    "lint": ("features", "Check that features and steps fit together; run nothing."),
    "steps": ("features", "List every sentence that has a meaning: pattern, types, where defined, where used."),
    "scaffold": ("features", "Write step methods for the sentences that have no meaning yet."),
    "scenarios": ("features", "List the scenarios that some words name."),
    "plan": (
        "plan",
        "Divide a run over several machines, into a file that all take (`--shard 2/5 --plan FILE`).",
    ),
    "clauses": ("clauses", "Show which scenarios cite which clause; a citation of what does not exist fails."),
    "build": (
        "build",
        "Run the build command of each platform. Without names, one whose tool is not here is passed over, visibly.",
    ),
    "contract": ("contract", "Print what a driver of this project must be able to do."),
    "doctor": (
        "doctor",
        "Examine a driver: say what is wrong, why it matters, where it is specified, and how to see it again.",
    ),
    "serve": ("serve", "Speak the step contract on stdin and stdout, or on a Unix socket."),
    "replay": ("replay", "Ask workers what was recorded, and compare their answers but for the noise."),
    "up": (
        "infrastructure",
        "Start workers that listen, wait until they are healthy, and write the environment to attach to them.",
    ),
    "down": ("infrastructure", "End the workers that are up."),
    "with-workers": (
        "infrastructure",
        "Start workers, run a command that attaches to them, and end them: `harmony with-workers -- pytest --matrix`.",
    ),
    "new-driver": (
        "new_driver",
        "Write a driver that builds and introduces itself, with the contract's verbs to be filled in; or renew one.",
    ),
    "events": ("reports", "Print the schema of the events, or check files against it."),
    "report": ("reports", "Show runs again, or the shards of one run together; end as that run would have ended."),
    "expect": ("reports", "Compare what is expected with what a run has shown; with --update, expect that."),
    "perf": ("perf", "Measure every pairing of what is built here, in one interleaved run; the fastest has 1.0."),
}
"""Each command: its module beside this one, and what it is for."""


class LazyGroup(TyperGroup):
    """Loads the module of a command when the command is called, and none to list them all."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = {name: TyperCommand(name, help=help_) for name, (_, help_) in COMMANDS.items()}

    def get_command(self, ctx: Any, cmd_name: str) -> TyperCommand | None:
        """Return the command itself."""
        del ctx
        return loaded(cmd_name) if cmd_name in COMMANDS else None

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write plain text: a renderer of boxes and colours takes longer to load than all else."""
        super(TyperGroup, self).format_help(ctx, formatter)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the list of all commands."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_) for name, (_, help_) in COMMANDS.items()])


def loaded(name: str) -> TyperCommand:
    """Return a command, from its module."""
    group = typer.Typer()
    importlib.import_module(f"harmony.cli.{COMMANDS[name][0]}").register(group)
    return cast("TyperCommand", typer.main.get_group(group).commands[name])


app = typer.Typer(
    name="harmony",
    cls=LazyGroup,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _tell_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version  # noqa: PLC0415 - no other command needs it

        typer.echo(f"harmony {version('harmony-conformance')}")
        if told := missing_promises():
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
    """Run the command line; an error that harmony can name, or of a file, becomes its message and its exit code."""
    try:
        app()
    except HarmonyError as error:
        typer.echo(shown(f"harmony: {error}"), err=True)
        sys.exit(error.exit_code)
    except OSError as error:
        if error.filename is None:
            raise
        typer.echo(shown(f"harmony: {error.filename}: {error.strerror}"), err=True)
        sys.exit(ExitCode.USAGE)


if __name__ == "__main__":
    main()
