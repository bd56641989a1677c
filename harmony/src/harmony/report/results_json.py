"""What a run says of implementations and clauses, for programs. Pure."""

from __future__ import annotations

import json
from typing import Any

from harmony.report.results import Finding, Results
from harmony.verdict.traceability import rows_for_programs


def as_json(results: Results) -> str:
    """Return all of it."""
    outcome = results.outcome
    told = {
        "dates": results.dates,
        "seeds": results.seeds,
        "exit_code": int(outcome.code),
        "problems": [*outcome.problems, *outcome.lacking],
        "platforms": [
            {"name": one.platform, "version": one.version, "drivers": one.drivers, "family": one.family}
            for one in outcome.implementations
        ],
        "unavailable": dict(results.unavailable),
        "parts": [{"platform": name, "role": role, **seen.counts} for (name, role), seen in results.parts.items()],
        "findings": [_finding_for_programs(one) for one in results.findings],
        "document": results.clauses.document,
        "clauses": rows_for_programs(results.clauses),
        "weak_cells": results.weak_cells,
        "cells": [
            one.model_dump(include={"cell", "number", "title", "feature", "pairing", "verdict", "level", "clauses"})
            for one in outcome.results
        ],
    }
    return json.dumps(told, indent=1, ensure_ascii=False) + "\n"


def _finding_for_programs(one: Finding) -> dict[str, Any]:
    groups = [
        [{"role": role, "platform": platform} for role, platform in who]
        for who in (one.attribution.who, *one.attribution.instead)
    ]
    return {
        "scenario": one.scenario,
        "level": one.level,
        "clauses": one.clauses,
        "red": one.red,
        "who": groups[0],
        "instead": groups[1:],
        "partners": dict(one.attribution.partners),
        "cells": [cell.cell for cell in one.attribution.cells],
        "of": one.attribution.of,
        "weak": one.weak,
        "said": [{"cells": count, "text": text} for count, text in one.said],
        "trace": one.trace,
        "repeat": one.repeat,
    }
