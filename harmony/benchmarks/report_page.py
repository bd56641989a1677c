"""The page of a large run: how long it takes to write, how large it is, and what a browser makes of it.

    python benchmarks/report_page.py               10,000 cells of two roles and of three; one cause in 110 cells;
                                                   each after 30 runs
    python benchmarks/report_page.py --keep DIR    the pages stay there, to be looked at

It needs the helpers of the tests, and for the browser Playwright and a Chromium. Its exit code is 1 if a page has more
than three megabytes, if it is not painted within a second, or if a filter takes more than a tenth of one.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "helpers"))

from synthetic_runs import PLATFORMS, a_run, page_of

RUNS = {
    "two roles, 10,000 cells": lambda: a_run(
        100, PLATFORMS, ("guest", "host"), lambda _, chance: chance.random() < 0.1
    ),
    "one cause, 110 of 550 cells": lambda: a_run(
        22, PLATFORMS[:5], ("guest", "host"), lambda one, _: one["host"] == "go"
    ),
    "three roles, 10,000 cells": lambda: a_run(
        80, PLATFORMS[:5], ("cook", "guest", "host"), lambda one, _: one["cook"] == "go"
    ),
}
FILTERS = {
    "words": "#q=orders%205%20cups",
    "verdict": "#verdict=failed&view=cells",
    "platform and role": "#who=host:go",
    "tag": "#tag=hot",
    "group": "#group=1",
}
VIEWS = ("cells", "seats", "steps", "clauses", "slowest", "timeline")
LARGEST, PAINT, FILTER = 3_000_000, 1000.0, 100.0
# Until what was asked for is laid out; when a screen shows it, is its affair.
MEASURE = """asked => { const begin = performance.now(); history.replaceState(null, "", asked); show();
    document.body.offsetHeight; return performance.now() - begin; }"""
PAINTED = """() => new Promise(done => new PerformanceObserver(list => {
    for (const entry of list.getEntries()) if (entry.name === "first-contentful-paint") done(entry.startTime);
}).observe({ type: "paint", buffered: true }))"""


def in_browser(page: Path) -> dict[str, float]:
    """Return what a browser takes, in milliseconds, each the median of five."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - not all have it

    found: dict[str, list[float]] = {}
    with sync_playwright() as play, play.chromium.launch(executable_path=shutil.which("chromium")) as browser:
        for _ in range(5):
            tab = browser.new_page()
            tab.goto(page.as_uri())
            tab.wait_for_selector("html[data-ready]", state="attached")
            found.setdefault("first paint", []).append(tab.evaluate(PAINTED))
            found.setdefault("ready", []).append(tab.evaluate("performance.now()"))
            asked = {f"filter {name}": what for name, what in FILTERS.items()}
            for name, what in (asked | {f"view {name}": f"#view={name}" for name in VIEWS}).items():
                found.setdefault(name, []).append(tab.evaluate(MEASURE, what))
            tab.close()
    return {name: statistics.median(values) for name, values in found.items()}


def too_much(size: int, shown: dict[str, float]) -> list[str]:
    """Return what is beyond its bound."""
    limits = {"first paint": PAINT, **{f"filter {name}": FILTER for name in FILTERS}}
    slow = [f"{name} takes {shown[name]:.0f} ms" for name, most in limits.items() if shown.get(name, 0) > most]
    return [f"{size:,} bytes"] * (size > LARGEST) + slow


def main() -> None:
    parser = argparse.ArgumentParser(prog="python benchmarks/report_page.py", description=__doc__)
    parser.add_argument("--keep", type=Path, help="where the pages shall stay")
    given = parser.parse_args()
    print(f"load before: {os.getloadavg()[0]:.2f}")
    bad = []
    with tempfile.TemporaryDirectory() as scratch:
        place = given.keep or Path(scratch)
        place.mkdir(parents=True, exist_ok=True)
        for name, make in RUNS.items():
            events = make()
            began = time.process_time()
            text = page_of(events, before=30)
            took = time.process_time() - began
            page = place / f"{name.replace(',', '').replace(' ', '-')}.html"
            page.write_text(text, encoding="utf-8")
            size = page.stat().st_size
            print(f"{name}: {size:,} bytes, written in {took:.1f} s of processor time", flush=True)
            try:
                shown = in_browser(page)
            except ImportError:
                shown = {}
                print("  not looked at in a browser: pip install playwright")
            print("".join(f"  {key:26}{value:8.1f} ms\n" for key, value in shown.items()), end="", flush=True)
            bad += [f"{name}: {one}" for one in too_much(size, shown)]
    sys.exit("\n".join(bad) or 0)


if __name__ == "__main__":
    main()
