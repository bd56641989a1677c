"""Results that no run has given, for reports of any size."""

from __future__ import annotations

import base64
import itertools
import json
import re
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

from harmony.model import Verdict
from harmony.report.outcome import Outcome
from harmony.report.page import html_report
from harmony.verdict.events import CellFinished, StepSupport
from harmony.verdict.tally import combined

ERRORS = {
    Verdict.FAILED: "frame data\n  expected: 1024 bytes\n  seen:     1023 bytes\n  first difference at offset 1023",
    Verdict.ERRORED: "writer: no health answer within 30 s",
    Verdict.CRASHED: "writer: died of SIGSEGV",
    Verdict.TIMED_OUT: "Step execution timeout: 30.0 s",
    Verdict.UNSUPPORTED: "No matching step definition found for: the 'writer' process waits",
    Verdict.KNOWN_FAILURE: "expected 5, seen 4",
    Verdict.FLAKY: "once so, once so",
    Verdict.UNEXPECTED_PASS: "passes, though expected to fail: remove expectations.toml:3",
}


def result(cell: str = "1.1[reader=python,writer=cpp]", verdict: Verdict = Verdict.PASSED, **more: Any) -> CellFinished:
    """Return the result of a cell, by its key."""
    number, _, assigned = cell.removesuffix("]").partition("[")
    pairing = dict(part.split("=") for part in assigned.split(","))
    failed = verdict is not Verdict.PASSED
    values: dict[str, Any] = {
        "cell": cell,
        "number": number,
        "title": f"{number} Scenario {number}",
        "feature": f"Feature {number.partition('.')[0]}",
        "pairing": pairing,
        "verdict": verdict,
        "error": ERRORS.get(verdict, "") if failed else "",
        "seconds": 0.125,
        "seed": 7,
        "repeat": f"./test.sh {'_'.join(pairing[role] for role in sorted(pairing))} {number} --seed 7",
        "step": "When the 'writer' process waits" if failed else "",
        "place": "features/01-basic.feature:12" if failed else "",
        "by": ["writer"] if failed and "writer" in pairing else [],
        "report": f"{number}\nverdict: {verdict.value}\n> When the 'writer' process waits\n" if failed else "",
    }
    return CellFinished(**{**values, **more})


def many(scenarios: int, platforms: int, broken_every: int = 7) -> list[CellFinished]:
    """Return a matrix in which every verdict occurs."""
    names = ["cpp", "csharp", "go", "java", "node", "python", "ruby", "rust", "swift", "zig"][:platforms]
    verdicts = itertools.cycle(verdict for verdict in Verdict if verdict is not Verdict.PASSED)
    results = []
    for index, (scenario, reader, writer) in enumerate(itertools.product(range(scenarios), names, names)):
        verdict = next(verdicts) if index % broken_every == 0 else Verdict.PASSED
        key = f"{scenario // 10 + 1}.{scenario % 10 + 1}[reader={reader},writer={writer}]"
        results.append(result(key, verdict))
    return results


def the_page(
    results: Sequence[CellFinished],
    facts: Mapping[str, str] | None = None,
    problems: Sequence[str] = (),
    supports: Sequence[StepSupport] = (),
) -> str:
    """Return the page of results."""
    return html_report(Outcome((), combined(results), problems, (), supports), facts)


def data_of(page: str) -> dict[str, Any]:
    """Return what the script of a page reads."""
    (text,) = re.findall(r'id="data">([^<]*)<', page)
    data: dict[str, Any] = json.loads(zlib.decompress(base64.b64decode(text)))
    return data
