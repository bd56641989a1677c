"""Sentences of features/10-advanced-errors.feature."""

from __future__ import annotations

import os

from harmony import UnsupportedError, expect_equal, step, then
from step_definitions.child_driver import Placement
from step_definitions.observer import Part
from step_definitions.port import Driver, DriverError
from step_definitions.role import Role
from step_definitions.sentences import acting, stating
from step_definitions.steps.system_resources import SystemResourceSteps

_NOBODY = 65534
_DONE = "succeeded"


class AdvancedErrorSteps:
    """Another user, and calls that fail at each of their steps."""

    def __init__(self, role: Role, driver: Driver, system: SystemResourceSteps) -> None:
        self._role = role
        self._driver = driver
        self._system = system
        self._attempts: list[tuple[int, str, list[str]]] = []

    @step(
        acting(
            r"tries to (?P<deed>create|connect to) buffer '(?P<base>[^']+)' "
            r"with '(?P<least>\d+)' to '(?P<most>\d+)' further descriptors"
        )
    )
    async def try_with_few(self, deed: str, base: str, least: int, most: int) -> None:
        """Create a buffer or connect to it under each limit, close, and look at what is left each time."""
        driver, view = self._driver, self._role.view(base)
        for count in range(least, most + 1):
            creating = deed == "create"
            await self._system.limit_further_descriptors(count)
            outcome = _DONE
            try:
                work = driver.create(view.name, metadata=64, payload=1024) if creating else driver.connect(view.name)
                await driver.close(await work)
            except DriverError as error:
                outcome = error.code
            finally:
                self._system.lift()
            left = view.existing() if creating else [side for side in ("writer",) if view.shows_life(side)]
            self._attempts.append((count, outcome, left))

    @then(acting(r"should have failed only with '(?P<code>[^']+)' and left nothing each time"))
    def failed_cleanly(self, code: str) -> None:
        """Compare the outcome of every attempt."""
        wrong = [one for one in self._attempts if one[1] not in {code, _DONE} or one[2]]
        expect_equal([], wrong, "(further descriptors, outcome, what is left) that may not be")
        if all(outcome == _DONE for _, outcome, _ in self._attempts):
            raise AssertionError("no limit was tight enough to make an attempt fail")

    @then(acting(r"should have succeeded at last"))
    def succeeded_at_last(self) -> None:
        """With enough descriptors it succeeds: the failures before have broken nothing."""
        expect_equal(_DONE, self._attempts[-1][1], "outcome with the most descriptors")

    @step(stating(r"the segment of buffer '(?P<base>[^']+)' belongs to (?P<owner>another user|root)"))
    def give_segment(self, base: str, owner: str) -> None:
        """Make somebody else the owner of the memory."""
        if os.geteuid() != 0:
            raise UnsupportedError("giving a file to another user needs the rights of root")
        os.chown(self._role.view(base).path(Part.SEGMENT), _NOBODY if owner == "another user" else 0, -1)

    @step(acting(r"of another user tries to connect to buffer '(?P<base>[^']+)'"))
    async def try_connect_as_nobody(self, base: str) -> None:
        """Connect from a process that belongs to nobody."""
        if os.geteuid() != 0:
            raise UnsupportedError("becoming another user needs the rights of root")
        stranger = await self._role.sibling(Placement(user=_NOBODY))
        await self._role.operations.attempt(stranger.connect(self._role.view(base).name))
