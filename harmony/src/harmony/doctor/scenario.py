"""The last check: a scenario of the project against the reference, on both sides, as a person would run it."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final

from harmony.doctor.check import BOOK, Check
from harmony.doctor.check_context import Ward
from harmony.doctor.finding import NotRunError, WrongError
from harmony.doctor.introduction import run_command
from harmony.project import Project

_LIMIT: Final = 120.0
_TAIL: Final = 40


def scenario_command(project: Project, pairing: str, overrides: Sequence[str] = ()) -> list[str]:
    """Return the command that plays the scenario over a pairing."""
    options = ["--harmony-project", str(project.file)]
    options += [word for setting in overrides for word in ("--harmony-set", setting)]
    options += ["--pairing", pairing, "--scenario", project.settings.driver.scenario]
    return [sys.executable, "-m", "pytest", *options]


def _plays(pairing: str) -> Callable[[Ward], Awaitable[None]]:
    async def run(ward: Ward) -> None:
        project = ward.case.project
        if project.settings.driver.reference not in project.settings.platforms:
            raise NotRunError(f"there is no platform {project.settings.driver.reference!r} (driver.reference)")
        command = scenario_command(project, pairing, ward.case.overrides)
        code, said = await run_command(command, ward, _LIMIT)
        if code:
            shown = shlex.join([Path(command[0]).name, *command[1:]])
            raise WrongError(f"exit code {code} of: {shown}", *said.splitlines()[-_TAIL:])

    return run


def checks_of(project: Project, platform: str) -> list[Check]:
    """Return the checks of a platform: on the reference's one side, and on the other."""
    reference, scenario = project.settings.driver.reference, project.settings.driver.scenario
    return [
        Check(
            f"scenario.{side}",
            f"scenario {scenario} passes over {pairing}",
            "Everything before was asked of the driver alone; this is what it is for.",
            f"{BOOK}#the-scenario",
            _plays(pairing),
            alone=True,
            limit=_LIMIT + 10,
        )
        for side, pairing in (
            ("behind-reference", f"{reference}_{platform}"),
            ("before-reference", f"{platform}_{reference}"),
        )[: 1 if platform == reference else 2]
    ]
