"""What a person reads when a scenario has not passed. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from harmony.model import DataTable, LogRecord, Phase, StepOutcome, Verdict
from harmony.spec.gherkin import Step
from harmony.verdict.comparison import shortened
from harmony.verdict.result import ScenarioResult, StepResult

_LEVEL_NAMES: Final = ("trace", "debug", "info", "warning", "error", "critical")
_MOST_LOG_LINES: Final = 60
_LONGEST_LINE: Final = 400


def failure_report(result: ScenarioResult, repeat: str) -> str:
    """Return the report on a scenario that did not pass.

    Args:
        result: What came of it.
        repeat: The command that runs it again with its seed.
    """
    scenario = result.plan.scenario
    lines = [f"{scenario.id}    {scenario.place}", f"verdict: {result.verdict.value}", ""]
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
    lines += ["", f"repeat with: {repeat}"]
    return "\n".join(lines)


def one_line(result: ScenarioResult) -> str:
    """Return verdict and cause on one line."""
    failure = result.failure
    cause = failure.error.partition("\n")[0] if failure else ""
    if result.verdict is Verdict.NOT_RUN:
        return shortened(cause, _LONGEST_LINE)
    return f"{result.verdict.value}: {shortened(cause, _LONGEST_LINE)}" if cause else result.verdict.value


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
        lines += [f"        {row}" for row in _table_lines(result.step)]
    if result.verdict is not Verdict.PASSED:
        lines += [f"        {line}" for line in f"{result.verdict.value}: {result.error}".splitlines()]
    return lines


def _table_lines(step: Step) -> list[str]:
    table: DataTable | None = step.table
    if table is None:
        return []
    return [f"| {' | '.join(row)} |" for row in (table.headers, *table.rows)]


def _details(key: str, outcome: StepOutcome) -> list[str]:
    lines: list[str] = []
    data: Mapping[str, Any] = outcome.data
    if data.get("first"):
        who, *where = str(data["first"]).splitlines()
        lines += ["", f"hangs first: {who}", *(f"    {line}" for line in where)]
    for title, name in (("where", "traceback"), ("stack", "stack"), ("hint", "hint"), ("snippet", "snippet")):
        if data.get(name):
            lines += ["", f"{title} ({key}):", *(f"    {line}" for line in str(data[name]).splitlines())]
    sections = data.get("sections") or {}
    for title, text in sections.items():
        lines += ["", f"{title} ({key}):", *(f"    {shortened(line, _LONGEST_LINE)}" for line in text.splitlines())]
    return lines


def _log_lines(records: Sequence[LogRecord]) -> list[str]:
    left_out = len(records) - _MOST_LOG_LINES
    lines = [f"    ({left_out} earlier lines left out)"] if left_out > 0 else []
    for record in records[-_MOST_LOG_LINES:]:
        level = _LEVEL_NAMES[max(0, min(record.level, 5))]
        lines.append(f"    {record.timestamp} {level:8} {shortened(record.message, _LONGEST_LINE)}")
    return lines
