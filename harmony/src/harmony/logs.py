"""Structured logs: bound to scenario, role and step, kept per scenario, and shown on stderr."""

from __future__ import annotations

import datetime as dt
import logging
import sys
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, Final

import structlog
from structlog.typing import FilteringBoundLogger

from harmony.model import LogRecord
from harmony.text import shown, visible

Logger = FilteringBoundLogger
"""Annotate a constructor's parameter with this to get the logger of the scenario."""

LEVELS: Final[Mapping[str, int]] = {
    "trace": 0,
    "debug": 1,
    "info": 2,
    "warning": 3,
    "error": 4,
    "critical": 5,
}
_NOT_SHOWN: Final = frozenset({"timestamp", "level", "event", "scenario", "role", "platform", "step"})


def scenario_logger(keep: Callable[[LogRecord], None], *, show: int = LEVELS["warning"], **bound: Any) -> Logger:
    """Return a logger whose records are kept, and shown on stderr from a level on.

    Args:
        keep: Gets every record.
        show: Least level that goes to stderr; 0 is trace, 5 is critical.
        **bound: What every record carries, such as scenario and role.
    """
    renderer = structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0)

    def record(_: Any, method: str, event: MutableMapping[str, Any]) -> str:
        level = LEVELS.get(str(event.get("level", method)), LEVELS["info"])
        details = " ".join(f"{key}={value!r}" for key, value in event.items() if key not in _NOT_SHOWN)
        message = f"{event.get('event', '')} {details}".rstrip()
        keep(LogRecord(str(event["timestamp"]), level, shown(message)))
        if level < show:
            raise structlog.DropEvent
        return str(renderer(_, method, event))

    logger: Logger = structlog.wrap_logger(
        _Stderr(),
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            _timestamp,
            structlog.processors.format_exc_info,
            record,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.NOTSET),
        context_class=dict,
        cache_logger_on_first_use=False,
        **bound,
    )
    return logger


def now() -> str:
    """Return this moment in UTC, to the millisecond, as ISO 8601."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment(at: str) -> float:
    """Return the seconds since 1970 of a moment in ISO 8601; 0 of a text that is none."""
    try:
        return dt.datetime.fromisoformat(at).timestamp()
    except (ValueError, OverflowError):
        return 0.0


def _timestamp(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    event["timestamp"] = now()
    return event


class _Stderr:
    """Writes to what sys.stderr is at that moment: test runners swap it, and stdout belongs to the protocol."""

    def msg(self, message: str) -> None:
        sys.stderr.write(f"{visible(message)}\n")
        sys.stderr.flush()

    log = debug = info = warn = warning = error = critical = failure = fatal = exception = msg
