"""The forms in which a run is told, by their names, and the subscriber that writes one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from harmony.report.ctrf import ctrf
from harmony.report.cucumber import cucumber
from harmony.report.junit import junit
from harmony.report.markdown import markdown
from harmony.report.outcome import Outcome
from harmony.state import write_whole
from harmony.verdict.events import MOMENTARY, Event, RunFinished, StepFinished

FORMS: Final[Mapping[str, Callable[[Outcome, Sequence[Event]], str]]] = {
    "markdown": lambda outcome, _: markdown(outcome),
    "junit": junit,
    "ctrf": ctrf,
    "cucumber": cucumber,
}
_OF_STEPS: Final = {"ctrf", "cucumber"}
"""The forms that tell of steps: those of a run are many times its cells."""


class FormFile:
    """Writes a run in a form at its end.

    Args:
        form: One of :data:`FORMS`.
        file: Where.
        written: Told of the file, when it is written.
        min_pass_rate: What forgives up to it; nothing does if absent.
    """

    def __init__(
        self, form: str, file: Path, written: Callable[[Path], None], min_pass_rate: float | None = None
    ) -> None:
        self._form = FORMS[form]
        also = () if form in _OF_STEPS else (StepFinished,)
        self._passed_over = (*MOMENTARY, *also)
        self._file = file
        self._written = written
        self._min_pass_rate = min_pass_rate
        self._events: list[Event] = []

    def __call__(self, event: Event) -> None:
        """Take an event; write the file at the end."""
        if not isinstance(event, self._passed_over):
            self._events.append(event)
        if isinstance(event, RunFinished):
            write_whole(self._file, self._form(Outcome.at_end(self._events, self._min_pass_rate), self._events))
            self._written(self._file)
