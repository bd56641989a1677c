"""``harmony mutate`` from a fault to what came of it, over a driver of plain Python."""

from __future__ import annotations

import difflib
import hashlib
import json
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psutil
import pytest

from adder import SETTINGS, write_adder
from pytests import ALONE
from sandbox import Sandbox, environment_of

ADD: Final = "    return one + other\n"
HANG: Final = "    import threading\n\n    threading.Event().wait()\n"
FLAKY: Final = (
    '    import pathlib\n\n    once = pathlib.Path("once")\n    if not once.exists():\n        once.touch()\n'
    "        return other\n    if one > other:\n"
)
FAULTS: Final = {
    "a-same": ("tin/adder.py", "one > other", "one >= other", "1.2"),
    "b-hang": ("tin/adder.py", ADD, HANG, "1.1"),
    "c-wrong": ("tin/adder.py", ADD, "    return one - other\n", "1.1"),
    "d-no-python": ("tin/adder.py", "    return other\n", "    return other +\n", ""),
    "e-harness-dies": ("steps.py", "from contract import Adder\n", "import os\n\nos._exit(1)\n", ""),
    "f-flaky": ("tin/adder.py", "    if one > other:\n", FLAKY, "1.2"),
    "g-comment": ("tin/adder.py", ADD, f"    # as ever\n{ADD}", ""),
}
"""The patches: a file, what stands there, what stands there then, and the scenario that should find it."""
MADE: Final = """
    mutation = { leave_out = ["tin/driver.py"], makes = ["made"] }
    build = ["sh", "-c", "{python} -m py_compile tin/adder.py && grep -v '^ *#' tin/adder.py > made"]
"""
PATIENCE: Final = 120.0
WHOLE_LIMIT: Final = 600.0


@dataclass(frozen=True)
class Campaign:
    """What two calls have left: the first was ended while a fault hung, the second went on."""

    adder: Sandbox
    first: list[str]
    first_code: int
    second: subprocess.CompletedProcess[str]
    before: dict[str, str]
    left: list[psutil.Process]

    @property
    def report(self) -> dict[str, Any]:
        text = (self.adder.directory / ".harmony/mutants/tin/patches/report.json").read_text("utf-8")
        found: dict[str, Any] = json.loads(text)
        return found

    def judged(self, name: str) -> dict[str, Any]:
        return next(one for one in self.report["judgements"] if one["fault"]["name"] == name)


def write_project(box: Sandbox) -> None:
    write_adder(box)
    settings = "".join(
        line for line in SETTINGS.splitlines(keepends=True) if not line.strip().startswith(("build", "mutation"))
    )
    box.write("harmony.toml", f"{settings}{MADE}[timeouts]\nstep = {WHOLE_LIMIT}\n")
    for name, (file, before, after, finder) in FAULTS.items():
        old = (box.directory / file).read_text("utf-8")
        assert old.count(before) == 1, name
        sides = [text.splitlines(keepends=True) for text in (old, old.replace(before, after))]
        diff = "".join(difflib.unified_diff(*sides, f"a/{file}", f"b/{file}"))
        (box.directory / "patches").mkdir(exist_ok=True)
        (box.directory / f"patches/{name}.patch").write_text(f"Scenario: {finder}\n{diff}" if finder else diff)


def state(directory: Path) -> dict[str, str]:
    """Return what stands in a project, and when each file was written."""
    files = (path for path in directory.rglob("*") if path.is_file() and ".harmony" not in path.parts)
    return {str(path): f"{hashlib.sha256(path.read_bytes()).hexdigest()} {path.stat().st_mtime_ns}" for path in files}


def words(*more: str) -> list[str]:
    return ["mutate", "tin", "--patches=patches", "--workshop=copies", *more]


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    box = Sandbox(tmp_path_factory.mktemp("mutate"))
    write_project(box)
    before = state(box.directory)
    (box.directory / "copies").mkdir()
    first = subprocess.Popen(
        [sys.executable, "-m", "harmony", *words("-j", "1")],
        cwd=box.directory,
        env=environment_of(**ALONE),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with first:
        assert first.stdout is not None
        said: list[str] = []
        try:
            for line in first.stdout:
                said.append(line.rstrip("\n"))
                if " 1/7 " in line:
                    below = psutil.Process(first.pid).children(recursive=True)
                    first.send_signal(signal.SIGINT)
            code = first.wait(PATIENCE)
        finally:
            first.kill()
    _, left = psutil.wait_procs(below, timeout=PATIENCE)
    second = subprocess.run(
        [sys.executable, "-m", "harmony", *words("-j", "2")],
        cwd=box.directory,
        env=environment_of(**ALONE),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return Campaign(box, said, code, second, before, left)


def test_a_fault_is_killed_by_the_scenario_that_meets_it(campaign: Campaign) -> None:
    found = campaign.judged("c-wrong")
    assert (found["outcome"], found["cell"], found["by_timeout"]) == ("killed", "1.1[adder=tin]", False)
    assert "c-wrong: killed by 1.1, as told" in campaign.second.stdout


def test_a_fault_that_only_a_deadline_finds_is_told_apart(campaign: Campaign) -> None:
    """It took what is likely of its scenario, not the whole time of a step."""
    found = campaign.judged("b-hang")
    assert (found["outcome"], found["by_timeout"]) == ("killed", True)
    within = re.search(r"no end within ([\d.]+) s", found["why"])
    assert within
    assert float(within[1]) < WHOLE_LIMIT
    assert campaign.report["by_timeout"] == 1


def test_what_no_scenario_meets_survives_and_who_should_have_found_it_is_told(campaign: Campaign) -> None:
    assert campaign.judged("a-same")["outcome"] == "survived"
    assert "a-same: survived, 1.2 should find it" in campaign.second.stdout


def test_what_does_not_build_is_in_no_score(campaign: Campaign) -> None:
    found = campaign.judged("d-no-python")
    assert (found["outcome"], "SyntaxError" in found["why"]) == ("unbuildable", True)
    assert campaign.report["score"] == 2 / 3


def test_what_builds_to_the_same_is_equivalent_and_meets_no_scenario(campaign: Campaign) -> None:
    found = campaign.judged("g-comment")
    assert (found["outcome"], found["why"]) == ("equivalent", "a build makes the same of it, byte for byte")


def test_a_crash_of_the_harness_is_no_kill(campaign: Campaign) -> None:
    found = campaign.judged("e-harness-dies")
    assert (found["outcome"], found["cell"]) == ("undecided", "")
    assert "the harness ended with 1" in found["why"]


def test_a_cell_that_is_green_when_repeated_is_no_kill(campaign: Campaign) -> None:
    """Of a cell that has found nothing yet: one that has found two faults is believed."""
    found = campaign.judged("f-flaky")
    assert (found["outcome"], found["flaky"]) == ("undecided", ["1.2[adder=tin]"])
    assert "red once" in campaign.second.stdout


def test_an_interrupted_campaign_goes_on_where_it_was(campaign: Campaign) -> None:
    """Neither the run without a fault is repeated, nor what is judged."""
    assert campaign.first_code == 2, campaign.first
    assert campaign.second.returncode == 0, campaign.second.stdout + campaign.second.stderr
    assert [line for line in campaign.first if "cells pass in" in line] != []
    assert "cells pass in" not in campaign.second.stdout
    assert "1 of 7 faults are judged already" in campaign.second.stdout
    assert [line for line in campaign.second.stdout.splitlines() if " a-same " in line and "/7" in line] == []


def test_nothing_is_left_behind_and_the_project_is_as_it_was(campaign: Campaign) -> None:
    root = campaign.adder.directory
    assert campaign.left == []
    assert [*(root / "copies").iterdir()] == []
    assert state(root) == campaign.before
    place = str(root)
    assert [one.info for one in psutil.process_iter(["cmdline"]) if place in " ".join(one.info["cmdline"] or ())] == []
