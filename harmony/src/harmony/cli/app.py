"""The ``harmony`` command: what there is, and where each command is loaded from when it is called."""

from __future__ import annotations

import importlib
import sys
from typing import Annotated, Any, Final, cast

import typer
from typer.core import TyperCommand, TyperGroup

from harmony.cli.commands import COMMANDS, GROUPS
from harmony.cli.told_errors import tell, told_errors
from harmony.errors import ExitCode, HarmonyError
from harmony.printable import adapt
from harmony.process.this_system import missing_promises
from harmony.suggestion import did_you_mean

_INTERRUPTED: Final = 130
"""What typer makes of a ^C."""
_SEE: Final = "see `harmony --help`"


class UnknownCommandError(HarmonyError):
    """A word that should be a command is none.

    Way out: take one of `harmony --help`.
    """

    code = "unknown_command"
    exit_code = ExitCode.USAGE


class LazyGroup(TyperGroup):
    """Loads the module of a command when the command is called, and none to list them all."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = {name: TyperCommand(name, help=help_) for name, (_, help_) in COMMANDS.items()}

    def get_command(self, ctx: Any, cmd_name: str) -> TyperCommand | None:
        """Return the command itself."""
        del ctx
        return loaded(cmd_name) if cmd_name in COMMANDS else None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command; of one that is not there, say which is the nearest.

        Raises:
            UnknownCommandError: There is no such command.
        """
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            raise UnknownCommandError(f"there is no command {name!r}", hint=did_you_mean(name, COMMANDS, _SEE))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the list of all commands."""
        del ctx
        widest = max(map(len, COMMANDS))
        for title, commands in GROUPS.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(widest), help_) for name, (_, help_) in commands.items()])


def loaded(name: str) -> TyperCommand:
    """Return a command, from its module."""
    group = typer.Typer(rich_markup_mode=None)
    importlib.import_module(f"harmony.cli.{COMMANDS[name][0]}").register(group)
    return cast("TyperCommand", typer.main.get_group(group).commands[name])


_UsageError: Final[type[Any]] = typer.BadParameter.__mro__[1]
"""Whatever is wrong with the words of a command line: an unknown option or command, a value that does not fit."""

app = typer.Typer(
    name="harmony",
    cls=LazyGroup,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # a renderer of boxes and colours takes longer to load than all else
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
    adapt(sys.stdout, sys.stderr)
    with told_errors():
        try:
            code = app(sys.argv[1:] or ["--help"], standalone_mode=False)
            if code == _INTERRUPTED:
                tell("broken off")
                code = ExitCode.INTERRUPTED
            sys.exit(code)
        except _UsageError as error:
            tell(_usage(error))
            sys.exit(ExitCode.USAGE)
        except typer.Abort:
            sys.exit(ExitCode.INTERRUPTED)


def _usage(error: Any) -> str:
    """Return what is wrong with the words of a command line, and where it says how it is called."""
    path = error.ctx.command_path if error.ctx is not None else "harmony"
    return f"{error.format_message()}\n  hint: see `{path} --help`"


if __name__ == "__main__":
    main()
