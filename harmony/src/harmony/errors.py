"""Every error harmony raises on purpose: one class per cause, with a stable code, a way out and an exit code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import ClassVar, Self

from harmony.model import Verdict
from harmony.text import visible


class ExitCode(IntEnum):
    """How a harmony command or run ends, one per kind of outcome. The first six agree with pytest's."""

    OK = 0
    FAILED = 1
    INTERRUPTED = 2
    INTERNAL = 3
    USAGE = 4
    NOTHING_SELECTED = 5
    LINT = 6
    CONFIGURATION = 7
    ERRORED = 10
    CRASHED = 11
    TIMED_OUT = 12
    UNEXPECTED_PASS = 13
    EXPECTATIONS = 14
    PASS_RATE = 15
    UNDEFINED = 16
    FLAKY = 17
    ONLY_UNSUPPORTED = 18
    REPORTS = 19
    NOT_RUN = 20
    GATES = 21
    WORSE = 22


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A line of a file."""

    file: Path
    line: int

    def __str__(self) -> str:
        """Return ``file:line``, relative to the working directory where that is shorter."""
        try:
            shown = self.file.relative_to(Path.cwd())
        except ValueError:
            shown = self.file
        return visible(f"{shown}:{self.line}")


class HarmonyError(Exception):
    """Something harmony can name.

    Attributes:
        code: Stable name of the cause.
        exit_code: What a command that ends with this error returns.
        hint: The way out.
    """

    code: ClassVar[str] = "harmony_error"
    exit_code: ClassVar[ExitCode] = ExitCode.INTERNAL

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        """Return the message and, on a line of its own, the hint."""
        return f"{self.message}\n  hint: {self.hint}" if self.hint else self.message


class ConfigurationError(HarmonyError):
    """The project file, the environment or an option says something impossible.

    Way out: correct the line, variable or option that the message names; `docs/running.md` lists the settings.
    """

    code = "configuration"
    exit_code = ExitCode.CONFIGURATION


class GherkinSyntaxError(HarmonyError):
    """A feature file is not Gherkin.

    Way out: correct the line that the message names; of a long file, look at the line before it, too.
    """

    code = "gherkin_syntax"
    exit_code = ExitCode.LINT

    def __init__(self, place: Place, message: str) -> None:
        super().__init__(f"{place}: {message}", hint="every line must be Gherkin: a keyword, a table row or a comment")
        self.place = place


class StepClassError(HarmonyError):
    """A step class or provider cannot be used as it is written.

    Way out: change the method or function that the message names; it says what its signature lacks.
    """

    code = "step_class"
    exit_code = ExitCode.LINT


class UndefinedStepError(HarmonyError):
    """No step definition matches a sentence.

    Way out: write the sentence as it is meant, take the one under `did you mean`, or begin with what `harmony
    scaffold` writes.

    Attributes:
        snippet: A method to start from.
        meant: The place of the definition that may be meant, if one is near.
    """

    code = "undefined_step"
    exit_code = ExitCode.LINT

    def __init__(self, message: str, *, snippet: str, hint: str = "", meant: Place | None = None) -> None:
        super().__init__(message, hint=hint)
        self.snippet = snippet
        self.meant = meant


class AmbiguousStepError(HarmonyError):
    """More than one step definition matches a sentence.

    Way out: narrow one of the patterns that the message lists, or remove it.
    """

    code = "ambiguous_step"
    exit_code = ExitCode.LINT


class ConversionError(HarmonyError):
    """An argument of a sentence does not fit the annotation of its parameter.

    Way out: change the sentence or the annotation; for a type of your own, add it to `CONVERTERS`.
    """

    code = "conversion"
    exit_code = ExitCode.LINT


class InjectionError(HarmonyError):
    """A constructor asks for something nobody provides.

    Way out: annotate the parameter with a class that can be made, or write a `@provider` for its type.
    """

    code = "injection"
    exit_code = ExitCode.LINT


class UnknownSelectionError(HarmonyError):
    """A word names no scenario.

    Way out: take a number of `harmony scenarios`, or one of those that the message lists.
    """

    code = "unknown_selection"
    exit_code = ExitCode.USAGE


class NothingSelectedError(HarmonyError):
    """What was asked for selects no scenario that may run.

    Way out: widen the selection, or add the option that the message names for scenarios on request.
    """

    code = "nothing_selected"
    exit_code = ExitCode.NOTHING_SELECTED


class UnsupportedError(HarmonyError):
    """Raised by a step or provider: what the scenario needs does not exist here. Never counted as passed.

    Way out: run it where that exists; if it is never there, say so by a capability that the platform does not
    claim.
    """

    code = "unsupported"
    exit_code = ExitCode.FAILED


class LeftBehindError(HarmonyError):
    """A scenario ended, or a worker, and processes of it ran on; they have been ended now.

    Way out: end them in the scenario's clean-up; a driver or worker ends what it has started before it exits.
    """

    code = "left_behind"

    @classmethod
    def of(cls, name: str, pids: Sequence[int]) -> Self:
        """Return what is said of the processes that a process has started."""
        text = f"{name} left {len(pids)} process(es) behind: {', '.join(map(str, pids))} (ended now)"
        return cls(text, hint="a worker or driver ends what it starts")


class CrashedError(HarmonyError):
    """A process has ended by itself: before it was asked to, or then by a signal or with a code other than 0.

    Way out: read the last lines of its stderr in the report, and repeat the cell with the line below it.
    """

    code = "crashed"
    exit_code = ExitCode.CRASHED
    verdict = Verdict.CRASHED


class StepTimeoutError(HarmonyError):
    """A step did not end within its time.

    Way out: see where it stood in the stack; raise `timeouts` if the step is right to take that long.

    Attributes:
        seconds: The time it had.
        stack: Where it stood when the time was over.
    """

    code = "step_timeout"
    exit_code = ExitCode.FAILED

    def __init__(self, message: str, *, seconds: float, stack: str = "") -> None:
        super().__init__(message, hint="raise step_timeout if the step is right to take that long")
        self.seconds = seconds
        self.stack = stack


class CleanupError(HarmonyError):
    """Something a scenario held could not be released.

    Way out: each cause is named: correct the clean-up, or what holds on to the resource.
    """

    code = "cleanup"
    exit_code = ExitCode.FAILED

    def __init__(self, causes: Sequence[BaseException]) -> None:
        lines = "; ".join(f"{type(cause).__name__}: {cause}" for cause in causes)
        super().__init__(f"{len(causes)} clean-up action(s) failed: {lines}")
        self.causes = tuple(causes)

    @property
    def verdict(self) -> Verdict:
        """What it makes of a scenario: a crash is one also here, and a lack that showed in the background is a lack."""
        found = {getattr(cause, "verdict", None) for cause in self.causes}
        for gravest in (Verdict.CRASHED, Verdict.TIMED_OUT):
            if gravest in found:
                return gravest
        lacking = all(isinstance(cause, UnsupportedError) for cause in self.causes)
        return Verdict.UNSUPPORTED if lacking else Verdict.FAILED
