"""One conversation of a step worker: requests in, answers out, one actor behind it.

`receive` runs in the thread that reads. It answers at once what needs no actor (`health`, `discover`, `dump`) and
queues the rest, so that a blocking step never stops `health`. The queue is bounded: when it is full, `receive` blocks,
reading stops, and the flood waits in the peer's pipe.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import os
import queue
import signal
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import structlog

from harmony.model import StepCall, StepOutcome, Verdict
from harmony.run.actor import Actor, Settling
from harmony.run.loop_thread import LoopStuckError, LoopThread, stacks
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

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class OfferedStep:
    """One step definition that a worker announces."""

    type: str
    pattern: str


class Host(Actor, Protocol):
    """An actor that can list the steps it knows."""

    def offered(self) -> Sequence[OfferedStep]:
        """Return every step definition."""


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


@dataclass(frozen=True, slots=True)
class _Job:
    request: Request | Notification
    work: Callable[[], Any]


class Session:
    """Serves one peer.

    Args:
        factory: Makes the actor; called once, in the thread that constructs the session.
        send: Writes one message to the peer; may block while the peer does not read.
        on_end: Called with the exit code when the peer asks for the end, or when the session is lost.
        options: See `SessionOptions`.
    """

    def __init__(
        self,
        factory: Callable[[], Host],
        send: Callable[[bytes], None],
        on_end: Callable[[int, str], None],
        options: SessionOptions,
    ) -> None:
        self._host = factory()
        self._send_bytes = send
        self._on_end = on_end
        self._options = options
        self._loop_thread = LoopThread()
        self._jobs: queue.Queue[_Job | None] = queue.Queue(QUEUE_LIMIT)
        self._active = False
        self._lost = False
        self._ending = threading.Event()
        self._conductor = threading.Thread(target=self._conduct, name="conductor", daemon=True)
        self._conductor.start()

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
        deadline = time.monotonic() + timeout
        with contextlib.suppress(queue.Full):
            self._jobs.put(None, timeout=timeout)
        self._conductor.join(max(0.0, deadline - time.monotonic()))

    def close(self, timeout: float = 0.6) -> bool:
        """Stop what runs, release the scenario and the actor; return whether all of it ended in time."""
        deadline = time.monotonic() + timeout
        self._ending.set()
        self._loop_thread.interrupt()
        with contextlib.suppress(queue.Full):
            self._jobs.put_nowait(None)
        self._conductor.join(timeout / 3)
        clean = not self._conductor.is_alive() and not self._lost and self._loop_thread.responsive(timeout / 4)
        try:
            self._release(self._loop_thread if clean else LoopThread("rescue"), _RELEASED_IN)
        except (Exception, concurrent.futures.CancelledError) as error:  # noqa: BLE001 - release goes on to the end
            _log.error("release failed", error=repr(error))
            clean = False
        return self._loop_thread.close(max(0.05, deadline - time.monotonic())) and clean

    def _release(self, loop_thread: LoopThread, timeout: float) -> None:
        if self._active:
            self._active = False
            loop_thread.run(self._host.finish(), timeout * 0.7)
        loop_thread.run(self._host.close(), timeout * 0.3)

    def _dispatch(self, call: Request | Notification) -> None:
        try:
            match call.method:
                case step_contract.HEALTH:
                    self._answer(call, result=True)
                case step_contract.DISCOVER:
                    self._answer(call, self._discovery())
                case step_contract.DUMP:
                    self._answer(call, {"stacks": stacks()})
                case step_contract.CRASH:
                    os.kill(os.getpid(), signal.SIGKILL)
                case step_contract.SHUTDOWN:
                    self._answer(call, None)
                    self._on_end(0, "shutdown was asked for")
                case step_contract.INITIALIZE:
                    self._enqueue(call, self._initialize(call.params))
                case step_contract.EXECUTE_STEP:
                    self._enqueue(call, self._execute(call.params))
                case step_contract.SETTLE:
                    self._enqueue(call, self._settle)
                case step_contract.CLEANUP:
                    self._enqueue(call, self._cleanup)
                case unknown:
                    message = f"Method not found: {step_contract.clip(unknown, 200)}"
                    raise RpcError(jsonrpc.METHOD_NOT_FOUND, message)  # noqa: TRY301 - one place turns it into an answer
        except RpcError as error:
            self._refuse(call, error)

    def _enqueue(self, call: Request | Notification, work: Callable[[], Any]) -> None:
        job = _Job(call, work)
        while not self._ending.is_set():
            with contextlib.suppress(queue.Full):
                self._jobs.put(job, timeout=0.25)
                return

    def _conduct(self) -> None:
        while (job := self._jobs.get()) is not None and not self._ending.is_set():
            try:
                self._answer(job.request, job.work())
            except RpcError as error:
                self._refuse(job.request, error)
            except LoopStuckError:
                self._refuse(job.request, RpcError(jsonrpc.INTERNAL_ERROR, f"{job.request.method} hangs; worker ends"))
            except concurrent.futures.CancelledError:
                self._refuse(job.request, RpcError(jsonrpc.INTERNAL_ERROR, f"{job.request.method} was interrupted"))
            except Exception as error:  # noqa: BLE001 - whatever a request raised, the peer must learn it
                _log.exception("request failed", method=job.request.method)
                message = f"Internal error: {job.request.method} failed: {type(error).__name__}: {error}"
                verdict = getattr(error, "verdict", None)
                data = None if verdict is None else {"verdict": verdict}
                self._refuse(job.request, RpcError(jsonrpc.INTERNAL_ERROR, step_contract.clip(message), data))
            if self._lost:
                self._on_end(70, "a step hangs and cannot be cancelled")
                return

    def _initialize(self, params: Any) -> Callable[[], Any]:
        options = self._options
        wanted = step_contract.parse(step_contract.InitializeParams, params)
        start = wanted.start(seed=options.seed, host_pid=options.host_pid, feature_id=options.feature_id)

        def work() -> bool:
            self._cleanup()
            self._active = True
            self._guarded(self._host.start(start), SETUP_TIMEOUT)
            return True

        return work

    def _execute(self, params: Any) -> Callable[[], Any]:
        timeout = self._options.step_timeout
        call = step_contract.parse(step_contract.ExecuteStepParams, params).call(timeout)

        def work() -> dict[str, Any]:
            outcome = self._perform(call)
            return step_contract.response_fields(outcome, step=call.text, timeout=timeout)

        return work

    def _settle(self) -> dict[str, Any]:
        timeout = self._options.step_timeout
        host = self._host
        if not self._active or not isinstance(host, Settling):
            return step_contract.response_fields(StepOutcome(Verdict.PASSED))
        return step_contract.response_fields(self._outcome(host.settle(timeout), timeout), timeout=timeout)

    def _perform(self, call: StepCall) -> StepOutcome:
        if not self._active:
            return StepOutcome(Verdict.FAILED, "no scenario has begun: send initialize before the first step")
        return self._outcome(self._host.perform(call), call.timeout)

    def _outcome(self, work: Coroutine[Any, Any, StepOutcome], timeout: float) -> StepOutcome:
        began = time.monotonic()
        try:
            return self._loop_thread.run(work, timeout + STEP_GRACE)
        except TimeoutError:
            detail = f"no result within {timeout:g} s, the step was cancelled"
        except LoopStuckError:
            self._lost = True
            detail = f"no result within {timeout:g} s and the step cannot be cancelled; this worker ends"
            _log.error("a step hangs", stacks=stacks())
        except concurrent.futures.CancelledError:
            detail = "the worker is ending"
            return StepOutcome(Verdict.FAILED, detail, seconds=time.monotonic() - began)
        except Exception as error:  # noqa: BLE001 - a failed step is an answer, whatever it raised
            return StepOutcome(Verdict.FAILED, f"{type(error).__name__}: {error}", seconds=time.monotonic() - began)
        return StepOutcome(Verdict.TIMED_OUT, detail, seconds=time.monotonic() - began)

    def _cleanup(self) -> None:
        if self._active:
            self._active = False
            self._guarded(self._host.finish(), CLEANUP_TIMEOUT)

    def _guarded(self, work: Any, timeout: float) -> None:
        try:
            self._loop_thread.run(work, timeout)
        except TimeoutError:
            raise RpcError(jsonrpc.INTERNAL_ERROR, f"Internal error: no end within {timeout:g} s") from None
        except LoopStuckError:
            self._lost = True
            raise

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
