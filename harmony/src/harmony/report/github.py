"""A run as commands of a GitHub workflow: what is red, on the line of the feature; what is folded in its log. Pure.

GitHub shows ten annotations of a step, so each cause is told where it was met first before any is told again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path, PurePath
from typing import Final

from harmony.errors import ExitCode
from harmony.report.causes import detail, said
from harmony.report.outcome import Outcome
from harmony.verdict.blame import Cause
from harmony.verdict.events import CellFinished

MOST: Final = 10
_LONGEST: Final = 2_000


class LogFolds:
    """Folds lines in the log of a workflow. Between its own commands none is obeyed, whoever writes one.

    Args:
        token: A word that nobody else knows.

    Attributes:
        begin: The line before all others.
        end: The line after them.
    """

    def __init__(self, token: str) -> None:
        self.begin = f"::stop-commands::{token}"
        self.end = f"::{token}::"

    def folded(self, title: str, lines: Iterable[str]) -> list[str]:
        """Return lines below a title that unfolds them."""
        return [self.end, f"::group::{_data(title)}", self.begin, *lines, self.end, "::endgroup::", self.begin]


def workflow_commands(outcome: Outcome, here: Path, top: Path) -> list[str]:
    """Return a command for each cause and place, at most ten, and then what is wrong beside cells.

    Args:
        outcome: What came of the run.
        here: Where it ran: its places are relative to this.
        top: The top of the repository, which the places in commands are relative to.
    """
    level = "warning" if outcome.code is ExitCode.OK else "error"
    places = [_by_place(cause) for one in outcome.blames for cause in one.causes]
    ranked = sorted(
        ((rank, cause, cells) for found in places for rank, (cause, cells) in enumerate(found)),
        key=lambda entry: entry[0],
    )
    beside = [_command(level, {"title": "harmony"}, text) for text in (*outcome.problems, *outcome.lacking)]
    room = max(1, MOST - len(beside))
    told = [_told(level, cause, cells, here, top) for _, cause, cells in ranked[:room]]
    told += beside[: MOST - len(told)]
    left = len(ranked) + len(beside) - len(told)
    return told + ([_command("notice", {"title": "harmony"}, f"and {left} more: see the report")] if left else [])


def _by_place(cause: Cause) -> list[tuple[Cause, list[CellFinished]]]:
    places: dict[str, list[CellFinished]] = {}
    for cell in cause.cells:
        places.setdefault(cell.place, []).append(cell)
    return [(cause, cells) for cells in places.values()]


def _told(level: str, cause: Cause, cells: list[CellFinished], here: Path, top: Path) -> str:
    first = cells[0]
    here_only = Cause(cause.verdict, cause.step, cause.text, tuple(cells))
    text = f"{detail(here_only)}\nrepeat with: {first.repeat}" if first.repeat else detail(here_only)
    where = dict(_where(first.place, here, top))
    return _command(level, {**where, "title": f"{cause.verdict}: {said(here_only)}"}, text)


def _where(place: str, here: Path, top: Path) -> Iterator[tuple[str, str]]:
    """Give file and line of a place in the repository; nothing of one that is elsewhere."""
    file, _, line = place.rpartition(":")
    if file and line.isdecimal():
        path = PurePath(here, file)
        if path.is_relative_to(top):
            yield "file", path.relative_to(top).as_posix()
            yield "line", line


def _command(level: str, properties: dict[str, str], text: str) -> str:
    given = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{level} {given}::{_data(text[:_LONGEST])}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
