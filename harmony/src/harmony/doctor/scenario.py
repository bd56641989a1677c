"""The last check: a scenario of the project against the reference, on both sides, as a person would run it."""

from __future__ import annotations

import contextlib
import shlex
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from harmony.doctor.check import BOOK, Check
from harmony.doctor.check_context import Case, CheckContext
from harmony.doctor.finding import NotRunError, WrongError
from harmony.doctor.introduction import run_command
from harmony.errors import UnknownSelectionError
from harmony.project import Project
from harmony.spec.routing import roles_of
from harmony.spec.selection import select

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


def checks_of(case: Case) -> list[Check]:
    """Return the checks of a platform: on the reference's one side, and on the other; or in each role that it plays."""
    project = case.project
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
        for side, pairing in _sides(case, reference)
    ]


def _sides(case: Case, reference: str) -> list[tuple[str, str]]:
    """Return the pairings to be played, each with what its check is called."""
    platform = case.name
    if case.plays and platform != reference:
        roles = _roles(case.project)
        return [
            (f"as-{role}", ",".join(f"{one}={platform if one == role else reference}" for one in roles))
            for role in roles
            if role in case.plays
        ]
    both = [("behind-reference", f"{reference}_{platform}"), ("before-reference", f"{platform}_{reference}")]
    return both[: 1 if platform == reference else 2]


def _roles(project: Project) -> list[str]:
    """Return the roles of the scenario that is played."""
    scenarios = [scenario for feature in project.features()[0] for scenario in feature.scenarios]
    with contextlib.suppress(UnknownSelectionError):
        scenarios = select(scenarios, [project.settings.driver.scenario])
    return sorted({role for scenario in scenarios for role in roles_of(scenario)})
