"""A run as JSON, for whoever compares runs. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from harmony.perf.figures import Figure, ResultTable, State
from harmony.perf.machine import Machine
from harmony.perf.run import PerfOutcome

VERSION: Final = 1


def document(
    outcome: PerfOutcome,
    machine: Machine,
    *,
    seed: int,
    rounds: int,
    effort: float,
    missing: Mapping[str, str],
    notes: Sequence[str] = (),
) -> str:
    """Return the text of the JSON file.

    Args:
        outcome: What came of the run.
        machine: Where it was.
        seed: Of the order.
        rounds: How many.
        effort: How much was transferred, 1 being all.
        missing: Platforms that did not take part, and why.
        notes: What makes the numbers doubtful.
    """
    content = {
        "version": VERSION,
        "seed": seed,
        "rounds": rounds,
        "effort": effort,
        "seconds": round(outcome.seconds, 3),
        "machine": {
            "cpu": machine.cpu,
            "cores": machine.cores,
            "kernel": machine.kernel,
            "load_before": round(machine.load, 2),
            "pinned": list(machine.pinned) if machine.pinned else None,
        },
        "implementations": dict(outcome.identities),
        "not_available": dict(missing),
        "notes": list(notes),
        "problems": list(outcome.problems),
        "measures": [_table(one) for one in outcome.tables],
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _table(table: ResultTable) -> dict[str, Any]:
    also = table.case.also
    return {
        "name": table.case.name,
        "title": table.case.title,
        "unit": table.case.unit,
        "better": table.case.better.value,
        "also": {"unit": also.unit, "factor": also.factor} if also else None,
        "cells": [_figure(table, one) for one in table.figures.values()],
    }


def _figure(table: ResultTable, figure: Figure) -> dict[str, Any]:
    common = {
        "pairing": "_".join(figure.pairing),
        "platforms": dict(zip(table.roles, figure.pairing, strict=True)),
        "state": figure.state.value,
        "samples": list(figure.samples),
    }
    if figure.state is not State.MEASURED:
        return {**common, "reason": figure.reason}
    values = {"median": figure.median, "min": figure.least, "max": figure.most}
    return {**common, **values, "relative": figure.relative, "slowest": figure.low, "fastest": figure.high}
