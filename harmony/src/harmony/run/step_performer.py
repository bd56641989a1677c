"""The steps of one role, performed on the loop that it is called on."""

from __future__ import annotations

import asyncio
import functools
import inspect
import time
import traceback
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from harmony.errors import (
    AmbiguousStepError,
    CleanupError,
    ConversionError,
    HarmonyError,
    StepClassError,
    StepTimeoutError,
    UndefinedStepError,
    UnsupportedError,
)
from harmony.logs import LEVELS, STEP
from harmony.model import FAULT, ProcessAction, ScenarioStart, StepCall, StepOutcome, Verdict
from harmony.own_code import is_own_code
from harmony.process.transcript import Transcript, Written
from harmony.run.blocking import BlockingCalls
from harmony.run.control import ProcessControl
from harmony.run.loop_thread import contained, task_stacks, within
from harmony.steps.binding import bind
from harmony.steps.context import ScenarioContext, make_current
from harmony.steps.injection import Injector
from harmony.steps.library import StepLibrary
from harmony.steps.performance import Statistics
from harmony.steps.registry import StepDefinition, StepMatch
from harmony.steps.resources import resolved
from harmony.text import shortened
from harmony.verdict.comparison import MismatchError

SETUP_TIMEOUT: Final = 30.0
CLEANUP_TIMEOUT: Final = 10.0
_LONGEST_ERROR: Final = 4000
_SETTLED_IN: Final = 2.0
_CONTROLS: Final = {
    ProcessAction.KILL: "kill",
    ProcessAction.CRASH: "crash",
    ProcessAction.SHUTDOWN: "shut_down",
    ProcessAction.FREEZE: "freeze",
    ProcessAction.THAW: "thaw",
}


@dataclass(slots=True)
class _Running:
    """A step that goes on in the background."""

    call: StepCall
    outcome: asyncio.Task[StepOutcome]
    began: float = field(default_factory=time.monotonic)


class StepPerformer:
    """Plays one role at a time with the step classes of this process.

    Methods that are plain functions run on threads, so that only an asynchronous step that blocks can stop the loop.

    Args:
        library: The project's steps.
        name: Names the threads.
        show_logs: Least level of log records that also go to stderr.
        given: Returns what step classes are given beyond what the project provides, by type.

    Attributes:
        timings: After a scenario, how long its measured operations took.
    """

    def __init__(
        self,
        library: StepLibrary,
        *,
        name: str = "local",
        show_logs: int = LEVELS["warning"],
        given: Callable[[ScenarioContext], Mapping[Any, Any]] = lambda _: {},
    ) -> None:
        self._library = library
        self._given = given
        self._show_logs = show_logs
        self._blocking = BlockingCalls(f"{name}-step")
        self._context: ScenarioContext | None = None
        self._injector: Injector | None = None
        self._running: _Running | None = None
        self._transcripts: Sequence[Transcript] = ()
        self.timings: dict[str, Statistics] = {}

    @property
    def ended(self) -> bool:
        """Never: what plays the role may end, the steps go on in this process."""
        return False

    async def start(self, scenario: ScenarioStart) -> None:
        """Begin a scenario with a fresh context."""
        if self._context is not None:
            await self.finish()
        self._context = ScenarioContext(scenario, show_logs=self._show_logs)
        self._transcripts = self._context.transcripts
        self._injector = Injector(self._library.providers, self._context, self._given(self._context))
        self.timings = {}

    async def perform(self, call: StepCall) -> StepOutcome:
        """Perform one step.

        A step marked as background answers at once; the next one of this role waits for it first.
        """
        before = await self.settle(call.timeout)
        if before.verdict is not Verdict.PASSED:
            return before
        outcome = await self._performed(call)
        logs, attachments = (*before.logs, *outcome.logs), (*before.attachments, *outcome.attachments)
        return replace(outcome, logs=logs, attachments=attachments)

    async def _performed(self, call: StepCall) -> StepOutcome:
        try:
            match = self._library.registry.match(call.type, call.text)
            arguments = bind(match, call.table, call.doc_string, self._library.converters)
        except UndefinedStepError as error:
            return StepOutcome(Verdict.UNDEFINED, str(error), {"snippet": error.snippet, "code": error.code})
        except AmbiguousStepError as error:
            return StepOutcome(Verdict.AMBIGUOUS, str(error), {"code": error.code})
        except (ConversionError, StepClassError) as error:
            return StepOutcome(Verdict.FAILED, str(error), {"code": error.code, FAULT: error.code})
        if match.definition.background:
            task = asyncio.create_task(self._step(call, match, arguments))
            self._running = _Running(call, task)
            return StepOutcome(Verdict.PASSED, data={"background": True})
        return await self._step(call, match, arguments)

    async def settle(self, timeout: float) -> StepOutcome:
        """Wait for the step that still runs in the background, if any, and return its outcome."""
        running = self._running
        if running is None:
            return StepOutcome(Verdict.PASSED)
        done, _ = await asyncio.wait({running.outcome}, timeout=timeout)
        self._running = None
        if not done:
            running.outcome.cancel()
            outcome = StepOutcome(Verdict.TIMED_OUT, f"no end within {timeout:g} s")
        else:
            outcome = running.outcome.result()
        if outcome.verdict is Verdict.PASSED:
            return outcome
        return replace(outcome, error=f"in the background, {running.call.text}\n{outcome.error}")

    async def control(self, action: ProcessAction) -> StepOutcome:
        """End or halt the process behind the role's implementation, if the project provides a control for it."""
        context, injector = self._ready()
        if not injector.knows(ProcessControl):
            return StepOutcome(
                Verdict.ERRORED,
                f"cannot {action} a role that has no process of its own",
                {"hint": "provide a harmony.ProcessControl, or run the roles as processes"},
            )

        async def act() -> None:
            make_current(context)
            control: ProcessControl = await injector.get(ProcessControl)
            wanted = getattr(control, _CONTROLS[action], None)
            if wanted is None:  # written for a harness that did not halt processes
                raise UnsupportedError(f"the control of this role has no `{_CONTROLS[action]}`")
            await wanted()

        return await self._outcome(context, act(), SETUP_TIMEOUT)

    async def finish(self) -> None:
        """End the scenario and release all it held.

        Raises:
            CleanupError: Something could not be released, or not in time.
        """
        context, self._context, self._injector = self._context, None, None
        running, self._running = self._running, None
        if running is not None:
            running.outcome.cancel()
        if context is None:
            return
        self.timings = {name: context.performance.statistics(name) for name in context.performance.operations}
        make_current(context)
        try:
            await within(context.close(), CLEANUP_TIMEOUT)
        except StepTimeoutError as error:
            raise CleanupError([error, *context.crashes()]) from error
        # What the context held is gone, so a function that still ran in the background comes to its end.
        if not await self._blocking.settled(_SETTLED_IN):
            self._blocking.close()

    def take_stderr(self) -> Written:
        """Return what the processes of its scenario, the last one, have written on stderr since this was asked last."""
        return Written.together(transcript.take() for transcript in tuple(self._transcripts))

    def stderr_tail(self, count: int) -> list[str]:
        """Return the last lines of that, which stay where they are: those of the process that was started last."""
        return next((tail for one in reversed(tuple(self._transcripts)) if (tail := one.tail(count))), [])

    async def close(self) -> None:
        """End the threads."""
        self._blocking.close()

    def catalogue(self) -> Sequence[StepDefinition]:
        """Return every step definition, for discovery."""
        return self._library.registry.definitions

    def in_background(self) -> tuple[str, float] | None:
        """Return the sentence that goes on in the background, and when it began by the monotonic clock."""
        running = self._running
        return None if running is None or running.outcome.done() else (running.call.text, running.began)

    def diagnose(self) -> dict[str, str]:
        """Return what the scenario tells of a failure."""
        return self._context.diagnose() if self._context else {}

    def timed_out(self, seconds: float, elapsed: float, stack: str) -> StepOutcome:
        """Return the outcome of a step that did not end in time."""
        return StepOutcome(
            Verdict.TIMED_OUT,
            f"Step execution timeout: no end within {seconds:g} s",
            {
                "timeoutType": "STEP_EXECUTION_TIMEOUT",
                "timeoutMs": round(seconds * 1000),
                "elapsedMs": round(elapsed * 1000),
                "stack": stack,
                "sections": self.diagnose(),
            },
        )

    def _stack(self) -> str:
        return "\n".join(filter(None, (self._blocking.stack(), task_stacks())))

    def _ready(self) -> tuple[ScenarioContext, Injector]:
        if self._context is None or self._injector is None:
            raise HarmonyError("a step before the scenario has started", hint="call start() first")
        return self._context, self._injector

    async def _step(self, call: StepCall, match: StepMatch, arguments: Mapping[str, Any]) -> StepOutcome:
        context, injector = self._ready()

        async def run() -> None:
            make_current(context)
            STEP.set(call.text)
            owner = await injector.get(match.definition.owner)
            method: Callable[..., Any] = getattr(owner, match.definition.method)
            given = {name: resolved(value, context) for name, value in arguments.items()}
            if inspect.iscoroutinefunction(method):
                await method(**given)
                return
            result = await self._blocking.call(functools.partial(method, **given))
            if inspect.isawaitable(result):
                await result

        return await self._outcome(context, run(), call.timeout)

    async def _outcome(self, context: ScenarioContext, work: Coroutine[Any, Any, None], seconds: float) -> StepOutcome:
        begin = time.monotonic()
        try:
            await contained(within(work, seconds, self._stack))
            outcome = StepOutcome(Verdict.PASSED)
        except StepTimeoutError as error:
            outcome = self.timed_out(seconds, time.monotonic() - begin, error.stack)
        except UnsupportedError as error:
            outcome = StepOutcome(Verdict.UNSUPPORTED, str(error), {"code": error.code})
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 - whatever a step raises is its outcome
            own = getattr(error, "verdict", None)
            verdict = own if isinstance(own, Verdict) else Verdict.FAILED
            outcome = StepOutcome(verdict, _message(error), _details(error, context))
        outcome = _hung(outcome, context)
        seconds = time.monotonic() - begin
        return replace(outcome, logs=context.logs.take(), seconds=seconds, attachments=context.take_attachments())


def _hung(outcome: StepOutcome, context: ScenarioContext) -> StepOutcome:
    """Return the outcome of a step in which something hung, whatever the step made of that."""
    hangs = context.take_hangs()
    if not hangs or outcome.verdict in {Verdict.TIMED_OUT, Verdict.CRASHED}:
        return outcome
    made = f"\nof which the step made: {outcome.error}" if outcome.error else ""
    return StepOutcome(Verdict.TIMED_OUT, _message(hangs[0]) + made, _details(hangs[0], context))


def _message(error: BaseException) -> str:
    text = str(error) or type(error).__name__
    plain = isinstance(error, (AssertionError, HarmonyError))
    return shortened(text if plain else f"{type(error).__name__}: {text}", _LONGEST_ERROR)


def _details(error: BaseException, context: ScenarioContext) -> dict[str, Any]:
    details: dict[str, Any] = {"traceback": _traceback(error), "sections": context.diagnose()}
    code = getattr(error, "code", None)
    if isinstance(code, str):
        details["code"] = code
    if not _of_implementation(error):
        details[FAULT] = type(error).__name__
    if isinstance(error, MismatchError):
        details |= {"subject": error.subject, "expected": error.expected, "seen": error.seen, "offset": error.offset}
    return details


def _of_implementation(error: BaseException) -> bool:
    """Whether an error says what an implementation did: an assertion, or an error with a code of its own.

    Any other is a mistake in a step, a driver or the harness.
    """
    if isinstance(error, AssertionError):
        return True
    code = getattr(error, "code", None)
    return isinstance(code, str) and code != "system_error" and not isinstance(error, HarmonyError)


def _traceback(error: BaseException) -> str:
    """Return the traceback from the step method on: what harmony does around it helps nobody."""
    loop = Path(asyncio.__file__).parent
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not is_own_code(frame.filename) and Path(frame.filename).parent != loop
    ]
    return "".join(traceback.StackSummary.from_list(frames).format())
