"""A static site of many runs: the newest, each run, each implementation. Pure: files by their paths.

Addresses are kept for ever: `latest/`, `runs/NAME/`, `implementations/NAME/`, `badge.svg`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from harmony.errors import ExitCode
from harmony.history.badge import Badge
from harmony.history.past_run import PastRun
from harmony.history.telling import counted, took
from harmony.history.trends import OverTime, Trends, moment
from harmony.model import Verdict
from harmony.report.cell_steps import Steps
from harmony.report.facts import facts
from harmony.report.outcome import Outcome
from harmony.report.page import html_report
from harmony.report.past import Past, bars, commit, percent
from harmony.report.template import render_template
from harmony.verdict.events import Event
from harmony.verdict.tally import natural_order
from harmony.verdict.verdicts import MEANINGS

RUN: Final = "run.json"
_TEMPLATES: Final = Path(__file__).with_name("templates")
_PLAIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,60}")


@dataclass(frozen=True, slots=True)
class Given:
    """What a site is made of.

    Attributes:
        runs: The newest first.
        events: By the name of a run whose events are there, what reads those of its files.
        made: The names of the runs whose pages stand already.
        title: The heading.
    """

    runs: Sequence[PastRun]
    events: Mapping[str, Callable[[], Mapping[str, Sequence[Event]]]]
    made: frozenset[str]
    title: str


def site(given: Given) -> Iterator[tuple[str, str]]:
    """Give each file of a site with its path; a run's page that stands already is left, unless its events are given."""
    newest = latest(given.runs)
    trends = Trends()
    for run in reversed(given.runs):
        trends.add(run)
        if run.name in given.events or run.name not in given.made:
            read = given.events.get(run.name, dict)
            yield f"runs/{run.name}/index.html", _page(run, read(), given.title, trends.so_far())
            yield f"runs/{run.name}/{RUN}", run.to_json()
    told = trends.so_far()
    shared: dict[str, Any] = {
        "commit": commit,
        "counted": counted,
        "moment": moment,
        "took": took,
        "bars": bars,
    }
    shared |= {"percent": percent, "folder": folder, "meanings": MEANINGS, "title": given.title, "told": told}
    yield "latest/run.json", newest.to_json()
    yield "index.html", render_template(_TEMPLATES / "site.html", newest=newest, kind=_kind(newest), **shared)
    yield from _badges("", newest, "")
    yield "history.json", json.dumps(told.document, indent=1) + "\n"
    for name in newest.platforms:
        place = f"implementations/{folder(name)}"
        page = render_template(
            _TEMPLATES / "implementation.html", name=name, newest=newest, **_of_platform(name, newest, told), **shared
        )
        yield f"{place}/index.html", page
        yield from _badges(f"{place}/", newest, name)


def latest(runs: Sequence[PastRun]) -> PastRun:
    """Return the newest whole run, or the newest one where there is no whole one."""
    return next((run for run in runs if run.whole), runs[0])


def folder(name: str) -> str:
    """Return the name of a folder for what others have named; it leads nowhere else."""
    if _PLAIN.fullmatch(name):
        return name
    return f"platform-{hashlib.sha256(name.encode(errors='replace')).hexdigest()[:12]}"


def _kind(run: PastRun) -> str:
    """Return the class of what is said of a run: only a whole one is green."""
    bad = run.exit_code or not run.complete
    return "red" if bad else "passed" if run.whole else "some"


def _badges(place: str, run: PastRun, platform: str) -> Iterator[tuple[str, str]]:
    badge = Badge.of(run, platform=platform)
    yield f"{place}badge.svg", badge.svg
    yield f"{place}badge.json", badge.shields


def _page(run: PastRun, files: Mapping[str, Sequence[Event]], title: str, past: Past) -> str:
    """Return the page of a run: with steps and logs, if its events are there."""
    if files:
        every = [event for events in files.values() for event in events]
        return html_report(Outcome.of(files), facts(every), Steps.of_run(every), title, past)
    lacking = list(run.partial) if not run.complete else []
    outcome = Outcome((), run.results(), (), lacking, ())
    if run.exit_code and outcome.code is ExitCode.OK:
        outcome = Outcome((), outcome.results, (), [f"the run ended with exit code {run.exit_code}"], ())
    told = {
        "commit": run.commit,
        "seed": str(run.seed),
        "machine": run.machine,
        "began": moment(run),
        "took": took(run),
    }
    versions = {f"version of {name}": version for name, version in run.versions.items()}
    what = {"kept": "verdicts, times and causes: steps and logs are in the events of this run, which are not here"}
    return html_report(outcome, {**{k: v for k, v in told.items() if v}, **versions, **what}, title=title, past=past)


def _of_platform(name: str, newest: PastRun, told: OverTime) -> dict[str, Any]:
    """Return what the page of an implementation shows: its roles, its scenarios, what is red with it."""
    rows: dict[str, dict[str, list[int]]] = {}
    titles: dict[str, str] = {}
    for cell in newest.cells.values():
        for role, platform in cell.pairing.items():
            if platform == name:
                titles[cell.scenario] = cell.title
                numbers = rows.setdefault(cell.scenario, {}).setdefault(role, [0, 0, 0])
                numbers[0] += cell.verdict is Verdict.PASSED
                numbers[1] += cell.red
                numbers[2] += 1
    roles = sorted({role for row in rows.values() for role in row})
    playing = {key for key, cell in newest.cells.items() if name in cell.pairing.values()}
    return {
        "roles": roles,
        "rows": sorted(rows.items(), key=lambda entry: natural_order(entry[0])),
        "titles": titles,
        # First what is red only where it plays.
        "mine": sorted(
            (cause for cause in told.causes if not playing.isdisjoint(cause.cells)),
            key=lambda cause: not playing.issuperset(cause.cells),
        ),
        "rates": told.platforms.get(name, []),
    }
