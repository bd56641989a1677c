"""The actor behind a step worker: a process (or a socket) that speaks the step contract."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from harmony.errors import LeftBehindError
from harmony.model import ProcessAction, ScenarioStart, StepCall, StepOutcome, Verdict
from harmony.process.child import ChildProcess, ProcessSpec
from harmony.process.stacks import scene_of, stacks_of
from harmony.process.transcript import Written
from harmony.values import ScenarioValues
from harmony.verdict.events import Subscriber, WorkerEnded, WorkerStarted
from harmony.wire import step_contract
from harmony.wire.link import Link, LinkError, NoAnswerError, Observer, PeerGoneError, ProtocolError, RefusedError
from harmony.wire.step_contract import Discovery, StepResponse, WorkerDump

# A worker keeps the deadline of a step by itself and says so; only one that does not is cut off here.
STEP_GRACE = 1.0


@dataclass(frozen=True, slots=True)
class WorkerTimeouts:
    """Seconds a worker may take to answer.

    Attributes:
        start: Until the first `health`.
        setup: For `initialize` and `discover`.
        cleanup: For `cleanup`.
        stop: To end by itself, and then again after TERM.
    """

    start: float = 30.0
    setup: float = 30.0
    cleanup: float = 15.0
    stop: float = 2.0


@dataclass(slots=True)
class WorkerState:
    """What is known of a worker beside its answers.

    Attributes:
        discovery: Its catalogue and capabilities; empty if it announces none.
        trouble: Why it must not be used again; empty while it may.
        own: The processes it consists of: itself, and what it had started by the time it was ready.
        left_behind: Other processes that it had started and not ended.
        killed: What the scenario has killed of it.
    """

    discovery: Discovery = field(default_factory=Discovery)
    trouble: str = ""
    own: frozenset[int] = frozenset()
    left_behind: list[int] = field(default_factory=list)
    killed: frozenset[int] = frozenset()


class StepWorker:
    """Plays one role by asking a step worker.

    Args:
        link: The conversation.
        child: Its process; none if it was started by someone else, and then it is never ended here.
        timeouts: How long it may take.
        tell: Hears that it is ready, and how it ended.
    """

    def __init__(
        self,
        link: Link,
        child: ChildProcess | None = None,
        timeouts: WorkerTimeouts | None = None,
        tell: Subscriber = lambda _: None,
    ) -> None:
        self.link = link
        self.child = child
        self.timeouts = timeouts or WorkerTimeouts()
        self.state = WorkerState()
        self._tell = tell
        self._started = False
        self._closing = False
        self._values = ScenarioValues()

    @classmethod
    async def launch(
        cls, spec: ProcessSpec, timeouts: WorkerTimeouts | None = None, tell: Subscriber = lambda _: None
    ) -> StepWorker:
        """Start a process and return once it answers `health`.

        Raises:
            StartFailedError: It cannot be started.
            LinkError: It does not become ready; it has been ended again.
        """
        child = ChildProcess(spec)
        worker = cls(Link.to_process(child), child, timeouts, tell)
        await worker.begin()
        worker.state.own = frozenset(child.family())
        return worker

    @classmethod
    async def attach(
        cls, name: str, path: Path, timeouts: WorkerTimeouts | None = None, tell: Subscriber = lambda _: None
    ) -> StepWorker:
        """Connect to a worker that listens on a socket.

        Raises:
            LinkError: Nobody listens, or does not answer `health`.
        """
        worker = cls(Link.to_socket(name, path), None, timeouts, tell)
        await worker.begin()
        return worker

    async def begin(self) -> None:
        """Wait until it is ready, and tell so; one that does not become ready is ended again."""
        try:
            await self.ready()
        except BaseException as error:
            # It has nothing to release yet, so nobody waits for that.
            self.state.trouble = self.state.trouble or f"it did not become ready: {error!r}"
            await self.kill()
            raise
        self._started = True
        pid = self.child.pid if self.child else 0
        self._tell(WorkerStarted(platform=self.name, pid=pid, attached=self.child is None))

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.link.name

    @property
    def ended(self) -> bool:
        """Whether the scenario has ended its process on purpose."""
        return self._closing

    @property
    def reusable(self) -> bool:
        """Whether another scenario may be given to it."""
        running = self.child is None or self.child.running()
        return running and not self.state.trouble and self.link.gone is None

    @property
    def killed(self) -> Collection[int]:
        """The processes that its scenario has killed on purpose: itself, and what it had started."""
        return self.state.killed

    def crash(self) -> str:
        """Say how it crashed; empty if it did not."""
        return self.link.crash()

    def take_stderr(self) -> Written:
        """Return what its process, and what that has started, have written on stderr since this was asked last."""
        return self.child.stderr.take() if self.child is not None else Written()

    def stderr_tail(self, count: int) -> list[str]:
        """Return the last lines of that, which stay where they are."""
        return self.child.stderr.tail(count) if self.child is not None else []

    async def ready(self) -> None:
        """Wait for `health`, then learn the catalogue.

        Raises:
            LinkError: It does not become ready.
        """
        answer = await self.link.ask(step_contract.HEALTH, timeout=self.timeouts.start)
        if answer is not True:
            raise ProtocolError(f"{self.name} answered health with {answer!r} instead of true")
        try:
            found = await self.link.ask(step_contract.DISCOVER, timeout=self.timeouts.setup)
            self.state.discovery = Discovery.model_validate(found)
        except RefusedError:
            return
        except ValidationError as error:
            detail = f"{self.name} answered discover with something else than steps: {error}"
            raise ProtocolError(detail) from None

    async def start(self, scenario: ScenarioStart) -> None:
        """Begin a scenario.

        Raises:
            LinkError: It does not begin.
        """
        self._values = scenario.values
        params = step_contract.initialize_params(scenario)
        answer = await self._demand(step_contract.INITIALIZE, params, self.timeouts.setup)
        if answer is not True:
            self._give_up("initialize was not answered with true")
            raise ProtocolError(f"{self.name} answered initialize with {answer!r} instead of true")

    async def perform(self, call: StepCall) -> StepOutcome:
        """Perform one step; whatever the worker does instead of an answer is an outcome, too."""
        began = time.monotonic()
        discovery = self.state.discovery
        lacking = next((name for name in step_contract.capabilities_of(call) if not discovery.able(name)), None)
        if lacking:
            return StepOutcome(Verdict.UNSUPPORTED, f"{self.name} does not announce the capability {lacking!r}")
        told = self._values.all() if discovery.able(step_contract.SHARED_VALUES) else {}
        params = step_contract.step_params(call, told)
        since: dict[str, Any] = {"since": began, "verb": call.text}
        try:
            answer = await self._demand(step_contract.EXECUTE_STEP, params, call.timeout, STEP_GRACE)
            response = self._heard(answer)
            outcome = response.outcome(time.monotonic() - began)
        except LinkError as error:
            self._give_up_over(error)
            hangs = isinstance(error, NoAnswerError)
            data = {"code": error.code} | (since | await self.stacks() if hangs else {})
            return StepOutcome(error.verdict, error.message, data, seconds=time.monotonic() - began)
        if outcome.verdict is Verdict.TIMED_OUT:
            self._give_up("a step exceeded its time")
            return replace(outcome, data={**outcome.data, **since, **await self.stacks()})
        lacks = outcome.verdict is Verdict.UNSUPPORTED and not response.declined()
        if lacks and discovery.has(call.type, call.text):
            error_text = f"{self.name} announces this step in discover, but then says: {outcome.error}"
            return replace(outcome, verdict=Verdict.FAILED, error=error_text)
        return outcome

    async def settle(self, timeout: float) -> StepOutcome:
        """Wait for what still runs in the background of a worker that announces `settle`."""
        able = self.state.discovery.able(step_contract.SETTLE)
        if self._closing or not able:
            return StepOutcome(Verdict.PASSED)
        began = time.monotonic()
        try:
            answer = await self._demand(step_contract.SETTLE, None, timeout, STEP_GRACE)
            return self._heard(answer).outcome(time.monotonic() - began)
        except LinkError as error:
            return StepOutcome(error.verdict, error.message, seconds=time.monotonic() - began)

    async def finish(self) -> None:
        """End the scenario.

        Raises:
            LinkError: The worker does not confirm that it has released everything.
        """
        if self._closing or self.state.trouble:
            return
        await self._demand(step_contract.CLEANUP, None, self.timeouts.cleanup)

    def check_leftovers(self) -> None:
        """Check between two scenarios that nothing of the last one runs on.

        Raises:
            LeftBehindError: Processes were left; they have been ended, and this worker is not to be used again.
        """
        if self.child is None or self._closing:
            return
        left = self.child.end_strays(self.state.own)
        if left:
            self.state.trouble = "it left processes behind"
            raise LeftBehindError.of(self.name, left)

    async def control(self, action: ProcessAction) -> StepOutcome:
        """End its process on purpose, and return when it is gone; or halt it, or have it go on."""
        began = time.monotonic()
        if self.child is None:
            return StepOutcome(Verdict.UNSUPPORTED, f"{self.name} was started elsewhere and is not ended from here")
        if action is ProcessAction.FREEZE:
            self.child.freeze()
            return StepOutcome(Verdict.PASSED, seconds=time.monotonic() - began)
        if action is ProcessAction.THAW:
            self.child.thaw()
            return StepOutcome(Verdict.PASSED, seconds=time.monotonic() - began)
        self._closing = True
        self.state.trouble = f"the scenario ended it ({action})"
        if action is ProcessAction.SHUTDOWN:
            try:
                await self.link.ask(step_contract.CLEANUP, timeout=self.timeouts.cleanup)
                self.child.expect_end()
                await self.link.ask(step_contract.SHUTDOWN, timeout=self.timeouts.stop)
            except LinkError as error:
                return StepOutcome(error.verdict, error.message, seconds=time.monotonic() - began)
        else:
            self.state.killed = frozenset(self.child.family())
            self.child.signal(signal.SIGKILL)
        if not await asyncio.to_thread(self.child.ended, self.timeouts.stop):
            text = f"{self.name} did not end within {self.timeouts.stop:g} s of {action}"
            return StepOutcome(Verdict.TIMED_OUT, text, seconds=time.monotonic() - began)
        return StepOutcome(Verdict.PASSED, seconds=time.monotonic() - began)

    async def close(self) -> None:
        """End the process in order: `shutdown`, end of input, TERM, KILL. One that was started elsewhere stays.

        Raises:
            LeftBehindError: It had started processes and not ended them.
        """
        self._closing = True
        if self.child is not None and self.reusable:
            self.child.expect_end()
            try:
                await self.link.ask(step_contract.SHUTDOWN, timeout=self.timeouts.stop)
            except (RefusedError, PeerGoneError):
                pass
            except LinkError as error:
                self.state.trouble = error.message
        await self.kill()
        if self.state.left_behind:
            raise LeftBehindError.of(self.name, self.state.left_behind)

    async def kill(self) -> None:
        """End the process without asking it."""
        self._closing = True
        child = self.child
        if child is not None:
            patience = 0.0 if self.state.trouble else self.timeouts.stop
            self.link.retire("it is being ended")
            self.state.left_behind += await asyncio.to_thread(child.end, patience=patience, grace=self.timeouts.stop)
        await asyncio.to_thread(self.link.close)
        if child is not None:
            child.release()
        if self._started:
            self._started = False
            how = child.how_it_ended() if child else "left running"
            self._tell(WorkerEnded(platform=self.name, pid=child.pid if child else 0, how=how))

    def _heard(self, answer: Any) -> StepResponse:
        """Read an answer, and keep what the role has published with it."""
        response = _response(self.name, answer)
        self._values.learn(response.shared_values())
        return response

    async def _demand(self, method: str, params: Any, timeout: float, grace: float = 0.0) -> Any:
        """Ask, and remember if the answer means that this worker is not to be used again."""
        try:
            return await self.link.ask(method, params, timeout=timeout, grace=grace)
        except LinkError as error:
            self._give_up_over(error)
            raise

    def _give_up_over(self, error: LinkError) -> None:
        if isinstance(error, PeerGoneError):
            self.state.trouble = self.state.trouble or error.message
        else:
            self._give_up(error.message)

    def _give_up(self, trouble: str) -> None:
        """Use it no more. Its cell is red already, and how it ends from here on adds nothing."""
        self.state.trouble = self.state.trouble or trouble
        if self.child is not None:
            self.child.give_up()

    def observe(self, tell: Subscriber, observer: Observer | None) -> None:
        """Have somebody hear of its end and of every message."""
        self._tell = tell
        self.link.observer = observer

    async def stacks(self) -> dict[str, Any]:
        """Return where it stands, and with which sentence or method; see `scene_of`. Never raises."""
        text = ""
        begun: list[tuple[float, str]] = []
        if self.state.discovery.able(step_contract.DUMP):
            with contextlib.suppress(LinkError, ValidationError):
                answer = await self.link.ask(step_contract.DUMP, timeout=2.0)
                told = WorkerDump.model_validate(answer)
                text, now = told.stacks, time.monotonic()
                begun = [(now - one.seconds, one.verb) for one in told.requests]
        if not text and self.child is not None:
            text = await asyncio.to_thread(stacks_of, self.child.pid)
        return scene_of(text, begun)


def _response(name: str, answer: Any) -> StepResponse:
    if not isinstance(answer, Mapping):
        raise ProtocolError(f"{name} answered executeStep with {answer!r} instead of a step response")
    try:
        return StepResponse.model_validate(answer)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        raise ProtocolError(f"{name} answered executeStep with no step response: {problems}") from None
