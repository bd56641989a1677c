"""Runs over time: ``python -m benchmarks.history`` compares the last run with the one before it.

Ratios are compared, not rates: the C ring of the same run takes the machine and its mood out of the numbers.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks import environments
from benchmarks import results as metric
from benchmarks.plan import Case, Kind, cases
from benchmarks.results import Results
from benchmarks.targets import LIMITS, OURS

RESULTS = environments.ROOT / "results"
FILE = RESULTS / "history.jsonl"
_NOTEWORTHY = 0.15


def summary(results: Results) -> dict[str, float]:
    """What is kept of a run: ours against the C ring, and round trips in ns."""
    kept: dict[str, float] = {}
    for case in cases(quick=False):
        if case.kind in {Kind.ONE_WAY, Kind.BATCH}:
            limit = results.best(case, LIMITS)
            ratio = results.ratio(case, OURS, limit) if limit else None
            if ratio:
                kept[case.key] = ratio.median
        elif case.kind is Kind.ROUND_TRIP:
            spread = results.spread(case, OURS, metric.P50)
            if spread:
                kept[case.key] = spread.median
    return kept


def append(results: Results, file: Path = FILE) -> None:
    """Adds a run."""
    file.parent.mkdir(exist_ok=True)
    entry = {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "facts": results.facts,
        "version": results.versions.get(OURS),
        "summary": summary(results),
    }
    with file.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(entry) + "\n")


def compare(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Lines for a person: each case that both runs have."""
    higher_is_better = {case.key: case.kind is not Kind.ROUND_TRIP for case in _all_cases()}
    lines = []
    for key, value in now["summary"].items():
        old = before["summary"].get(key)
        if not old:
            continue
        change = value / old - 1.0
        better = (change > 0) == higher_is_better.get(key, True)
        mark = "" if abs(change) < _NOTEWORTHY else "  better" if better else "  WORSE"
        lines.append(f"{key:40} {old:10.3g} -> {value:10.3g}  {change:+7.1%}{mark}")
    return lines


def _all_cases() -> list[Case]:
    return list(cases(quick=False))


def entries(file: Path = FILE) -> list[dict[str, Any]]:
    """All runs, oldest first."""
    if not file.exists():
        return []
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def main() -> int:
    """Prints the comparison of the last two runs."""
    runs = entries()
    if len(runs) < 2:
        print(f"{len(runs)} run(s) so far: nothing to compare. `python -m benchmarks` adds one.")
        return 0
    print(f"{runs[-2]['at']} -> {runs[-1]['at']} (one way: share of the C ring; round trip: p50 in ns)")
    print("\n".join(compare(runs[-2], runs[-1])))
    return 0


if __name__ == "__main__":
    sys.exit(main())
