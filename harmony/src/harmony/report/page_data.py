"""What the script of the page reads of a run: columns of numbers and a list of texts, packed. Pure."""

from __future__ import annotations

import base64
import itertools
import json
import math
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Self

from harmony.logs import moment
from harmony.model import Phase, Verdict
from harmony.plan.cells import scenario_of
from harmony.run.recording import Exchange, recording_of
from harmony.text import jsonable, shortened, shown
from harmony.verdict.blame import Blame
from harmony.verdict.events import CellFinished, CellStarted, Event, NetworkLine, StepFinished
from harmony.verdict.verdicts import MEANINGS

_ROOM: Final = 8_000_000
"""Characters of errors, logs and reports in a page; what has no room any more is told by its first line."""
_LONGEST_REPORT: Final = 12_000
_LONGEST_DATA: Final = 4_000
_LONGEST_CALL: Final = 400
Row = tuple[float, float, int, str, str, str, str]
"""End, seconds, verdict; sentence, argument, actors and details."""
_VERDICTS: Final = list(MEANINGS)
_NAMES: Final = {Phase.START: "(set-up)", Phase.FINISH: "(clean-up)"}


class Texts:
    """Gives each text a number, and a text that comes again the same one."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {"": 0}

    def __getitem__(self, text: str) -> int:
        """Return the number of a text."""
        return self._numbers.setdefault(text, len(self._numbers))

    @property
    def all(self) -> list[str]:
        """The texts, in the order of their numbers."""
        return list(self._numbers)


class Steps:
    """A subscriber that keeps of each step when it ended, how long it took, who did it and what came of it.

    A run of many cells has a hundred thousand steps: no event is kept, and each text once.
    """

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self._open: dict[str, list[Row]] = {}
        self._done: dict[tuple[str, str], list[Row]] = {}
        self._last: dict[str, list[Row]] = {}

    @classmethod
    def of_run(cls, events: Iterable[Event]) -> Self:
        """Return the steps of a run that is over."""
        steps = cls()
        for event in events:
            steps(event)
        return steps

    def __call__(self, event: Event) -> None:
        """Take an event."""
        match event:
            case CellStarted():
                self._open[event.cell] = []
            case StepFinished():
                self._open.setdefault(event.cell, []).append(self._row(event))
            case CellFinished():
                # A late verdict has no steps of its own.
                steps = self._open.pop(event.cell, None) or self._last.get(event.cell, [])
                self._done[event.cell, event.at] = self._last[event.cell] = steps
            case _:
                pass

    def of(self, cell: CellFinished) -> list[Row]:
        """Return the steps of a cell, as far as they are known."""
        return self._done.get((cell.cell, cell.at)) or self._last.get(cell.cell, [])

    def _row(self, event: StepFinished) -> Row:
        told = {
            key: {
                "verdict": one.verdict.value,
                "ms": round(one.seconds * 1e3, 2),
                **({"error": one.error} if one.error else {}),
                **({"data": _data(one.data)} if one.data else {}),
            }
            for key, one in event.outcomes.items()
            if one.verdict is not Verdict.PASSED or one.data or len(event.outcomes) > 1
        }
        return (
            moment(event.at),
            event.seconds,
            _VERDICTS.index(event.verdict),
            self._once(event.step or _NAMES.get(event.phase, f"({event.phase})")),
            self._once(event.argument),
            self._once(", ".join(event.outcomes)),
            self._once(json.dumps(told, separators=(",", ":")) if told else ""),
        )

    def _once(self, text: str) -> str:
        return self._texts.setdefault(text, text)


def page_data(results: Sequence[CellFinished], blames: Sequence[Blame], steps: Steps) -> dict[str, Any]:
    """Return cells, their steps and their groups as columns: of a whole run, or of the cells that have changed.

    Args:
        results: One for each cell, in the order of scenarios and pairings.
        blames: Who and what made cells red; their cells need not be among the results.
        steps: Of these cells.
    """
    texts = Texts()
    rows: dict[tuple[str, str], int] = {}
    scenarios: list[list[Any]] = []
    roles = sorted({tuple(sorted(one.pairing)) for one in results})
    platforms = sorted({name for one in results for name in one.pairing.values()})
    begins = [moment(one.at) - one.seconds for one in results]
    first = min(begins, default=0.0)
    cells: list[list[Any]] = []
    details: dict[int, dict[str, Any]] = {}
    room = _ROOM
    for number, (one, begin) in enumerate(zip(results, begins, strict=True)):
        name = scenario_of(one.cell)
        row = rows.setdefault((one.feature, name), len(rows))
        if row == len(scenarios):
            cited = [texts[clause] for clause in one.clauses]
            tags = [texts[tag] for tag in one.tags]
            scenarios.append([texts[name], texts[one.title], texts[one.feature], tags, cited, texts[one.level]])
        who = [platforms.index(name) for _, name in sorted(one.pairing.items())]
        begun, took = round((begin - first) * 1e3), round(one.seconds * 1e5)
        verdict, played = _VERDICTS.index(one.verdict), roles.index(tuple(sorted(one.pairing)))
        cells.append(
            [row, played, who, verdict, begun, took, one.seed, texts[one.repeat], _steps(steps.of(one), begin, texts)]
        )
        detail = _detail(one, begin, whole=room > 0)
        if detail:
            details[number] = detail
            room -= sum(len(str(value)) for value in detail.values())
    columns = [list(column) for column in zip(*cells, strict=True)] if cells else [[] for _ in range(9)]
    return {
        "verdicts": [[one.value, MEANINGS[one].word, MEANINGS[one].red] for one in _VERDICTS],
        "roles": roles,
        "platforms": platforms,
        "scenarios": scenarios,
        "began": first,
        "cells": columns,
        "details": details,
        "groups": [[texts[cell.cell] for cell in one.cells] for one in blames],
        "texts": texts.all,
    }


def packed(data: Mapping[str, Any]) -> str:
    """Return data as text that a browser unpacks: JSON, deflated, in base 64."""
    text = json.dumps(data, separators=(",", ":"))
    return base64.b64encode(zlib.compress(text.encode(), 9)).decode()


def _steps(rows: Sequence[Row], begin: float, texts: Texts) -> list[int]:
    """Return the steps of a cell one after the other, each as seven numbers: its end in milliseconds, and so on."""
    return [
        number
        for end, seconds, verdict, *said in rows
        for number in (round((end - begin) * 1e3), round(seconds * 1e5), verdict, *(texts[one] for one in said))
    ]


def _detail(one: CellFinished, begin: float, *, whole: bool) -> dict[str, Any]:
    """Return what only a few cells have."""
    told: dict[str, Any] = {
        "error": shortened(one.error, _LONGEST_REPORT) if whole else one.said,
        "note": one.note,
        "code": one.code,
        "step": one.step,
        "place": one.place,
        "by": one.by,
    }
    if whole:
        told |= {
            "alarms": one.alarms,
            "left": one.not_run,
            "lines": [
                [round((moment(line.at) - begin) * 1e3), key, kind, line.text]
                for kind, by_role in (("stderr", one.stderr), ("log", one.logs))
                for key, lines in by_role.items()
                for line in lines
            ]
            + [[round((moment(line.at) - begin) * 1e3), *_between(line)] for line in one.network if line.link]
            + [
                [round((call.at - begin) * 1e3), str(heard.role), "call", str(call.method), "", "", *_asked(call)]
                for heard in filter(None, map(recording_of, one.recordings.values()))
                for call in heard.exchanges
                if call.at and math.isfinite(call.at)
            ],
            "recordings": one.recordings,
            "report": shortened(one.report, _LONGEST_REPORT),
        }
    elif one.report or one.stderr:
        told["cut"] = True
    return {name: value for name, value in told.items() if value}


def _asked(call: Exchange) -> tuple[str, str]:
    """Return what a role was asked with, and what it answered."""
    params = call.params
    alone = params[0] if isinstance(params, list) and len(params) == 1 else params
    answer = call.error if call.error is not None else call.result
    return _briefly(alone), _briefly(answer) if call.answered else "no answer"


def _briefly(value: Any) -> str:
    parts = json.JSONEncoder(ensure_ascii=False, default=str, skipkeys=True).iterencode(value)
    return shown("".join(itertools.islice(parts, _LONGEST_CALL)), _LONGEST_CALL)


def _between(line: NetworkLine) -> tuple[str, str, str, str, str]:
    """Return where something was seen, that it was, what; and from whom to whom it went, if from somebody."""
    first, _, second = line.link.partition(", ")
    number = f" #{line.connection}" if line.connection else ""
    if not line.sender:
        return f"{first} — {second}{number}", "network", line.text, "", ""
    other = second if line.sender == first else first
    return f"{line.sender} → {other}{number}", "network", line.text, line.sender, other


def _data(data: Mapping[str, Any]) -> Any:
    """Return the details of an outcome, each bounded."""
    return {
        key: value if len(json.dumps(value)) <= _LONGEST_DATA else shortened(_as_text(value), _LONGEST_DATA)
        for key, value in jsonable(data).items()
    }


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
