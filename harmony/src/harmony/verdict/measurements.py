"""The numbers that runs have left: coverage from the file of a tool, faults found, the pass rate of the last run."""

from __future__ import annotations

import json
import math
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harmony.state import read_whole
from harmony.verdict.events import Event, read_file
from harmony.verdict.gates import Known
from harmony.verdict.tally import left_out, pass_rate, whole_plan


def coverage(file: Path | None, name: str) -> Known:
    """Return the part of the lines that tests reach.

    Args:
        file: In the form of coverage.py (``coverage json``), or Cobertura's XML, which tools of all languages write.
        name: What messages call it.
    """
    if file is None:
        return Known(None, "gates.coverage_file is not said")
    try:
        found = _covered(read_whole(file))
    except OSError as error:
        return Known(None, f"{name}: {error.strerror or error}")
    except (ValueError, TypeError, KeyError, ET.ParseError):
        found = math.nan
    if not 0 <= found <= 1:
        return Known(None, f"{name}: neither JSON of coverage.py nor Cobertura's XML with a total")
    return Known(found, name)


def mutation(reports: Mapping[str, Path]) -> Known:
    """Return the least part of the faults that scenarios find, of the platforms that `harmony mutate` has judged.

    Args:
        reports: What it has written of each platform (`report.json`).
    """
    if not reports:
        return Known(None, "`harmony mutate PLATFORM` has judged no fault; mutation = 0 does not ask for it")
    scores: dict[str, float] = {}
    said: list[str] = []
    for platform, file in sorted(reports.items()):
        try:
            told: Any = json.loads(read_whole(file))
            judged, asked = sum(told["counts"].values()), int(told["asked"])
            scores[platform] = float(told["score"])
            said.append(f"{platform} {scores[platform]:.4f}, {judged} of {told['found']} faults")
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return Known(None, f"{platform}: no score of `harmony mutate`: {file.name}")
        if judged < asked:
            return Known(None, f"{platform}: {judged} of {asked} faults are judged")
    return Known(min(scores.values()), "; ".join(said))


def cells(files: Sequence[tuple[str, Path]]) -> Known:
    """Return the part of the cells that passed, of a whole run.

    Args:
        files: Of the run or of all shards of it, each with what messages call it.
    """
    runs: dict[str, list[Event]] = {}
    for name, file in files:
        if not file.exists():
            return Known(None, f"there is no {name}: nothing has run")
        runs[name] = read_file(file)
    results, lacking = whole_plan(runs)
    if reasons := [*lacking, *(reason for _, reason in left_out(runs))]:
        return Known(None, f"no whole run: {'; '.join(reasons)}")
    return Known(pass_rate(results), f"{len(results)} cells, {', '.join(runs)}")


def _covered(text: str) -> float:
    if text.lstrip().startswith("<"):
        return float(ET.fromstring(text).attrib["line-rate"])  # noqa: S314 - the project's own file
    told: Any = json.loads(text)
    return float(told["totals"]["percent_covered"]) / 100
