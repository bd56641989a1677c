"""What a browser is told of a run that goes on: all together, the page of the whole run."""

from __future__ import annotations

import base64
import json
import random
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from harmony.live.live_page import LivePage
from harmony.model import Verdict
from harmony.report.page import live_page
from harmony.verdict.events import (
    CellFinished,
    CellGoesOn,
    CellStarted,
    Event,
    PlannedCells,
    RunFinished,
    RunPlanned,
    StepStarted,
)
from synthetic_results import data_of, result
from synthetic_runs import a_run, page_of

RUN = a_run(3, ("cpp", "go"), ("guest", "host"), lambda pairing, _: pairing["host"] == "go")
START = CellStarted(cell="1.1[a=x]", scenario="1.1", pairing={"a": "x"}, seed=1)


def cells_of(data: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return all that a browser knows of each cell; in numbers of the data nothing, in milliseconds the moment."""
    text = data["texts"]
    found = {}
    for index, column in enumerate(zip(*data["cells"], strict=True)):
        row, played, who, verdict, begun, took, seed, repeat, steps = column
        scenario = [
            [text[one] for one in part] if isinstance(part, list) else text[part] for part in data["scenarios"][row]
        ]
        players = dict(zip(data["roles"][played], (data["platforms"][one] for one in who), strict=True))
        happened = [text[one] if place % 7 > 2 else one for place, one in enumerate(steps)]
        key = f"{scenario[0]}[{','.join(f'{role}={name}' for role, name in players.items())}]"
        at = round(data["began"] * 1e3 + begun)
        found[key] = [scenario, players, verdict, at, took, seed, text[repeat], happened, data["details"].get(index)]
    return found


def seen(page: LivePage, events: Iterable[Event], pieces: random.Random) -> dict[str, list[Any]]:
    """Return what a browser knows that looks now and then."""
    found: dict[str, list[Any]] = {}
    number = 0
    for event in events:
        page(event)
        if pieces.random() < 0.1 or page.is_over:
            found |= cells_of(page.cells_since(number) or {"texts": [], "cells": [[]] * 9})
            number = page.number
    return found


def whole(events: Sequence[Event]) -> dict[str, list[Any]]:
    data = data_of(page_of(events))
    data["details"] = {int(index): detail for index, detail in data["details"].items()}
    return cells_of(data)


@pytest.mark.parametrize("seed", range(3))
def test_all_parts_together_are_the_data_of_the_whole_run(seed: int) -> None:
    """Cells that run side by side end in another order than they are numbered, and than they began."""
    pieces = random.Random(seed)
    cells: dict[str, list[Event]] = {}
    for event in RUN[2:-1]:
        cells.setdefault(event.cell, []).append(event)  # type: ignore[union-attr]
    waiting, mixed = list(cells.values()), list[Event]()
    while waiting:
        one = pieces.choice(waiting[:4])
        mixed.append(one.pop(0))
        waiting = [one for one in waiting if one]
    events = [*RUN[:2], *mixed, RUN[-1]]
    assert seen(LivePage(), events, pieces) == whole(events) != {}


def test_what_ran_again_and_what_came_late_replaces_what_was_told() -> None:
    red, green = result("1.1[a=x]", Verdict.FAILED), result("1.1[a=x]")
    late = result("1.2[a=x]", Verdict.CRASHED, late=True)
    page, told_before = LivePage(), {}
    for event in (red, result("1.2[a=x]"), green, late):
        number = page.number
        page(event)
        told_before |= cells_of(page.cells_since(number) or {})
    page(RunFinished(verdicts={}, exit_code=1, seconds=1))
    assert page.cells_since(page.number) is None
    events = [red, result("1.2[a=x]"), green, late, RunFinished(verdicts={}, exit_code=1, seconds=1)]
    assert [one[2] for one in told_before.values()] == [one[2] for one in whole(events).values()]


def test_the_longest_is_told_first_of_what_runs_and_what_has_ended_runs_no_more() -> None:
    page = LivePage()
    page(RunPlanned(cells=20, of=20, digest="0"))
    for index in range(15):
        page(START.model_copy(update={"cell": f"1.{index}[a=x]", "at": f"2026-01-05T09:00:{30 - index:02}.000Z"}))
    page(StepStarted(cell="1.14[a=x]", step="Given tea"))
    page(result("1.13[a=x]"))
    now = page.now()
    assert [(cell, step) for cell, _, step, *_ in now["running"][:2]] == [("1.14[a=x]", "Given tea"), ("1.12[a=x]", "")]
    assert now["running"][0][1] == now["running"][1][1] + 2000
    assert (len(now["running"]), now["more"], now["done"], now["planned"]) == (12, 2, 1, 20)
    page(RunFinished(verdicts={}, exit_code=2, seconds=1))
    assert page.now()["running"] == []


def test_what_takes_far_longer_than_before_is_told_with_what_its_roles_have_written() -> None:
    at = datetime.now(UTC) - timedelta(seconds=20)
    page = LivePage(durations={START.cell: 0.5})
    page(RunPlanned(cells=2, of=2, digest="0", seconds=1.0))
    page(START.model_copy(update={"at": at.isoformat()}))
    page(CellGoesOn(cell=START.cell, stderr={"a": [f"try {number}" for number in range(9)]}))
    (one,) = page.now()["running"]
    assert one[3:] == [True, 0.5, [f"a | try {number}" for number in range(4, 9)]]
    assert page.now()["left"] is not None


def test_squares_show_what_is_to_come() -> None:
    page = LivePage()
    plan = [PlannedCells(pairing={"a": name}, cells=2, scenarios=2) for name in ("x", "y")]
    page(RunPlanned(cells=4, of=4, digest="0", pairings=plan))
    seen = []
    for verdict in (None, Verdict.PASSED, Verdict.FAILED):
        if verdict is not None:
            page(result(f"1.{len(seen)}[a=x]", verdict))
        seen.append(re.findall(r'<td class="([\w-]+)"><a [^>]*>([^<]*)', page.overview()))
    page(RunFinished(verdicts={}, exit_code=2, seconds=1))
    seen.append(re.findall(r'<td class="([\w-]+)"><a [^>]*>([^<]*)', page.overview()))
    to_come = ("to-come", "· 2")
    assert seen == [[to_come] * 2, [("to-come", "▶ 1/2"), to_come], [("red", "✗ 1/2"), to_come], [("red", "✗ 1/2")]]


def test_a_run_that_goes_on_has_not_passed() -> None:
    page = LivePage()
    assert "▶ running: nothing has ended yet" in page.overview()
    page(RunPlanned(cells=2, of=2, digest="0"))
    page(result("1.1[a=x]"))
    assert "▶ running: 1 of 1 cell passed, 1 to come" in page.overview()
    page(result("1.2[a=x]", Verdict.FAILED))
    assert "✗ running: 1 of 2 cells is red" in page.overview()
    page(RunFinished(verdicts={}, exit_code=1, seconds=1))
    assert "✗ failed: 1 of 2 cells is red" in page.overview()


def test_a_run_that_was_killed_is_over_and_not_green() -> None:
    page = LivePage()
    page(RunPlanned(cells=1, of=1, digest="0"))
    page(START)
    page(result("1.1[a=x]"))
    page.end(137, 2.0)
    assert page.is_over
    assert "✗ failed: 1 of 1 cell passed" in page.overview()
    assert "the run ended with exit code 137" in page.overview()


def test_the_end_of_a_run_is_its_own_word() -> None:
    page = LivePage()
    for event in RUN:
        page(event)
    page.end(1, 2.0)
    assert page.number == len(RUN)
    assert sum(isinstance(event, CellFinished) for event in RUN) == page.now()["done"]


def test_the_page_is_that_of_the_whole_run_but_for_who_may_be_asked() -> None:
    """One template, one style, one policy: nobody is asked but who has served it, and no cell is in it."""
    page = LivePage()
    for event in RUN:
        page(event)
    live, file = live_page(page.overview()), page_of(RUN)
    assert re.findall("<style>.*</style>", live, re.DOTALL) == re.findall("<style>.*</style>", file, re.DOTALL)
    policies = [re.sub("sha256-[^&']*", "", *re.findall('Policy" content="(.*)"', text)) for text in (live, file)]
    assert policies[0].replace("; connect-src 'self'", "") == policies[1] != policies[0]
    assert data_of(live)["cells"] == [[]] * 9
    groups = [
        [data_of(text)["texts"][one] for one in group] for text in (live, file) for group in data_of(text)["groups"]
    ]
    assert groups[0] == groups[1] != []


def test_what_changes_of_the_page_has_neither_style_nor_script() -> None:
    page = LivePage()
    page(result("1.1[a=x]", Verdict.FAILED, error="</main><script>stolen=1</script>"))
    text = page.overview()
    assert text.startswith("<main>")
    assert re.findall("<(script|style|html)[^>]*>", text) == ["script"], "the data"
    (data,) = re.findall(r'id="data">([^<]*)<', text)
    assert json.loads(zlib.decompress(base64.b64decode(data)))["texts"] == ["", "1.1[a=x]"]
