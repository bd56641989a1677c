"""Steps in this process: the actor behind local mode and behind drivers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Coroutine, Mapping
from typing import Any, Final

from harmony.errors import CleanupError, StepTimeoutError
from harmony.logs import LEVELS
from harmony.model import ProcessAction, ScenarioStart, StepCall, StepOutcome
from harmony.network.scenario_network import Network
from harmony.process.transcript import Written
from harmony.run.loop_thread import LoopThread
from harmony.run.step_performer import CLEANUP_TIMEOUT, SETUP_TIMEOUT, StepPerformer
from harmony.steps.context import ScenarioContext
from harmony.steps.library import StepLibrary
from harmony.steps.performance import Statistics

STEP_GRACE: Final = 0.5
"""Seconds beyond a step's time: the performer cancels it by itself, if that is possible, and explains it better."""


class StepActor:
    """Plays one role at a time on a loop thread of its own, so that a step that blocks disturbs nobody.

    Args:
        library: The project's steps.
        name: Names the threads.
        show_logs: Least level of log records that also go to stderr.
    """

    def __init__(self, library: StepLibrary, *, name: str = "local", show_logs: int = LEVELS["warning"]) -> None:
        self._steps = StepPerformer(library, name=name, show_logs=show_logs, given=self._given)
        self._name = name
        self._thread: LoopThread | None = None
        self._network = Network()

    @property
    def ended(self) -> bool:
        """Never: what plays the role may end, the steps go on in this process."""
        return False

    @property
    def killed(self) -> Collection[int]:
        """The processes that the scenario has killed on purpose, as far as the harness knows them."""
        return ()

    @property
    def timings(self) -> dict[str, Statistics]:
        """After a scenario, how long its measured operations took."""
        return self._steps.timings

    def given(self, context: ScenarioContext) -> Mapping[Any, Any]:
        """Return what step classes are given beyond what the project provides, by type."""
        del context
        return {}

    def join(self, network: Network) -> None:
        """Take the network that step classes are given from the next scenario on."""
        self._network = network

    async def start(self, scenario: ScenarioStart) -> None:
        """Begin a scenario with a fresh context."""
        await self._ready().perform(self._steps.start(scenario), SETUP_TIMEOUT)

    async def perform(self, call: StepCall) -> StepOutcome:
        """Perform one step.

        A step marked as background answers at once; the next one of this role waits for it first.
        """
        return await self._bounded(self._steps.perform(call), call.timeout)

    async def settle(self, timeout: float) -> StepOutcome:
        """Wait for the step that still runs in the background, if any, and return its outcome."""
        return await self._bounded(self._steps.settle(timeout), timeout)

    async def control(self, action: ProcessAction) -> StepOutcome:
        """End or halt the process behind the role's implementation, if the project provides a control for it."""
        return await self._bounded(self._steps.control(action), SETUP_TIMEOUT)

    async def finish(self) -> None:
        """End the scenario and release all it held, on another loop if its own stands still.

        Raises:
            CleanupError: Something could not be released, or not in time.
        """
        if self._thread is None:
            return
        try:
            await self._ready().perform(self._steps.finish(), CLEANUP_TIMEOUT + STEP_GRACE)
        except StepTimeoutError as error:
            raise CleanupError([error]) from error

    def take_stderr(self) -> Written:
        """Return what the processes of its scenario have written on stderr since this was asked last."""
        return self._steps.take_stderr()

    def stderr_tail(self, count: int) -> list[str]:
        """Return the last lines of that, which stay where they are."""
        return self._steps.stderr_tail(count)

    async def close(self) -> None:
        """End the threads."""
        thread, self._thread = self._thread, None
        if thread is not None:
            await self._steps.close()
            await asyncio.to_thread(thread.close, 1.0)

    def _given(self, context: ScenarioContext) -> Mapping[Any, Any]:
        return {Network: self._network, **self.given(context)}

    async def _bounded(self, work: Coroutine[Any, Any, StepOutcome], seconds: float) -> StepOutcome:
        begin = time.monotonic()
        try:
            return await self._ready().perform(work, seconds + STEP_GRACE)
        except StepTimeoutError as error:
            return self._steps.timed_out(seconds, time.monotonic() - begin, error.stack)

    def _ready(self) -> LoopThread:
        if self._thread is not None and self._thread.lost:
            self._thread.close(0)  # it ends as soon as what blocks it does
            self._thread = None
        if self._thread is None:
            self._thread = LoopThread(self._name)
        return self._thread
