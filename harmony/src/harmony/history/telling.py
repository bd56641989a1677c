"""Runs and comparisons for a person: as lines, as Markdown, as a document for JSON. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final

from harmony.history.comparison import SAYS, Change, Comparison, Kind
from harmony.history.past_run import PastCell, PastRun
from harmony.history.trends import OverTime, moment, sparkline
from harmony.model import Verdict
from harmony.report.causes import lines
from harmony.report.markdown import bounded, escaped, fenced
from harmony.report.past import Rates, commit, percent
from harmony.text import several, shown
from harmony.verdict.blame import blame
from harmony.verdict.events import CellFinished
from harmony.verdict.verdicts import is_red

MARK: Final = "<!-- harmony compare -->"
"""The first line, by which whoever posts a comment finds that of the run before."""
_MOST: Final = 20
"""Cells that are named one by one; JSON has all."""
_MOST_SINCE: Final = 10
_LONGEST: Final = 90


# ---- one run


def counted(run: PastRun) -> str:
    """Return how many cells ended how."""
    return f"{len(run.cells)} cells: " + (", ".join(f"{n} {verdict}" for verdict, n in run.counts.items()) or "none")


# ---- runs


def table(runs: Sequence[PastRun], most: int) -> list[str]:
    """Return runs as lines, the newest first, each under the number that names it."""
    head = ("", "began (UTC)", "commit", "cells", "red", "took", "")
    rows = [
        (
            str(number),
            moment(run),
            commit(run.commit),
            str(len(run.cells)),
            str(len(run.red) or ""),
            took(run),
            _state(run),
        )
        for number, run in enumerate(runs[:most], 1)
    ]
    left = len(runs) - most
    return [*columns([head, *rows], right={0, 3, 4, 5}), *([f"and {left} older: --all"] if left > 0 else [])]


def history_lines(told: OverTime, most: int, width: int) -> Iterator[str]:
    """Give the table of runs, what is red since when, what is flaky, and how platforms have fared."""
    yield from table(told.runs, most)
    if told.causes:
        yield from ("", "red now, and since when")
    for cause in told.causes[:_MOST_SINCE]:
        yield f"    {clipped(cause.headline, width - 4)}"
        yield f"        {clipped(str(cause.since), width - 8)}"
        if cause.newest.run != cause.since.run:
            yield f"        {clipped(f'the newest of them {cause.newest}', width - 8)}"
    yield from _more(len(told.causes) - _MOST_SINCE, "group")
    for what in ("platform", "feature"):
        some = [one for one in told.red if one.what == what]
        if some:
            yield from ("", f"{what}s with red cells")
            lines_ = (f"{one.name} ({one.red} of {one.of} cells): {one}" for one in some[:_MOST_SINCE])
            yield from (f"    {clipped(line, width - 4)}" for line in lines_)
            yield from _more(len(some) - _MOST_SINCE, what)
    if told.flaky:
        yield from ("", "flaky: ended in two ways, and nothing had changed")
        for one in told.flaky[:_MOST_SINCE]:
            yield f"    {clipped(f'{one.score:.2f}  {one.cell}  ({one})', width - 4)}"
        yield from _more(len(told.flaky) - _MOST_SINCE, "cell")
    uneven = {name: rates for name, rates in told.scenarios.items() if any(rate not in {None, 1.0} for rate in rates)}
    for heading, rows in (("platforms", told.platforms), ("scenarios that did not always pass", uneven)):
        if rows and len(told.runs) > 1:
            yield from ("", f"{heading}, the newest run at the right")
            yield from _trends(rows, width)


def _trends(rows: Rates, width: int) -> Iterator[str]:
    longest = min(max(map(len, rows)), max(12, width // 3))
    room = max(8, width - longest - 16)
    for name, rates in list(rows.items())[:_MOST]:
        yield f"    {clipped(name, longest):<{longest}}  {sparkline(rates[-room:])}  {percent(rates)}"
    yield from _more(len(rows) - _MOST, "row")


# ---- two runs


def comparison_lines(found: Comparison, width: int) -> Iterator[str]:
    """Give a comparison as lines for a terminal."""
    for what, run in (("OLD", found.old), ("NEW", found.new)):
        yield clipped(f"{what}  {moment(run)}  {commit(run.commit) or run.name}  {counted(run)}", width)
    yield from found.notes
    for name, (was, now) in found.versions.items():
        yield f"version  {name}: {was or 'unknown'} -> {now or 'unknown'}"
    for kind in Kind:
        changes = found.of(kind)
        if changes:
            yield from ("", f"{SAYS[kind]} ({len(changes)})")
            yield from (f"    {line}" for line in _told(found, kind, changes))
    if not found.changes:
        yield "no cell differs"


def comparison_markdown(found: Comparison, failing: Collection[Kind]) -> str:
    """Return a comparison for a comment that the next run replaces; what has no room is named as left out."""
    bad = [change for change in found.changes if change.kind in failing]
    sign = f"✗ harmony: {_summary(bad)}" if bad else f"■ harmony: {_summary(found.changes) or 'no cell differs'}"
    head = ["| | began (UTC) | commit | cells |", "| --- | --- | --- | --- |"]
    for what, run in (("OLD", found.old), ("NEW", found.new)):
        told = (moment(run), commit(run.commit) or run.name, counted(run))
        head.append(f"| {what} | {' | '.join(map(escaped, told))} |")
    parts = [MARK, f"### {sign}", "\n".join(head)]
    said = [
        f"version of {name}: {was or 'unknown'} → {now or 'unknown'}" for name, (was, now) in found.versions.items()
    ]
    if said or found.notes:
        parts.append("\n".join(f"- {escaped(one)}" for one in [*found.notes, *said][:_MOST]))
    for kind in Kind:
        changes = found.of(kind)
        if changes:
            parts += [f"**{SAYS[kind]} ({len(changes)})**", fenced(list(_told(found, kind, changes)))]
    return "\n\n".join(bounded(parts)) + "\n"


def comparison_document(found: Comparison, failing: Collection[Kind]) -> dict[str, Any]:
    """Return a comparison for JSON, each cell that differs with what came of it in both."""

    def side(run: PastRun) -> dict[str, Any]:
        names = ("name", "at", "commit", "machine", "seed", "versions", "whole", "partial", "counts")
        return {name: getattr(run, name) for name in names}

    def cell(one: PastCell | None) -> dict[str, Any] | None:
        return {"verdict": one.verdict, "seconds": one.seconds, **one.told} if one else None

    return {
        "old": side(found.old),
        "new": side(found.new),
        "map": dict(found.names),
        "notes": list(found.notes),
        "versions": {name: {"old": was, "new": now} for name, (was, now) in found.versions.items()},
        "failing": sorted({change.kind for change in found.changes} & set(failing)),
        "changes": [
            {"cell": one.cell, "kind": one.kind, "old": cell(one.old), "new": cell(one.new), "why": one.why}
            for one in found.changes
        ],
    }


def _told(found: Comparison, kind: Kind, changes: Sequence[Change]) -> Iterator[str]:
    """Give cells by cause where they are red, and else one by one."""
    if kind in {Kind.NEWLY_RED, Kind.CHANGED_ERROR}:
        yield from lines(blame(_alone(found.new, {change.cell for change in changes})))
        came = sum(change.old is None for change in changes)
        if came and kind is Kind.NEWLY_RED:
            yield f"{came} of them {'is' if came == 1 else 'are'} not in OLD"
    else:
        for change in changes[:_MOST]:
            yield f"{change.cell}: {_how(change)}"
        yield from _more(len(changes) - _MOST, "cell")


def _alone(run: PastRun, keys: Collection[str]) -> Iterator[CellFinished]:
    """Give all cells of a run, of which only some are red: who is in these alone is to blame for them."""
    for result in run.results():
        excused = is_red(result.verdict) and result.cell not in keys
        yield result.model_copy(update={"verdict": Verdict.KNOWN_FAILURE}) if excused else result


def _how(change: Change) -> str:
    if change.why:
        return change.why
    told = [one for one in (change.old, change.new) if one]
    said = next((one.told.get("error") or one.told.get("note", "") for one in reversed(told) if one.told), "")
    return " -> ".join(one.verdict for one in told) + (f": {shown(said, _LONGEST)}" if said else "")


def _summary(changes: Sequence[Change]) -> str:
    numbers = {kind: sum(change.kind is kind for change in changes) for kind in Kind}
    return ", ".join(f"{number} {SAYS[kind]}" for kind, number in numbers.items() if number)


# ---- lines


def columns(rows: Sequence[Sequence[str]], right: Collection[int] = ()) -> list[str]:
    """Return rows as lines in which the columns stand below each other."""
    sizes = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            word.rjust(size) if index in right else word.ljust(size)
            for index, (word, size) in enumerate(zip(row, sizes, strict=True))
        ).rstrip()
        for row in rows
    ]


def clipped(text: str, width: int) -> str:
    """Return a text that is not longer than there is room."""
    return text if len(text) <= width else f"{text[: width - 1]}…"


def took(run: PastRun) -> str:
    """Return how long a run took."""
    minutes, seconds = divmod(round(run.seconds), 60)
    return f"{minutes} min {seconds:02d} s" if minutes else f"{run.seconds:.1f} s"


def _state(run: PastRun) -> str:
    return "red" if run.red else "" if run.whole else "a part"


def _more(left: int, what: str) -> Iterator[str]:
    if left > 0:
        yield f"    and {several(left, f'more {what}')}: --format json"
