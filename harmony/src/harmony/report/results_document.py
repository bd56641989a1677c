"""The results of a run as a document in Markdown, and its clauses as a table. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from harmony.report.markdown import escaped, fenced
from harmony.report.results import Finding, Results, in_one_line
from harmony.report.terminal import totals
from harmony.verdict.events import ClauseEntry
from harmony.verdict.tally import natural_order
from harmony.verdict.traceability import STATES, Seen, Traceability

_MADE: Final = "_Made by `harmony report --format {form}` from {of}; do not edit._"
_TESTED: Final = ("platform", "role", "version", "family", "passed", "deviates", "unsupported", "no answer")
_MOST_OPEN: Final = 40
_WORDS: Final = {"passed": "■ {passed}", "partly": "□ {passed}/{of}", "deviates": "✗ 0/{of}"}
_SIGNS: Final = {"passed": "■ 3", "partly": "□ 2/3", "deviates": "✗ 0/3", "unsupported": "n/a", "open": "?"}


def results_document(results: Results, title: str, limits: str = "") -> str:
    """Return the whole document.

    Args:
        results: What the run shows.
        title: The heading.
        limits: What the project itself says about what they do not show, in Markdown.
    """
    parts = [
        f"# {escaped(title)}",
        _MADE.format(form="results", of=_run(results)),
        escaped(totals(results.outcome.results)),
        "## What was tested",
        _table(_TESTED, _parts(results)),
        "## What deviates",
        *_findings(results),
        *_open(results),
        "## What this does not show",
        *filter(None, [limits.strip()]),
        "\n".join(f"- {text}" for text in _limits(results)),
    ]
    if results.clauses.rows:
        parts += ["## Clauses", *_clauses(results.clauses)]
    return "\n\n".join(parts) + "\n"


def clauses_document(results: Results) -> str:
    """Return the table of clauses, scenarios and platforms alone."""
    of = results.clauses.document
    head = [f"# The clauses of {escaped(of)} in a run" if of else "# The clauses in a run"]
    head.append(_MADE.format(form="clauses", of=_run(results)))
    told = list(_clauses(results.clauses)) if results.clauses.rows else ["The run tells of no clause."]
    return "\n\n".join([*head, *told]) + "\n"


def _run(results: Results) -> str:
    cells, seeds = len(results.outcome.results), ", ".join(map(str, results.seeds))
    return f"{cells} cells of {', '.join(results.dates) or 'no date'}, seed {seeds or 'unknown'}"


def _parts(results: Results) -> Iterator[list[str]]:
    known = {one.platform: one for one in results.outcome.implementations}
    for (platform, role), seen in results.parts.items():
        one = known.get(platform)
        numbers = (seen.passed, seen.deviating, seen.unsupported, seen.open)
        yield [platform, role, str(one) if one else "", one.family if one else "", *(str(n or "") for n in numbers)]


def _findings(results: Results) -> Iterator[str]:
    if not results.findings:
        yield "Nothing."
        return
    alone: dict[str, list[Finding]] = {}
    together: list[Finding] = []
    unknown: list[Finding] = []
    for one in results.findings:
        who = one.attribution.who
        if len(who) == 1 and not one.attribution.instead:
            alone.setdefault(who[0][1], []).append(one)
        else:
            (together if who and not one.attribution.instead else unknown).append(one)
    for platform in sorted({name for name, _ in results.parts} & alone.keys()):
        yield f"### {escaped(platform)}"
        for one in alone[platform]:
            yield from _finding(one)
    for heading, found in (("Only together", together), ("Nobody can be told from the others", unknown)):
        if found:
            yield f"### {heading}"
            for one in found:
                yield from _finding(one)


def _finding(one: Finding) -> Iterator[str]:
    weighs = f" — {escaped(one.weighs)}" if one.weighs else ""
    yield f"#### {escaped(one.scenario)}{weighs}"
    lines = [escaped(str(one.attribution))]
    lines += [f"{count} {escaped(said)}" for count, said in one.said]
    lines += [f"the {role}: {escaped(', '.join(names))}" for role, names in one.attribution.partners.items()]
    if not one.red:
        lines.append("not red: this is not asked of everybody")
    if one.weak:
        all_of = "all of them, so this is weak evidence" if one.weak == len(one.attribution.cells) else str(one.weak)
        lines.append(f"cells of implementations that share code: {all_of}")
    yield "\n".join(f"- {line}" for line in lines)
    if one.trace:
        yield fenced(one.trace)
    if one.repeat:
        yield fenced([one.repeat], "sh")


def _open(results: Results) -> Iterator[str]:
    """Yield what did not pass and says nothing about an implementation."""
    if not results.open:
        return
    yield "## Without an answer"
    said = Counter(
        f"{one.number or one.title}: {one.verdict}: {in_one_line(one.error or one.note)}" for one in results.open
    )
    lines = [
        f"- {count} {escaped(text)}" for text, count in sorted(said.items(), key=lambda one: natural_order(one[0]))
    ]
    left = len(lines) - _MOST_OPEN
    yield "\n".join(lines[:_MOST_OPEN] + ([f"- and {left} more"] if left > 0 else []))


def _limits(results: Results) -> Iterator[str]:
    cells = results.outcome.results
    yield f"{results.weak_cells} of {len(cells)} cells are of implementations that share code: these are weak evidence."
    for name, why in results.unavailable.items():
        yield f"{escaped(name)} did not play: {escaped(why)}."
    for problem in (*results.outcome.lacking, *results.outcome.problems):
        yield escaped(problem)
    if uncited := results.clauses.uncited:
        yield f"{len(uncited)} of {len(results.clauses.rows)} clauses have no scenario."


def _clauses(table: Traceability) -> Iterator[str]:
    for level in ("must", "should", "may", ""):
        names = [escaped(_name(one)) for one in table.uncited if one.level == level and not one.tests]
        if names:
            yield f"**{level.upper() or 'Not normative'}, without a scenario**: {' · '.join(names)}."
    yield " · ".join(f"`{_SIGNS[state]}` {says}" for state, says in STATES.items())
    head = ["clause", "", "scenarios", *(f"{platform} as {role}" for role, platform in table.columns)]
    yield _table(
        head,
        (
            [
                _name(row.clause),
                row.clause.level.upper(),
                ", ".join([*row.clause.scenarios, *row.clause.tests]),
                *(_word(row.seen.get(player)) for player in table.columns),
            ]
            for row in table.rows
        ),
    )


def _name(clause: ClauseEntry) -> str:
    return f"{clause.id} {clause.text}".strip()


def _word(seen: Seen | None) -> str:
    if seen is None:
        return ""
    pattern = _WORDS.get(seen.state, _SIGNS[seen.state])
    return pattern.format(passed=seen.passed, of=seen.passed + seen.deviating)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [[escaped(word) for word in head], ["---"] * len(head), *([escaped(word) for word in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
