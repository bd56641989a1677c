"""A run in the Common Test Report Format: one JSON document, a test for each cell. Pure."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any, Final

from harmony.model import Verdict
from harmony.plan.pairing import Pairing
from harmony.report.other_tools import Standing, began, beside, milliseconds, standing, steps_of, surroundings
from harmony.report.outcome import Outcome
from harmony.verdict.events import CellFinished, Event, StepFinished

_VERSION: Final = "0.0.0"
_TOOL: Final = "harmony"


def ctrf(outcome: Outcome, events: Sequence[Event]) -> str:
    """Return the document; what makes the run red beside cells is a failed test of the suite ``harmony``."""
    steps = steps_of(events)
    tests = [_test(cell, steps.get(cell.cell, [])) for cell in outcome.results]
    tests += [
        {"name": "the run as a whole", "status": Standing.FAILED, "duration": 0, "suite": [_TOOL], "message": text}
        for text in beside(outcome)
    ]
    told = surroundings(outcome, events)
    document = {
        "reportFormat": "CTRF",
        "specVersion": _VERSION,
        "generatedBy": _TOOL,
        "results": {
            "tool": {"name": _TOOL, "version": version("harmony-conformance")},
            "summary": _summary(outcome, tests),
            "tests": tests,
            "environment": {
                **({"commit": told["commit"]} if "commit" in told else {}),
                "extra": {name: value for name, value in told.items() if name != "commit"},
            },
        },
    }
    return json.dumps(document, indent=1) + "\n"


def _summary(outcome: Outcome, tests: Sequence[dict[str, Any]]) -> dict[str, int]:
    found = Counter(test["status"] for test in tests)
    return {
        "tests": len(tests),
        **{name: found[name] for name in ("passed", "failed", "skipped", "pending", "other")},
        "flaky": sum(cell.verdict is Verdict.FLAKY for cell in outcome.results),
        "start": min(map(began, outcome.results), default=0),
        "stop": max((milliseconds(cell.at) for cell in outcome.results), default=0),
    }


def _test(cell: CellFinished, steps: Sequence[StepFinished]) -> dict[str, Any]:
    file, _, line = cell.place.rpartition(":")
    said = cell.error or cell.note
    return {
        "testId": cell.cell,
        "name": f"{cell.title} [{Pairing.of(cell.pairing)}]",
        "status": standing(cell.verdict),
        "rawStatus": cell.verdict,
        "duration": round(cell.seconds * 1000),
        "start": began(cell),
        "stop": milliseconds(cell.at),
        "suite": [cell.feature],
        "tags": cell.tags,
        "parameters": dict(cell.pairing),
        "flaky": cell.verdict is Verdict.FLAKY,
        **({"message": said} if said else {}),
        **({"trace": cell.report} if cell.report else {}),
        **({"filePath": file, "line": int(line)} if file and line.isdecimal() else {}),
        **({"stderr": cell.alarms} if cell.alarms else {}),
        "steps": [
            *({"name": step.step, "status": standing(step.verdict)} for step in steps if step.step),
            *({"name": step, "status": Standing.SKIPPED} for step in cell.not_run),
        ],
        "extra": {"seed": cell.seed, "repeat": cell.repeat, **({"code": cell.code} if cell.code else {})},
    }
