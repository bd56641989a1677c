"""What a person reads when a scenario has not passed. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from harmony.excerpt import excerpt
from harmony.model import DataTable, LogRecord, NetworkEvent, NetworkKind, Phase, StepOutcome, Verdict
from harmony.spec.gherkin import Step
from harmony.text import shortened, shown, visible
from harmony.verdict.result import ScenarioResult, StepResult

_LEVEL_NAMES: Final = ("trace", "debug", "info", "warning", "error", "critical")
_FIRST_LOG_LINES: Final = 20
_LAST_LOG_LINES: Final = 40
_LONGEST_LINE: Final = 400
_LONGEST_ARGUMENT: Final = 4_000


def failure_report(result: ScenarioResult, repeat: str) -> str:
    """Return the report on a scenario that did not pass, or of which something is alarming.

    Args:
        result: What came of it.
        repeat: The command that runs it again with its seed.
    """
    scenario = result.plan.scenario
    lines = [f"{scenario.id}    {scenario.place}", f"verdict: {result.verdict.value}"]
    lines += [f"proves: {result.standing}", ""] if str(result.standing) else [""]
    failure = result.failure
    if result.verdict is Verdict.NOT_RUN:
        return "\n".join([*lines, failure.error if failure else "", "", f"repeat with: {repeat}"])
    for outcome in result.results:
        lines += _result_lines(outcome, marked=outcome is failure)
    lines += [f"    {step}    (not run)" for step in result.not_run]
    if failure is not None:
        for key, one in failure.outcomes.items():
            if one.verdict is not Verdict.PASSED:
                lines += _details(key, one)
    for key, records in result.logs.items():
        if records:
            lines += ["", f"log of {key}:", *_log_lines(records)]
    if result.network:
        lines += ["", "network:", *_network_lines(result.network)]
    for key, written in result.stderr.items():
        said = (f"    {record.timestamp} {record.message}" for record in told(written.records))
        lines += ["", f"stderr of {key}:", *said]
    lines += ["", f"repeat with: {repeat}"]
    return visible("\n".join(lines))


def one_line(result: ScenarioResult) -> str:
    """Return verdict and cause on one line."""
    failure = result.failure
    cause = failure.error.partition("\n")[0] if failure else ""
    if result.verdict is Verdict.NOT_RUN:
        return shown(cause, _LONGEST_LINE)
    return f"{result.verdict.value}: {shown(cause, _LONGEST_LINE)}" if cause else result.verdict.value


def told(records: Sequence[LogRecord]) -> list[LogRecord]:
    """Return the lines that are told of what a role has logged, or written on stderr."""
    kept = excerpt(records, _FIRST_LOG_LINES, _LAST_LOG_LINES)
    return [replace(record, message=shown(record.message, _LONGEST_LINE)) for record in kept]


def _result_lines(result: StepResult, *, marked: bool) -> list[str]:
    what = (
        str(result.step)
        if result.step
        else {Phase.START: "(set-up)", Phase.FINISH: "(clean-up)"}.get(result.phase, f"({result.phase})")
    )
    roles = ", ".join(result.outcomes)
    where = f"    {result.step.place}" if marked and result.step else ""
    lines = [f"{'>' if marked else ' '}   {what}    [{roles}, {result.seconds * 1e3:.1f} ms]{where}"]
    if result.step is not None:
        lines += [f"        {row}" for row in table_lines(result.step)]
    lines += [f"        attached by {key}: {each}" for key, one in result.outcomes.items() for each in one.attachments]
    if result.verdict is not Verdict.PASSED:
        lines += [f"        {line}" for line in f"{result.verdict.value}: {result.error}".splitlines()]
    return lines


def argument_of(step: Step) -> str:
    """Return the data table or the doc string of a step as text, bounded; nothing if it has neither."""
    doc_string = step.doc_string.content if step.doc_string else ""
    return shown("\n".join(table_lines(step)) or doc_string, _LONGEST_ARGUMENT)


def table_lines(step: Step) -> list[str]:
    """Return the rows of a step's data table, as they are written."""
    table: DataTable | None = step.table
    if table is None:
        return []
    return [f"| {' | '.join(row)} |" for row in (table.headers, *table.rows)]


def _details(key: str, outcome: StepOutcome) -> list[str]:
    data: Mapping[str, Any] = outcome.data
    who, _, stood = str(data.get("first", "")).partition("\n")
    titles = (("where", "traceback"), ("stack", "stack"), ("hint", "hint"), ("snippet", "snippet"))
    parts = [(title, data.get(name)) for title, name in titles] + list((data.get("sections") or {}).items())
    first = _section(f"hangs first: {who}", stood) if who else []
    return first + [line for title, text in parts if text for line in _section(f"{title} ({key})", str(text))]


def _section(title: str, text: str) -> list[str]:
    return ["", f"{title}:", *(f"    {shortened(line, _LONGEST_LINE)}" for line in shown(text).splitlines())]


def _network_lines(events: Sequence[NetworkEvent]) -> list[str]:
    lines = [
        f"    {event.at} {'' if event.kind is NetworkKind.STEP else '    '}{shown(str(event), _LONGEST_LINE)}"
        for event in events
    ]
    left_out = len(lines) - _FIRST_LOG_LINES - _LAST_LOG_LINES
    gap = [f"    … {left_out} lines left out; `--events` has more …"] if left_out > 0 else []
    return [*lines[:_FIRST_LOG_LINES], *gap, *lines[-_LAST_LOG_LINES:]] if gap else lines


def _log_lines(records: Sequence[LogRecord]) -> list[str]:
    return [f"    {record.timestamp} {level_name(record):8} {record.message}" for record in told(records)]


def level_name(record: LogRecord) -> str:
    """Return the word for the level of a record."""
    return _LEVEL_NAMES[max(0, min(record.level, 5))]
