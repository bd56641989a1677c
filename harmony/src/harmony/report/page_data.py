"""What the script of the page reads of a run: columns of numbers and a list of texts, packed. Pure."""

from __future__ import annotations

import base64
import itertools
import json
import math
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from harmony.logs import moment
from harmony.plan.cells import scenario_of
from harmony.report.cell_steps import VERDICTS, Row, Steps
from harmony.run.recording import Exchange, recording_of
from harmony.text import shortened, shown
from harmony.verdict.blame import Blame
from harmony.verdict.events import CellFinished, NetworkLine
from harmony.verdict.verdicts import MEANINGS

_ROOM: Final = 8_000_000
"""Characters of errors, logs and reports in a page; what has no room any more is told by its first line."""
_LONGEST_REPORT: Final = 12_000
_LONGEST_CALL: Final = 400


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
        verdict, played = VERDICTS.index(one.verdict), roles.index(tuple(sorted(one.pairing)))
        told = steps.of(one)
        played_steps = _steps(told.rows, begin, texts)
        cells.append([row, played, who, verdict, begun, took, one.seed, texts[one.repeat], played_steps])
        detail = _detail(one, begin, told.attached, whole=room > 0)
        if detail:
            details[number] = detail
            room -= sum(len(str(value)) for value in detail.values())
    columns = [list(column) for column in zip(*cells, strict=True)] if cells else [[] for _ in range(9)]
    return {
        "verdicts": [[one.value, MEANINGS[one].word, MEANINGS[one].red] for one in VERDICTS],
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


def _detail(one: CellFinished, begin: float, attached: Sequence[list[Any]], *, whole: bool) -> dict[str, Any]:
    """Return what only a few cells have."""
    told: dict[str, Any] = {
        "error": shortened(one.error, _LONGEST_REPORT) if whole else one.said,
        "note": one.note,
        "code": one.code,
        "step": one.step,
        "place": one.place,
        "by": one.by,
        "attached": [[*each[:-1], each[-1] if whole else ""] for each in attached],
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
