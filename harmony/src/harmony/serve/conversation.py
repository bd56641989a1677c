"""One conversation of a step worker: requests in, answers out, one actor behind it.

`receive` runs where the wire is read: on the loop of the actor, or in a thread. It answers at once what needs no actor
(`health`, `discover`, `dump`) and queues the rest for the loop, which performs one request after the other and answers
it. The queue is bounded: when it is full, `receive` blocks in its thread, reading stops, and the flood waits in the
peer's pipe.

The actor keeps its deadlines itself. `watch` answers for a request that blocks the loop.
"""

from __future__ import annotations

import asyncio
import collections
import os
import signal
import threading
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Protocol

from harmony.errors import StepTimeoutError
from harmony.logs import process_logger
from harmony.model import StepOutcome, Verdict
from harmony.run.actor import Actor, Settling
from harmony.run.loop_thread import CANCEL_GRACE, LoopStuckError, LoopThread, contained, stacks
from harmony.text import shown
from harmony.values import ScenarioValues
from harmony.wire import jsonrpc, step_contract
from harmony.wire.framing import Fault, FaultKind, Frame
from harmony.wire.jsonrpc import ErrorResponse, Malformed, Message, Notification, Request, Response, RpcError

_RELEASED_IN: Final = 1.0
"""Seconds that the release gets whatever time has been lost before: a busy machine must not make us leave things."""

QUEUE_LIMIT = 64
SETUP_TIMEOUT = 30.0
CLEANUP_TIMEOUT = 10.0
# An actor enforces the step's deadline itself and explains it better; the session waits a little longer.
STEP_GRACE = 0.5

_log = process_logger()


@dataclass(frozen=True, slots=True)
class OfferedStep:
    """One step definition that a worker announces."""

    type: str
    pattern: str


class Host(Actor, Protocol):
    """An actor that can list the steps it knows."""

    def offered(self) -> Sequence[OfferedStep]:
        """Return every step definition."""

    def diagnose(self) -> Mapping[str, str]:
        """Return what its scenario tells of a step that does not end. Called while the step blocks the loop."""

    def in_background(self) -> tuple[str, float] | None:
        """Return the sentence that goes on in the background, and when it began by the monotonic clock."""


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """How a worker behaves.

    Attributes:
        step_timeout: Seconds a step may take.
        seed: Seed of everything random in its scenarios.
        host_pid: First half of unique names, where the environment gives it.
        feature_id: Second half.
    """

    step_timeout: float = step_contract.DEFAULT_TIMEOUT
    seed: int = 0
    host_pid: int | None = None
    feature_id: int | None = None


@dataclass(slots=True)
class _Job:
    """A request on its way through the loop thread.

    Attributes:
        request: What is asked.
        work: Does it and returns the result.
        timeout: Seconds for it.
        stuck: Makes the result if it blocks the loop, of seconds and stack; without it, that is an error.
        sentence: What is performed, if it is a step.
        stack: Where it stood when its time was over; before, there is none.
        began: When it came to its turn.
        answered: Whether somebody has taken on to answer it.
    """

    request: Request | Notification
    work: Callable[[], Coroutine[Any, Any, Any]]
    timeout: float
    stuck: Callable[[float, str], Any] | None = None
    sentence: str = ""
    stack: str | None = None
    began: float = 0.0
    answered: bool = False


class Session:
    """Serves one peer.

    Args:
        factory: Makes the actor; called once, in the thread that constructs the session.
        loop_thread: On which the actor performs; closed with the session.
        send: Writes one message to the peer; may block while the peer does not read.
        on_end: Called with the exit code when the peer asks for the end, or when the session is lost.
        options: See `SessionOptions`.
    """

    def __init__(
        self,
        factory: Callable[[], Host],
        loop_thread: LoopThread,
        send: Callable[[bytes], None],
        on_end: Callable[[int, str], None],
        options: SessionOptions,
    ) -> None:
        self._host = factory()
        self._send_bytes = send
        self._on_end = on_end
        self._options = options
        self._loop_thread = loop_thread
        self._jobs: collections.deque[_Job] = collections.deque()
        self._room = threading.Event()
        self._answering = threading.Lock()
        self._ending = threading.Event()
        # What follows belongs to the loop thread.
        self._current: _Job | None = None
        self._task: asyncio.Task[None] | None = None
        self._drained: threading.Event | None = None
        self._active = False
        self._values = ScenarioValues()

    @property
    def playing(self) -> bool:
        """Whether a scenario has begun and not ended, or something is asked."""
        return self._active or self._current is not None

    @property
    def full(self) -> bool:
        """Whether another request would have to wait for room."""
        return len(self._jobs) >= QUEUE_LIMIT

    def receive(self, item: Frame | Fault) -> None:
        """Take one message or fault; never raises for anything a peer can send."""
        if isinstance(item, Fault):
            code = jsonrpc.INVALID_REQUEST if item.kind is FaultKind.TOO_LARGE else jsonrpc.PARSE_ERROR
            name = "Invalid Request" if item.kind is FaultKind.TOO_LARGE else "Parse error"
            self._send(ErrorResponse(None, code, f"{name}: {item.detail}", {"framing": item.kind.value}))
            return
        match jsonrpc.decode(item.body):
            case Malformed(error=error):
                self._send(error)
            case Request() | Notification() as call:
                self._dispatch(call)
            case Response(id=identity) | ErrorResponse(id=identity):
                # Answering an answer could go on for ever between two servers.
                _log.warning("ignored an answer to a question this worker never asked", id=identity)

    def drain(self, timeout: float) -> None:
        """Let the requests that are already here be answered, for a bounded time."""
        drained = threading.Event()
        if self._loop_thread.post(self._note_drained, drained):
            drained.wait(timeout)

    def watch(self) -> None:
        """Cancel a request that is beyond its time; answer one that blocks the loop, and end the worker.

        To be called now and then, from outside of the loop.
        """
        job = self._current
        if job is None or (seconds := time.monotonic() - job.began) < job.timeout + STEP_GRACE:
            return
        if job.stack is None:
            job.stack = self._loop_thread.stack()
            self._loop_thread.post(self._expire, job)
        elif seconds > job.timeout + STEP_GRACE + CANCEL_GRACE and self._claim(job):
            self._loop_thread.lost = True
            _log.error("a step hangs", stacks=stacks())
            if job.stuck is None:
                self._refuse(job.request, RpcError(jsonrpc.INTERNAL_ERROR, f"{job.request.method} hangs; worker ends"))
            else:
                self._answer(job.request, job.stuck(seconds, job.stack))
            self._on_end(70, "a step hangs and cannot be cancelled")

    def _expire(self, job: _Job) -> None:
        if job is self._current and self._task is not None:
            self._task.cancel()

    def close(self, timeout: float = 0.6) -> bool:
        """Stop what runs, release the scenario and the actor; return whether all of it ended in time."""
        deadline = time.monotonic() + timeout
        self._ending.set()
        clean = not self._loop_thread.lost
        try:
            if clean:
                self._loop_thread.run(self._stop(), timeout / 3)
        except (StepTimeoutError, LoopStuckError):
            clean = False
        try:
            self._release(self._loop_thread if clean else LoopThread("rescue"))
        except Exception as error:  # noqa: BLE001 - release goes on to the end
            _log.error("release failed", error=repr(error))
            clean = False
        return self._loop_thread.close(max(0.05, deadline - time.monotonic())) and clean

    def _release(self, loop_thread: LoopThread) -> None:
        if self._active:
            self._active = False
            loop_thread.run(self._host.finish(), _RELEASED_IN * 0.7)
        loop_thread.run(self._host.close(), _RELEASED_IN * 0.3)

    def _dispatch(self, call: Request | Notification) -> None:
        try:
            match call.method:
                case step_contract.HEALTH:
                    self._answer(call, result=True)
                case step_contract.DISCOVER:
                    self._answer(call, self._discovery())
                case step_contract.DUMP:
                    self._answer(call, {"requests": self._under_way(), "stacks": stacks()})
                case step_contract.CRASH:
                    os.kill(os.getpid(), signal.SIGKILL)
                case step_contract.SHUTDOWN:
                    self._answer(call, None)
                    self._on_end(0, "shutdown was asked for")
                case step_contract.EXECUTE_STEP:
                    self._enqueue(self._execute(call))
                case step_contract.INITIALIZE:
                    self._enqueue(self._initialize(call))
                case step_contract.SETTLE:
                    self._enqueue(self._settle(call))
                case step_contract.CLEANUP:
                    self._enqueue(_Job(call, self._cleanup, CLEANUP_TIMEOUT))
                case unknown:
                    message = f"Method not found: {shown(unknown, 200)}"
                    raise RpcError(jsonrpc.METHOD_NOT_FOUND, message)  # noqa: TRY301 - one place turns it into an answer
        except RpcError as error:
            self._refuse(call, error)

    def _under_way(self) -> list[dict[str, Any]]:
        job, now = self._current, time.monotonic()
        asked = None if job is None else (job.sentence or job.request.method, job.began)
        found = filter(None, (asked, self._host.in_background()))
        return [{"verb": verb, "seconds": now - began} for verb, began in found]

    def _enqueue(self, job: _Job) -> None:
        while self.full:
            self._room.clear()
            if self.full:
                self._room.wait(0.25)
            if self._ending.is_set():
                return
        self._jobs.append(job)
        if self._loop_thread.here:
            self._wake()
        else:
            self._loop_thread.post(self._wake)

    def _wake(self) -> None:
        if self._current is None:
            self._next()

    def _next(self) -> None:
        self._current = None
        if self._jobs and not self._ending.is_set():
            job = self._jobs.popleft()
            if len(self._jobs) == QUEUE_LIMIT - 1:
                self._room.set()
            job.began = time.monotonic()
            self._current = job
            self._task = asyncio.create_task(self._conduct(job))
        elif self._drained is not None:
            self._drained.set()

    def _note_drained(self, drained: threading.Event) -> None:
        self._drained = drained
        if self._current is None:
            drained.set()

    async def _stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _conduct(self, job: _Job) -> None:
        result: Any = None
        problem: RpcError | None = None
        try:
            result = await contained(job.work())
        except RpcError as error:
            problem = error
        except asyncio.CancelledError:
            cause = "was interrupted" if job.stack is None else f"has no end within {job.timeout:g} s"
            problem = RpcError(jsonrpc.INTERNAL_ERROR, f"Internal error: {job.request.method} {cause}")
        except Exception as error:  # noqa: BLE001 - whatever a request raised, the peer must learn it
            _log.exception("request failed", method=job.request.method)
            message = f"Internal error: {job.request.method} failed: {type(error).__name__}: {error}"
            verdict = getattr(error, "verdict", None)
            data = None if verdict is None else {"verdict": verdict}
            problem = RpcError(jsonrpc.INTERNAL_ERROR, shown(message), data)
        if not self._claim(job):
            return
        if problem is None:
            self._answer(job.request, result)
        else:
            self._refuse(job.request, problem)
        self._next()

    def _claim(self, job: _Job) -> bool:
        """Take on to answer a request; return whether nobody has before."""
        with self._answering:
            claimed, job.answered = not job.answered, True
        return claimed

    def _initialize(self, call: Request | Notification) -> _Job:
        options = self._options
        wanted = step_contract.parse(step_contract.InitializeParams, call.params)
        start = wanted.start(seed=options.seed, host_pid=options.host_pid, feature_id=options.feature_id)

        async def work() -> bool:
            await self._cleanup()
            self._active = True
            self._values = start.values
            await self._host.start(start)
            return True

        return _Job(call, work, CLEANUP_TIMEOUT + SETUP_TIMEOUT)

    def _execute(self, call: Request | Notification) -> _Job:
        timeout = self._options.step_timeout
        asked = step_contract.parse(step_contract.ExecuteStepParams, call.params)
        step = asked.call(timeout)

        async def work() -> dict[str, Any]:
            if self._active:
                self._values.learn(asked.shared_values())
                outcome = await self._outcome(self._host.perform(step), timeout)
            else:
                outcome = StepOutcome(Verdict.FAILED, "no scenario has begun: send initialize before the first step")
            context = asked.echo(self._values.take_untold())
            return step_contract.response_fields(outcome, step=step.text, timeout=timeout, context=context)

        def stuck(seconds: float, stack: str) -> dict[str, Any]:
            return self._stuck(seconds, stack, asked.echo({}))

        return _Job(call, work, timeout, stuck, step.text)

    def _settle(self, call: Request | Notification) -> _Job:
        timeout = self._options.step_timeout

        async def work() -> dict[str, Any]:
            outcome = StepOutcome(Verdict.PASSED)
            if self._active and isinstance(self._host, Settling):
                outcome = await self._outcome(self._host.settle(timeout), timeout)
            published = self._values.take_untold()
            context = {step_contract.SHARED_VALUES: published} if published else {}
            return step_contract.response_fields(outcome, timeout=timeout, context=context)

        return _Job(call, work, timeout, self._stuck)

    async def _outcome(self, work: Coroutine[Any, Any, StepOutcome], timeout: float) -> StepOutcome:
        job, began = self._current, time.monotonic()
        try:
            return await contained(work)
        except asyncio.CancelledError:
            seconds = time.monotonic() - began
            if job is not None and job.stack is not None:
                detail = f"no result within {timeout:g} s, the step was cancelled"
                return StepOutcome(Verdict.TIMED_OUT, detail, {"stack": job.stack}, seconds=seconds)
            if self._ending.is_set():
                return StepOutcome(Verdict.FAILED, "the worker is ending", seconds=seconds)
            raise
        except Exception as error:  # noqa: BLE001 - a failed step is an answer, whatever it raised
            return StepOutcome(Verdict.FAILED, f"{type(error).__name__}: {error}", seconds=time.monotonic() - began)

    def _stuck(self, seconds: float, stack: str, context: Mapping[str, Any] = MappingProxyType({})) -> dict[str, Any]:
        timeout = self._options.step_timeout
        detail = f"no result within {timeout:g} s and the step cannot be cancelled; this worker ends"
        data = {"stack": stack, "sections": dict(self._host.diagnose())}
        outcome = StepOutcome(Verdict.TIMED_OUT, detail, data, seconds=seconds)
        return step_contract.response_fields(outcome, timeout=timeout, context=context)

    async def _cleanup(self) -> None:
        if self._active:
            self._active = False
            await self._host.finish()

    def _discovery(self) -> dict[str, Any]:
        steps = [{"type": step.type, "pattern": step.pattern} for step in self._host.offered()]
        return {"steps": steps, "capabilities": dict.fromkeys(step_contract.CAPABILITIES, True)}

    def _answer(self, call: Request | Notification, result: Any) -> None:
        if isinstance(call, Request):
            self._send(Response(call.id, result))

    def _refuse(self, call: Request | Notification, error: RpcError) -> None:
        if isinstance(call, Request):
            self._send(ErrorResponse(call.id, error.code, error.message, error.data))
        else:
            _log.warning("a notification failed", method=call.method, error=error.message)

    def _send(self, message: Message) -> None:
        self._send_bytes(jsonrpc.encode(message))
