"""What one role of one scenario shares while it runs, and what is released when it ends."""

from __future__ import annotations

import contextvars
import inspect
import random
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import TypeVar

from harmony.attachments import MOST, Attachment, Attachments
from harmony.errors import CleanupError, CrashedError
from harmony.excerpt import Excerpt
from harmony.logs import LEVELS, Logger, scenario_logger
from harmony.model import ScenarioStart
from harmony.process.transcript import Transcript
from harmony.steps.naming import Naming
from harmony.steps.performance import PerformanceMonitor

Resource = TypeVar("Resource")
CleanUp = Callable[[], Awaitable[object] | object]

_CURRENT: contextvars.ContextVar[ScenarioContext | None] = contextvars.ContextVar("harmony_context", default=None)


class ScenarioContext:
    """The life of one role in one scenario. Fresh for each scenario; everything entered is released in reverse order.

    Attributes:
        start: What the scenario is: role, platform, title, run id, seed, tags.
        naming: Makes names unique for this run.
        logger: Logger bound to scenario and role.
        logs: What was logged since the last step ended, as far as it is kept.
        random: Random numbers that depend on the seed alone.
        performance: Durations of operations.
        transcripts: What the processes that it has started write on stderr.
        hangs: What was left unanswered in time and has not been told yet, whatever a step made of it.
    """

    def __init__(self, start: ScenarioStart, *, show_logs: int = LEVELS["warning"]) -> None:
        self.start = start
        self.naming = Naming.of_scenario(start)
        self.logs = Excerpt()
        self.logger: Logger = scenario_logger(
            self.logs.append, show=show_logs, scenario=start.scenario, role=start.role, platform=start.platform
        )
        self.random = random.Random(f"{start.seed}/{start.role}")  # noqa: S311 - reproducible, not secret
        self.performance = PerformanceMonitor()
        self.transcripts: list[Transcript] = []
        self.hangs: list[Exception] = []
        self._cleanups: list[CleanUp] = []
        self._diagnoses: list[tuple[str, Callable[[], str]]] = []
        self._ends: list[Callable[[], str]] = []
        self._attachments = Attachments()
        self._closing = False

    def enter(self, resource: AbstractContextManager[Resource]) -> Resource:
        """Enter a context manager; it is left when the scenario ends."""
        value = resource.__enter__()
        self.on_cleanup(lambda: resource.__exit__(None, None, None))
        return value

    async def enter_async(self, resource: AbstractAsyncContextManager[Resource]) -> Resource:
        """Enter an asynchronous context manager; it is left when the scenario ends."""
        value = await resource.__aenter__()
        self.on_cleanup(lambda: resource.__aexit__(None, None, None))
        return value

    def on_cleanup(self, action: CleanUp) -> None:
        """Have a plain or asynchronous function called when the scenario ends, last come first served."""
        self._cleanups.append(action)

    def on_failure(self, title: str, describe: Callable[[], str]) -> None:
        """Have a section added to the report when a step fails; called before anything is released.

        Args:
            title: Heading of the section, such as ``state``.
            describe: Returns its text.
        """
        self._diagnoses.append((title, describe))

    def attach(self, name: str, content: object, media_type: str = "") -> None:
        """Attach something to the step that runs: whoever reads what came of it finds it there.

        One may have a megabyte, all of a role in a scenario four, and fifty are kept: of what is more it is told that
        it was there.

        Args:
            name: What it is called, such as a file.
            content: A text, bytes, or what becomes JSON.
            media_type: What it is, such as ``image/png``; ``text/plain``, ``application/octet-stream`` or
                ``application/json`` if absent.

        Raises:
            ValueError: It has no name, the media type is none, or no step runs any more.
        """
        if self._closing:
            raise ValueError(f"{name!r} is attached while the scenario is cleaned up: attach it in a step")
        if not self._attachments.add(Attachment.of(name, content, media_type)):
            self.logger.warning("no more is attached", name=name, most=MOST)

    def take_attachments(self) -> tuple[Attachment, ...]:
        """Return what has been attached since this was asked last."""
        return self._attachments.take()

    def judge_end(self, crash: Callable[[], str]) -> None:
        """Have the end of a process judged when the scenario has ended, whatever the steps made of it.

        Args:
            crash: Says how it crashed; nothing if it did not.
        """
        self._ends.append(crash)

    def diagnose(self) -> dict[str, str]:
        """Return the sections for a failure report. A description that fails describes its own failure."""
        sections: dict[str, str] = {}
        for title, describe in self._diagnoses:
            try:
                sections[title] = describe()
            except Exception as error:  # noqa: BLE001 - a report about a failure must not replace it
                sections[title] = f"(could not be described: {type(error).__name__}: {error})"
        return sections

    async def close(self) -> None:
        """Release everything, in reverse order, whatever fails on the way.

        Raises:
            CleanupError: Some action failed, all have been tried; or a process has crashed at any time, or hangs.
        """
        causes: list[Exception] = []
        self._closing = True
        while self._cleanups:
            action = self._cleanups.pop()
            try:
                result = action()
                if inspect.isawaitable(result):
                    await result
            except Exception as error:  # noqa: BLE001 - the remaining actions must run; all errors are reported below
                causes.append(error)
        causes += [hang for hang in self.take_hangs() if hang not in causes]
        told = "\n".join(map(str, causes))
        causes += [crash for crash in self.crashes() if crash.message not in told]
        if causes:
            raise CleanupError(causes)

    def take_hangs(self) -> list[Exception]:
        """Return what hangs and has not been told yet."""
        taken, self.hangs = self.hangs, []
        return taken

    def crashes(self) -> list[CrashedError]:
        """Return what has become of those of its processes that have crashed by now."""
        return [CrashedError(text) for crash in self._ends if (text := crash())]


def current_context() -> ScenarioContext | None:
    """Return the context of the step that is running here, if there is one."""
    return _CURRENT.get()


def make_current(context: ScenarioContext | None) -> contextvars.Token[ScenarioContext | None]:
    """Set the context of the steps that run from here on."""
    return _CURRENT.set(context)
