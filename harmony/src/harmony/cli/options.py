"""Options that several commands take, and the project that they name."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harmony.project_file import require_project_file, require_suite_file

if TYPE_CHECKING:
    from harmony.project import Project  # takes long to load, and not every command needs it

ProjectOption = Annotated[
    Path | None,
    typer.Option("--project", metavar="DIR", help="Project file or directory; found from here upwards by default."),
]
SuiteOption = Annotated[
    str,
    typer.Option("--suite", metavar="PACKAGE", help="The project in this package, with the platforms of here."),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="A setting, such as timeouts.step=60; may be repeated."),
]


def project_file(project: Path | None, suite: str) -> Path:
    """Return the project file that a command line names.

    Raises:
        ConfigurationError: There is none.
        typer.BadParameter: It names two.
    """
    if suite and project:
        raise typer.BadParameter("give --project or --suite, not both", param_hint="--suite")
    return require_suite_file(suite) if suite else require_project_file(project)


def named_project(project: Path | None, suite: str, assignments: Iterable[str] | None) -> Project:
    """Return the project that a command line names, with its settings.

    Raises:
        ConfigurationError: There is none, or its file or a setting is wrong.
        typer.BadParameter: It names two.
    """
    from harmony.config_sources import overrides_of  # noqa: PLC0415 - see above
    from harmony.project import load_project, load_suite  # noqa: PLC0415

    file, overrides = project_file(project, suite), overrides_of(assignments or ())
    return load_suite(suite, Path.cwd(), overrides) if suite else load_project(file, overrides)
