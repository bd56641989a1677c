"""A run as one HTML file that asks nobody for anything. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import quote

from harmony.errors import ExitCode
from harmony.report import squares
from harmony.report.causes import detail, headline
from harmony.report.outcome import Outcome
from harmony.report.page_data import Steps, packed, page_data
from harmony.report.past import Past, bars, past_data, percent, told_since
from harmony.report.template import render_template
from harmony.report.terminal import is_matrix
from harmony.text import shortened
from harmony.verdict.support import SupportTable, in_cells, unclaimed
from harmony.verdict.tally import counts, natural_order
from harmony.verdict.verdicts import MEANINGS, is_red

_TEMPLATE: Final = Path(__file__).with_name("templates") / "matrix.html"
_SCRIPTS: Final = ("run.js", "past.js", "views.js", "clauses.js", "cell.js", "replay.js", "page.js")
_LONGEST_REPORT: Final = 12_000
_MOST: Final = 200
"""Entries of a list that is there for who has no script; the script shows all."""


def html_report(
    outcome: Outcome,
    facts: Mapping[str, str] | None = None,
    steps: Steps | None = None,
    title: str = "Conformance matrix",
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
    results = outcome.results
    features = dict.fromkeys(one.feature for one in results)
    uncited = sum(not one.scenarios for one in outcome.clauses)
    clauses = {"clauses": f"{uncited} of {len(outcome.clauses)} without a scenario"} if outcome.clauses else {}
    more = {
        "past": past_data(past, results),
        "clauses": [(one.id, one.level, one.text, bool(one.scenarios), one.tests) for one in outcome.clauses],
    }
    players = {one.platform: str(one) for one in outcome.implementations}
    return render_template(
        _TEMPLATE,
        *_SCRIPTS,
        title=title,
        outcome=outcome,
        verdict=_verdict(outcome),
        good=outcome.code is ExitCode.OK,
        facts={**(facts or {}), **clauses, **players},
        counts=counts(results),
        headline=headline,
        detail=detail,
        meanings=MEANINGS,
        told=[*outcome.problems, *outcome.lacking],
        squares=squares.squares(results) if is_matrix(results) else [],
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
        data=packed({**page_data(results, outcome.blames, steps or Steps()), **more}),
    )


def _verdict(outcome: Outcome) -> str:
    found = counts(outcome.results)
    every = sum(found.values())
    red = sum(is_red(one.verdict) for one in outcome.results)
    cells = f"{every:,} cell{'' if every == 1 else 's'}"
    if red:
        return f"{red:,} of {cells} {'is' if red == 1 else 'are'} red"
    if not every:
        return "nothing ran"
    passed = found.get("passed", 0)
    return f"{passed:,} of {cells} passed{', nothing is red' if passed < every else ''}"


def _kind(numbers: squares.Numbers) -> str:
    """Return the class of the cells of two platforms."""
    passed, of, red = numbers
    return "passed" if passed == of else "red" if red else "some"


def _linked(**state: str) -> str:
    """Return the fragment that shows a part of the page."""
    return "#" + "&".join(f"{name}={quote(value, safe=':,')}" for name, value in state.items())
