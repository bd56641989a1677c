"""What the orchestrator itself costs: ``python benchmarks/orchestration.py [--quick]``.

Workers here do nothing but answer, so that everything measured is harness: the wire, the pool, the runner. Cells run
in this process without pytest, and also through pytest, serially and with two processes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from harmony.model import StepCall, StepType, Verdict
from harmony.plan.cells import Cell
from harmony.plan.pairing import Pairing
from harmony.platform_settings import Platform
from harmony.process.child import ProcessSpec
from harmony.run.orchestrator import CellRunner
from harmony.run.pool import WorkerPool, filled_in
from harmony.run.scenario_run import RunOptions
from harmony.run.step_worker import StepWorker
from harmony.spec.gherkin import read_feature

RESULTS = Path(__file__).with_name("results") / "orchestration.json"
STEPS = 4
SCENARIO = """
  Scenario: {number} Four steps, once more as {number}
    Given the 'reader' process is there
    And the 'writer' process is there
    When the 'writer' process speaks
    Then the 'reader' process listens
"""
IDLE_WORKER = """
import json, os, sys
ANSWER = {"success": True, "error": None, "logs": []}
RESULTS = {"discover": {"steps": []}, "executeStep": ANSWER, "cleanup": None, "shutdown": None}
while True:
    length = 0
    while (line := sys.stdin.buffer.readline()) not in (b"\\r\\n", b"\\n"):
        if not line:
            sys.exit(0)
        if line.lower().startswith(b"content-length:"):
            length = int(line[15:])
    request = json.loads(sys.stdin.buffer.read(length))
    result = RESULTS.get(request["method"], True)
    body = json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": result}).encode()
    os.write(1, b"Content-Length: %d\\r\\n\\r\\n%b" % (len(body), body))
    if request["method"] == "shutdown":
        sys.exit(0)
"""


def feature_text(count: int) -> str:
    return "Feature: Idle\n" + "".join(SCENARIO.format(number=f"1.{number}") for number in range(1, count + 1))


def make_project(directory: Path, count: int) -> None:
    """Write a project of so many scenarios with an idle worker."""
    (directory / "features").mkdir()
    (directory / "features" / "1-idle.feature").write_text(feature_text(count))
    (directory / "idle.py").write_text(IDLE_WORKER)
    (directory / "harmony.toml").write_text(
        'steps = ["idle_steps"]\n[platforms.idle]\nlifetime = "session"\ncommand = ["{python}", "-S", "idle.py"]\n'
    )
    (directory / "idle_steps.py").write_text(
        "from harmony import parsers, step\n\n\nclass Idle:\n"
        "    @step(parsers.re(r\"the '[^']+' process (is there|speaks|listens)\"))\n"
        "    def nothing(self, what: str) -> None:\n        assert what\n"
    )


async def round_trips(command: list[str], directory: Path, count: int) -> float:
    """Return executeStep round trips per second with one worker."""
    worker = await StepWorker.launch(ProcessSpec("idle", command, directory))
    call = StepCall(StepType.WHEN, "the 'writer' process speaks", "writer")
    for _ in range(50):
        await worker.perform(call)
    began = time.perf_counter()
    for _ in range(count):
        outcome = await worker.perform(call)
        assert outcome.verdict is Verdict.PASSED, outcome.error
    elapsed = time.perf_counter() - began
    await worker.close()
    return count / elapsed


async def start_to_ready(command: list[str], directory: Path, repeats: int) -> float:
    """Return the median seconds from start to the answer of `health`."""
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        worker = await StepWorker.launch(ProcessSpec("x", command, directory))
        times.append(time.perf_counter() - began)
        await worker.close()
    return statistics.median(times)


def cells(directory: Path, count: int) -> dict[str, float]:
    """Run so many cells in this process: their rate, the part that is not steps, the growth of memory."""
    platform = Platform(command=("{python}", "-S", str(directory / "idle.py")), lifetime="session")
    runner = CellRunner(WorkerPool({"idle": platform}, directory, 1), RunOptions())
    scenario = read_feature(directory / "features" / "1-idle.feature").scenarios[0]
    cell = Cell(scenario, Pairing.of({"reader": "idle", "writer": "idle"}))
    try:
        runner.run(cell)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        in_steps = 0.0
        began = time.perf_counter()
        for _ in range(count):
            result = runner.run(cell)
            assert result.verdict is Verdict.PASSED, result.failure
            in_steps += sum(one.seconds for step in result.results for one in step.outcomes.values())
        elapsed = time.perf_counter() - began
    finally:
        runner.close()
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "cells": count,
        "per_second": count / elapsed,
        "ms_per_cell": elapsed / count * 1e3,
        "ms_overhead_per_cell": (elapsed - in_steps) / count * 1e3,
        "memory_growth_mb": (after - before) / 1024,
    }


def through_pytest(count: int, *options: str) -> float:
    """Return cells per second of a whole pytest run, its start included."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        make_project(directory, count)
        env = {**os.environ, "PYTHONPATH": str(directory)}
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "features"]
        began = time.perf_counter()
        done = subprocess.run(
            [*command, "--pairing", "idle", "--no-progress", *options],
            cwd=directory,
            env=env,
            capture_output=True,
            text=True,
            timeout=1800,
            check=False,
        )
        elapsed = time.perf_counter() - began
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert f"{count} passed" in done.stdout, done.stdout[-500:]
    return count / elapsed


def main() -> None:
    parser = argparse.ArgumentParser(prog="python benchmarks/orchestration.py", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="up to 1,000 cells instead of 10,000")
    parser.add_argument("--results", type=Path, default=RESULTS)
    given = parser.parse_args()
    sizes = (10, 100, 1_000) if given.quick else (10, 100, 1_000, 10_000)
    found: dict[str, object] = {"load_before": os.getloadavg()[0]}

    def note(name: str, measure: Callable[[], object]) -> None:
        found[name] = measure()
        print(f"{name}: {json.dumps(found[name])}", flush=True)

    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        make_project(directory, 1)
        idle = filled_in(("{python}", "-S", str(directory / "idle.py")), directory)
        ours = [sys.executable, "-m", "harmony", "serve"]
        note(
            "round trips per second, idle worker",
            lambda: asyncio.run(round_trips(idle, directory, 2_000 if given.quick else 10_000)),
        )
        note("seconds from start to ready, idle worker", lambda: asyncio.run(start_to_ready(idle, directory, 5)))
        note("seconds from start to ready, harmony serve", lambda: asyncio.run(start_to_ready(ours, directory, 5)))
        for size in sizes:
            note(f"cells in one process, {size}", lambda size=size: cells(directory, size))
    note("cells per second through pytest, serially", lambda: through_pytest(200 if given.quick else 1_000))
    note("cells per second through pytest, -n 2", lambda: through_pytest(200 if given.quick else 1_000, "-n", "2"))
    given.results.parent.mkdir(parents=True, exist_ok=True)
    given.results.write_text(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
