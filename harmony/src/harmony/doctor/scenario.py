"""The last check: a scenario of the project against the reference, on both sides, as a person would run it."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from harmony.doctor.check import BOOK, Check
from harmony.doctor.check_context import Case, CheckContext
from harmony.doctor.finding import NotRunError, WrongError
from harmony.doctor.introduction import run_command
from harmony.project import Project

_LIMIT: Final = 120.0
_TAIL: Final = 40


def scenario_command(case: Case, pairing: str) -> list[str]:
    """Return the command that plays the scenario over a pairing."""
    brought = ["--platform", case.word] if case.word != case.name else []
    words = ["--pairing", pairing, "--scenario", case.project.settings.driver.scenario, "-j", "1"]
    return [sys.executable, "-m", "harmony", "run", *case.options, *brought, *words]


def _plays(pairing: str) -> Callable[[CheckContext], Awaitable[None]]:
    async def run(context: CheckContext) -> None:
        project = context.case.project
        if project.settings.driver.reference not in project.settings.platforms:
            raise NotRunError(f"there is no platform {project.settings.driver.reference!r} (driver.reference)")
        command = scenario_command(context.case, pairing)
        code, said = await run_command(command, context, _LIMIT)
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
