"""Structured logs: bound to scenario, role and step, kept per scenario, and shown on stderr."""

from __future__ import annotations

import contextvars
import datetime as dt
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from harmony.model import LogRecord
from harmony.text import shown, visible

LEVELS: Final[Mapping[str, int]] = {
    "trace": 0,
    "debug": 1,
    "info": 2,
    "warning": 3,
    "error": 4,
    "critical": 5,
}
STEP: Final[contextvars.ContextVar[str]] = contextvars.ContextVar("harmony_step")
"""The sentence that is performed here: each line on stderr names it."""

_NOT_KEPT: Final = frozenset({"scenario", "role", "platform", "step"})
_QUOTED: Final = frozenset(" \t=\r\n\"'")
_WIDTH: Final = 30


@dataclass(frozen=True, slots=True)
class Event:
    """Something that is logged.

    Attributes:
        timestamp: When, in UTC.
        level: One of `LEVELS`.
        text: What.
        values: With which values, the bound ones first.
        traceback: Of the error that is told with it.
    """

    timestamp: str
    level: str
    text: str
    values: Mapping[str, Any]
    traceback: str = ""

    def line(self, width: int = 0) -> str:
        """Return it as stderr shows it, its text at least so wide."""
        values = " ".join(f"{key}={_brief(value)}" for key, value in sorted(self.values.items()))
        line = f"{self.timestamp} [{self.level:<9}] {self.text:<{width}} {values}".rstrip()
        return f"{line}\n{self.traceback}" if self.traceback else line


class Logger:
    """Logs events with values: ``logger.info("sent", size=5)``. Annotate a constructor's parameter with it to get one.

    A text may have places for arguments, as in ``logger.info("sent %d of %d", 3, 5)``.

    Args:
        write: Takes each event.
        bound: Values that every event carries.
    """

    __slots__ = ("_bound", "_write")

    def __init__(self, write: Callable[[Event], None], bound: Mapping[str, Any]) -> None:
        self._write = write
        self._bound = bound

    def bind(self, **values: Any) -> Logger:
        """Return one whose events carry these values, too."""
        return Logger(self._write, {**self._bound, **values})

    def unbind(self, *names: str) -> Logger:
        """Return one whose events do not carry these values."""
        return Logger(self._write, {name: value for name, value in self._bound.items() if name not in names})

    def debug(self, event: str, *arguments: Any, **values: Any) -> None:
        """Log what helps to find a mistake."""
        self._log("debug", event, arguments, values)

    def info(self, event: str, *arguments: Any, **values: Any) -> None:
        """Log what is as it should be."""
        self._log("info", event, arguments, values)

    def warning(self, event: str, *arguments: Any, **values: Any) -> None:
        """Log what somebody should look at."""
        self._log("warning", event, arguments, values)

    def error(self, event: str, *arguments: Any, **values: Any) -> None:
        """Log what went wrong."""
        self._log("error", event, arguments, values)

    def critical(self, event: str, *arguments: Any, **values: Any) -> None:
        """Log that nothing can go on."""
        self._log("critical", event, arguments, values)

    def exception(self, event: str, *arguments: Any, **values: Any) -> None:
        """Log what went wrong, with the error that is being handled."""
        self._log("error", event, arguments, {"exc_info": True, **values})

    def _log(self, level: str, event: str, arguments: tuple[Any, ...], values: Mapping[str, Any]) -> None:
        known = {**self._bound, **values}
        if step := STEP.get(""):
            known.setdefault("step", step)
        error = known.pop("exc_info", None)
        text = str(event) % arguments if arguments else str(event)
        self._write(Event(now(), level, text, known, _traceback(error)))


def scenario_logger(keep: Callable[[LogRecord], None], *, show: int = LEVELS["warning"], **bound: Any) -> Logger:
    """Return a logger whose records are kept, and shown on stderr from a level on.

    Args:
        keep: Gets every record.
        show: Least level that goes to stderr; 0 is trace, 5 is critical.
        **bound: What every record carries, such as scenario and role.
    """

    def write(event: Event) -> None:
        level = LEVELS[event.level]
        values = {key: value for key, value in event.values.items() if key not in _NOT_KEPT}
        if event.traceback:
            values["exception"] = event.traceback
        details = " ".join(f"{key}={value!r}" for key, value in values.items())
        keep(LogRecord(event.timestamp, level, shown(f"{event.text} {details}".rstrip())))
        if level >= show:
            _tell(event.line())

    return Logger(write, bound)


def process_logger() -> Logger:
    """Return the logger of a process itself, whatever it plays."""
    return Logger(lambda event: _tell(event.line(_WIDTH)), {})


def now() -> str:
    """Return this moment in UTC, to the millisecond, as ISO 8601."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment(at: str) -> float:
    """Return the seconds since 1970 of a moment in ISO 8601; 0 of a text that is none."""
    try:
        return dt.datetime.fromisoformat(at).timestamp()
    except (ValueError, OverflowError):
        return 0.0


def _brief(value: Any) -> str:
    return value if isinstance(value, str) and value and _QUOTED.isdisjoint(value) else repr(value)


def _traceback(error: object) -> str:
    """Return the traceback of an error, or of the one that is being handled, where that is asked for."""
    given = error if isinstance(error, BaseException) else sys.exc_info()[1] if error else None
    return "" if given is None else "".join(traceback.format_exception(given)).rstrip()


def _tell(line: str) -> None:
    """Write to what sys.stderr is at this moment: test runners swap it, and stdout belongs to the protocol."""
    sys.stderr.write(f"{visible(line)}\n")
    sys.stderr.flush()
