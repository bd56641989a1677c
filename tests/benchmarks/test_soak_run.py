"""The soak with real processes: what is right passes, and an agent with a fault is found."""

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.soak import crew
from benchmarks.soak.plan import Ending, Round, plan

ROOT = Path(__file__).resolve().parents[2]
# In a process of its own, because it becomes the parent of what its children leave.
WITH_A_FAULT = """
import sys
from benchmarks.soak import command, crew
crew.AGENT = "tests.benchmarks.zoo.soaking"
sys.exit(command.main(sys.argv[1:]))
"""


def soak(tmp_path: Path, *words: str, fault: str = "") -> tuple[int, dict[str, Any], str]:
    report = tmp_path / "report.json"
    program = ["-c", WITH_A_FAULT] if fault else ["-m", "benchmarks", "soak"]
    with subprocess.Popen(
        [sys.executable, *program, "--seed", "3", "--languages", "python", "--json", str(report), *words],
        cwd=ROOT,
        env={**os.environ, "SOAK_FAULT": fault},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            output, errors = process.communicate(timeout=120)
        finally:
            process.kill()
    assert not errors, errors
    assert not list(Path("/dev/shm").glob(f"*soak-{process.pid}-*"))
    return process.returncode, json.loads(report.read_text()), output


def test_a_short_run_passes_and_leaves_nothing(tmp_path: Path) -> None:
    code, report, text = soak(tmp_path, "--minutes", "0.05")
    assert code == 0, text
    assert "no violation" in text
    assert report["seed"] == 3
    assert report["rounds"] >= 2
    assert report["frames"] == report["pairings"]["python to python"] > 1000


def telling(round_: Round) -> bool:
    """Whether one reader reads all there is, and frames of one size alone stand before the fault."""
    first = round_.streams[0]
    return len(round_.lives) == len(first.sizes) == 1 and first.ending is Ending.CLOSE and sum(first.calls) > 50


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("lose", "a frame lost"),
        ("double", "a frame doubled"),
        ("tear", "torn"),
        ("error", "a false error"),
        ("crash", "a crash"),
        ("leave", "left behind"),
        pytest.param("hang", "a hang", marks=pytest.mark.nightly),
    ],
)
def test_a_fault_is_found_and_can_be_repeated(tmp_path: Path, fault: str, kind: str) -> None:
    number = str(next(number for number in itertools.count() if telling(plan(3, number, ["python"]))))
    code, report, text = soak(tmp_path, "--minutes", "0.001", "--round", number, "--lanes", "1", fault=fault)
    assert code == 1
    assert report["rounds"] == report["spoilt"] == 1
    assert kind in report["wrong"], report["violations"]
    again = f"python -m benchmarks soak --seed 3 --languages python --round {number}"
    assert {violation["repeat"] for violation in report["violations"]} == {again}
    assert again in text.replace("\n", " ")


def test_what_is_not_built_is_refused() -> None:
    assert "python" in crew.partners()
    result = subprocess.run(
        [sys.executable, "-m", "benchmarks", "soak", "--languages", "cobol"], cwd=ROOT, capture_output=True, check=False
    )
    assert result.returncode == 2
    assert b"not built here: cobol" in result.stderr
