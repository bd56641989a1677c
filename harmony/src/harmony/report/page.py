"""A run as one HTML file that asks nobody for anything. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from harmony.errors import ExitCode
from harmony.report import squares
from harmony.report.causes import detail, headline
from harmony.report.cell_steps import Steps
from harmony.report.outcome import Outcome
from harmony.report.page_data import packed, page_data
from harmony.report.past import Past, bars, past_data, percent, told_since
from harmony.report.template import render_template
from harmony.report.terminal import is_matrix
from harmony.text import shortened
from harmony.verdict.support import SupportTable, in_cells, unclaimed
from harmony.verdict.tally import counts, natural_order
from harmony.verdict.verdicts import MEANINGS, is_red

_TEMPLATE: Final = Path(__file__).with_name("templates") / "matrix.html"
_SCRIPTS: Final = ("run.js", "past.js", "views.js", "clauses.js", "attachments.js", "cell.js", "replay.js", "page.js")
_LIVE: Final = _TEMPLATE.with_name("live.html")
_TITLE: Final = "Conformance matrix"
_LONGEST_REPORT: Final = 12_000
_MOST: Final = 200
"""Entries of a list that is there for who has no script; the script shows all."""


def html_report(
    outcome: Outcome,
    facts: Mapping[str, str] | None = None,
    steps: Steps | None = None,
    title: str = _TITLE,
    past: Past | None = None,
) -> str:
    """Return the verdict, why it is so, squares, and every cell with its steps.

    Args:
        outcome: What came of the cells, one result for each.
        facts: What else a reader should know, such as the seed.
        steps: What is known of the steps of these cells.
        title: The heading.
        past: What this run says with those before it.
    """
    data = page_data(outcome.results, outcome.blames, steps or Steps())
    return _rendered(outcome, facts or {}, past, data, *_SCRIPTS, title=title)


def live_overview(outcome: Outcome, facts: Mapping[str, str], past: Past | None) -> str:
    """Return what changes of the page of a run that goes on, but for the cells."""
    return _rendered(outcome, facts, past, page_data((), outcome.blames, Steps()), title=_TITLE, live=True)


def live_page(overview: str) -> str:
    """Return the page of a run that goes on: it asks who has served it for the cells, and for what changes."""
    return render_template(_LIVE, *_SCRIPTS, "live.js", overview=overview, title=_TITLE, live=True)


def _rendered(
    outcome: Outcome, facts: Mapping[str, str], past: Past | None, data: Mapping[str, Any], *scripts: str, **more: Any
) -> str:
    results = outcome.results
    features = dict.fromkeys(one.feature for one in results)
    uncited = sum(not one.scenarios for one in outcome.clauses)
    clauses = {"clauses": f"{uncited} of {len(outcome.clauses)} without a scenario"} if outcome.clauses else {}
    beside = {
        "past": past_data(past, results),
        "clauses": [(one.id, one.level, one.text, bool(one.scenarios), one.tests) for one in outcome.clauses],
    }
    players = {one.platform: str(one) for one in outcome.implementations}
    return render_template(
        _TEMPLATE,
        *scripts,
        outcome=outcome,
        verdict=_verdict(outcome),
        state=_state(outcome),
        facts={**facts, **clauses, **players},
        counts=counts(results),
        headline=headline,
        detail=detail,
        meanings=MEANINGS,
        told=[*outcome.problems, *outcome.lacking],
        squares=squares.squares(results, outcome.planned) if is_matrix(results) or outcome.planned else [],
        word=squares.word,
        kind=_kind,
        features={name: counts(one for one in results if one.feature == name) for name in features},
        alarming=[one for one in results if one.alarms and not is_red(one.verdict)],
        unclaimed=unclaimed([one.note for one in results]),
        support=SupportTable.of(outcome.supports, {name for one in results for name in one.pairing.values()}),
        in_cells=in_cells,
        most=_MOST,
        linked=_linked,
        shortened=partial(shortened, limit=_LONGEST_REPORT),
        past=past if past and len(past.moments) > 1 else None,
        since=partial(told_since, past),
        red=[one.cell for one in results if is_red(one.verdict)],
        keys=lambda one: [cell.cell for cell in one.cells],
        platforms=sorted({name for one in results for name in one.pairing.values()}, key=natural_order),
        bars=bars,
        percent=percent,
        data=packed({**data, **beside}),
        **more,
    )


def _state(outcome: Outcome) -> tuple[str, str]:
    """Return the class of the verdict, and the sign that stands before it."""
    if outcome.to_come is not None:
        return ("red", "✗") if outcome.blames else ("some", "▶")
    return ("passed", "■") if outcome.code is ExitCode.OK else ("red", "✗")


def _verdict(outcome: Outcome) -> str:
    found = counts(outcome.results)
    every = sum(found.values())
    red = sum(is_red(one.verdict) for one in outcome.results)
    cells = f"{every:,} cell{'' if every == 1 else 's'}"
    left = f", {outcome.to_come:,} to come" if outcome.to_come else ""
    if red:
        return f"{red:,} of {cells} {'is' if red == 1 else 'are'} red{left}"
    if not every:
        return "nothing ran" if outcome.to_come is None else f"nothing has ended yet{left}"
    passed = found.get("passed", 0)
    return f"{passed:,} of {cells} passed{', nothing is red' if passed < every else ''}{left}"


def _kind(numbers: squares.Numbers) -> str:
    """Return the class of the cells of two platforms."""
    if numbers.passed == numbers.of:
        return "passed"
    return "red" if numbers.red else "some" if numbers.ended == numbers.of else "to-come"


def _linked(**state: str) -> str:
    """Return the fragment that shows a part of the page."""
    return "#" + "&".join(f"{name}={quote(value, safe=':,')}" for name, value in state.items())
