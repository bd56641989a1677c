"""What was found, as text, JSON and Markdown. Pure."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from enum import StrEnum
from typing import Final

from harmony.doctor.check import Check
from harmony.doctor.finding import CheckVerdict, Diagnosis, Finding


class Form(StrEnum):
    """How a diagnosis is written."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


def as_text(diagnosis: Diagnosis) -> str:
    """Return one line for each check, and under what is wrong all that is known of it."""
    width = max((len(finding.id) for finding in diagnosis.findings), default=0)
    verdict_width = max(len(verdict) for verdict in CheckVerdict)
    lines = [f"{diagnosis.platform}: {diagnosis.who or 'nobody'}, started by {diagnosis.command}", ""]
    for finding in _told(diagnosis):
        lines.append(f"{finding.verdict:{verdict_width}}  {finding.id:{width}}  {finding.title}")
        if finding.verdict is CheckVerdict.WRONG:
            lines += [f"    {line}" for text in finding.wrong for line in text.splitlines()]
            lines += [
                f"    why        {finding.why}",
                f"    specified  {finding.where}",
                f"    again      {finding.repeat}",
                "",
            ]
        elif finding.because:
            lines.append(f"    {finding.because}")
    for (verdict, reason), number in _left_out(diagnosis).items():
        lines.append(f"{verdict:{verdict_width}}  {number} more, because {reason}")
    return "\n".join([*lines, "", _summary(diagnosis)])


def as_json(diagnosis: Diagnosis) -> str:
    """Return everything as one JSON document."""
    document = {
        "platform": diagnosis.platform,
        "command": diagnosis.command,
        "who": diagnosis.who,
        "healthy": diagnosis.healthy,
        "seconds": round(diagnosis.seconds, 3),
        "counts": diagnosis.counts,
        "findings": [{**asdict(finding), "seconds": round(finding.seconds, 3)} for finding in diagnosis.findings],
    }
    return json.dumps(document, indent=2)


def as_markdown(diagnosis: Diagnosis) -> str:
    """Return what is wrong in full, then a table of everything."""
    lines = [f"# {diagnosis.platform}: {diagnosis.who or 'nobody'}", "", _summary(diagnosis), ""]
    for finding in diagnosis.findings:
        if finding.verdict is CheckVerdict.WRONG:
            lines += _wrong_in_markdown(finding)
    lines += ["## All checks", "", "| verdict | check | |", "|---|---|---|"]
    lines += [
        f"| {finding.verdict} | `{finding.id}` | {_cell('; '.join(filter(None, (finding.title, finding.because))))} |"
        for finding in diagnosis.findings
    ]
    return "\n".join(lines)


def catalogue(checks: Sequence[Check]) -> str:
    """Return the names of checks and what each is about."""
    width = max((len(check.id) for check in checks), default=0)
    return "\n".join(f"{check.id:{width}}  {check.title}{_needs(check)}" for check in checks)


WRITERS: Final[Mapping[Form, Callable[[Diagnosis], str]]] = {
    Form.TEXT: as_text,
    Form.JSON: as_json,
    Form.MARKDOWN: as_markdown,
}


def _left_out(diagnosis: Diagnosis) -> dict[tuple[CheckVerdict, str], int]:
    """Return reasons for which several checks were left out, and how many those are."""
    reasons = Counter(
        (one.verdict, one.because)
        for one in diagnosis.findings
        if one.verdict in {CheckVerdict.NOT_RUN, CheckVerdict.NOT_TOLD}
    )
    return {reason: number for reason, number in reasons.items() if number > 1}


def _told(diagnosis: Diagnosis) -> list[Finding]:
    left_out = _left_out(diagnosis)
    return [one for one in diagnosis.findings if (one.verdict, one.because) not in left_out]


def _needs(check: Check) -> str:
    return f" ({', '.join(sorted(check.needs))})" if check.needs else ""


def _summary(diagnosis: Diagnosis) -> str:
    counts = ", ".join(f"{number} {verdict}" for verdict, number in diagnosis.counts.items() if number)
    return f"{counts or 'nothing was checked'} in {diagnosis.seconds:.1f} s"


def _wrong_in_markdown(finding: Finding) -> list[str]:
    fence = "```"
    while any(fence in text for text in finding.wrong):
        fence += "`"
    return [
        f"## `{finding.id}`: {finding.title}",
        "",
        *(fence, *finding.wrong, fence),
        "",
        f"- why it matters: {finding.why}",
        f"- where it is specified: {finding.where}",
        f"- again: `{finding.repeat}`",
        "",
    ]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
