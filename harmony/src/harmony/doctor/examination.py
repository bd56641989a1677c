"""Runs the checks and tells what came of each."""

from __future__ import annotations

import asyncio
import itertools
import shlex
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from harmony.doctor import ending, introduction, requests, scenario, verbs, wire
from harmony.doctor.check import Check
from harmony.doctor.check_context import Case, CheckContext, DriverChecks
from harmony.doctor.finding import (
    CheckVerdict,
    Diagnosis,
    Finding,
    NotClaimedError,
    NotRunError,
    NotToldError,
    WrongError,
)
from harmony.errors import ConfigurationError, ExitCode, HarmonyError
from harmony.platform_settings import Platform
from harmony.project import Project
from harmony.wire.driver import DriverError

LIMIT: Final = 300.0
"""Seconds for all checks together."""
LANES: Final = 3
"""How many checks run at once: most of them wait, for processes that start and for deadlines."""

Watcher = Callable[[int, int, Finding], None]


class NoSuchCheckError(HarmonyError):
    """A word names no check.

    Way out: take a name of `harmony doctor NAME --list`, or the beginning of one up to a point.
    """

    code = "no_such_check"
    exit_code = ExitCode.USAGE


def open_case(
    project: Project, name: str, *, options: Sequence[str] = (), brought: Sequence[str] = (), role: str = ""
) -> Case:
    """Return what an examination of a platform needs to know.

    Args:
        project: Whose it is.
        name: Of the platform.
        options: Of the command line, which the project has taken in already.
        brought: The command of a platform that the command line has brought.
        role: For which role it is started; where all are alike, for any.

    Raises:
        ConfigurationError: There is no such driver, or the project names something that is not there.
    """
    settings = project.settings
    entry = settings.platforms.get(name)
    if entry is not None:
        _check_role(name, entry, role)
    platform = entry.in_role(role) if entry is not None else None
    drivers = sorted(key for key, one in settings.platforms.items() if one.driver_command)
    if platform is None or not platform.driver_command:
        what = f"there is no platform {name!r}" if platform is None else f"platform {name!r} has steps, but no driver"
        raise ConfigurationError(what, hint=f"drivers are: {', '.join(drivers) or 'none'}")
    contract = project.contract
    named = settings.driver.checks
    driver_checks = project.named("driver.checks", named, DriverChecks) if named else DriverChecks()
    word = f"{name}={shlex.join(brought)}" if brought else name
    plays = (role,) if role else platform.plays
    return Case(name, platform, project, contract, driver_checks, project.probes(), plays, word, options, role)


def _check_role(name: str, platform: Platform, role: str) -> None:
    if role and not platform.can_play(role):
        raise ConfigurationError(
            f"{name} does not play the role {role!r}", hint=f"it plays {', '.join(platform.plays)}"
        )
    own = sorted(one for one, part in platform.roles.items() if part.command)
    if not role and not platform.command:
        raise ConfigurationError(
            f"{name} is started in another way for each role",
            hint=f"say for which: --role {own[0]} (of {', '.join(own)})",
        )


def checks_of(case: Case) -> list[Check]:
    """Return every check of a case, in the order in which they run."""
    contract, driver_checks = case.contract, case.driver_checks
    own = [one for one in driver_checks.checks if case.has(contract.verbs[one.verb])]
    own = [one for one in own if case.plays_one([one.role] if one.role else [])]
    return [
        *introduction.CHECKS,
        *requests.CHECKS,
        *wire.CHECKS,
        *(
            requests.deadlines(blocking, number, contract.verbs[blocking.verb].needs)
            for number, blocking in enumerate(driver_checks.blocking)
            if case.has(contract.verbs[blocking.verb])
        ),
        *verbs.checks_of((*verbs.COMMON, *own), contract, case.project.settings.driver.documentation),
        *ending.CHECKS,
        *([ending.of_reset(contract.reset)] if contract.reset and case.platform.lifetime == "session" else ()),
        *wire.OBSERVATIONS,
        *scenario.checks_of(case),
    ]


def select_checks(checks: Sequence[Check], only: Sequence[str]) -> list[Check]:
    """Return the checks that some words name, all if there are none.

    Raises:
        NoSuchCheckError: A word names none.
    """
    for word in only:
        if not any(check.is_named(word) for check in checks):
            raise NoSuchCheckError(
                f"no check is called {word!r}", hint="`harmony doctor PLATFORM --list` names them all"
            )
    return [check for check in checks if not only or any(check.is_named(word) for word in only)]


class Examination:
    """One run of some checks.

    Args:
        case: Of the driver.
        checks: Which.
        limit: Seconds for all of them; what comes later is not run.
        lanes: How many run at once, but for those that must be alone.
        watch: Hears of each finding, with its number and how many there will be.
    """

    def __init__(
        self,
        case: Case,
        checks: Sequence[Check],
        *,
        limit: float = LIMIT,
        lanes: int = LANES,
        watch: Watcher | None = None,
    ) -> None:
        self._case = case
        self._checks = checks
        self._limit = limit
        self._lanes = lanes
        self._watch = watch
        self._end = 0.0
        self._reason = ""
        self._findings: dict[str, Finding] = {}

    async def run(self) -> Diagnosis:
        """Run the checks: some at once, but those that must be alone."""
        began = time.monotonic()
        self._end = began + self._limit
        try:
            for alone, group in itertools.groupby(self._checks, key=lambda check: check.alone):
                some = iter(list(group))
                async with asyncio.TaskGroup() as lanes:
                    for _ in range(1 if alone else self._lanes):
                        lanes.create_task(self._run_each(some))
        finally:
            await self._case.close()
        findings = tuple(self._findings[check.id] for check in self._checks)
        command, seconds = shlex.join(self._case.spec.command), time.monotonic() - began
        return Diagnosis(self._case.name, command, self._case.who, findings, seconds)

    async def _run_each(self, checks: Iterator[Check]) -> None:
        for check in checks:
            finding = await self._finding(check)
            self._findings[check.id] = finding
            if check.fatal and finding.verdict is CheckVerdict.WRONG:
                self._reason = f"{check.id} is wrong"
            if self._watch is not None:
                self._watch(len(self._findings), len(self._checks), finding)

    async def _finding(self, check: Check) -> Finding:
        began = time.monotonic()
        wrong: tuple[str, ...] = ()
        also: tuple[str, ...] = ()
        because, verdict = "", CheckVerdict.OK
        try:
            await self._run_one(check)
        except WrongError as error:
            verdict, wrong, also = CheckVerdict.WRONG, error.lines, error.with_checks
        except NotClaimedError as error:
            verdict, because = CheckVerdict.NOT_CLAIMED, str(error)
        except NotRunError as error:
            verdict, because = CheckVerdict.NOT_RUN, str(error)
        except NotToldError as error:
            verdict, because = CheckVerdict.NOT_TOLD, str(error)
        return Finding(
            id=check.id,
            title=check.title,
            verdict=verdict,
            wrong=wrong,
            because=because,
            why=check.why,
            where=check.where,
            repeat=self._repeat(*also, check.id),
            seconds=time.monotonic() - began,
        )

    async def _run_one(self, check: Check) -> None:
        left = self._end - time.monotonic()
        if self._reason:
            raise NotRunError(self._reason)
        if left <= 0:
            raise NotRunError(f"the time for all checks, {self._limit:g} s, is over")
        limit = min(check.limit, left)
        try:
            async with asyncio.timeout(limit), CheckContext(self._case, check.id) as context:
                await self._require(check, context)
                await check.run(context)
        except (WrongError, NotClaimedError, NotRunError, NotToldError):
            raise
        except TimeoutError:
            raise WrongError(f"the check did not end within {limit:.3g} s") from None
        except DriverError as error:
            details = f" {error.details}" if error.details else ""
            raise WrongError(f"refused with {error.code!r}: {error.message}{details}") from None
        except Exception as error:  # a driver that is wrong enough makes a check stumble; the others go on
            raise WrongError(f"the check could not go on: {type(error).__name__}: {error}") from error

    async def _require(self, check: Check, context: CheckContext) -> None:
        """See that the driver claims what a check needs."""
        if check.needs and self._case.claims is None:
            await context.probe()
        missing = check.needs - (self._case.claims or frozenset())
        if missing:
            raise NotClaimedError(f"the driver does not claim {', '.join(sorted(missing))}")

    def _repeat(self, *checks: str) -> str:
        only = (word for name in checks for word in ("--only", name))
        role = ["--role", self._case.role] if self._case.role else []
        return shlex.join(["harmony", "doctor", self._case.word, *only, *self._case.options, *role])
