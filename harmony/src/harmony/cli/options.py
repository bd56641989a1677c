"""Options that several commands take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

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
