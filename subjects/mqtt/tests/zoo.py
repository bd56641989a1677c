"""Features in which one role deviates: a scenario for each deviation, made of the one that should find it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from harmony import load_project

ROOT: Final = Path(__file__).parent.parent
NUMBER: Final = 99
"""Of the feature, which no other one has."""


@dataclass(frozen=True)
class Deviant:
    """A deviation and who finds it.

    Attributes:
        name: Of the deviation.
        role: Which role deviates.
        found_by: The scenario that must fail.
    """

    name: str
    role: str
    found_by: str

    @property
    def title(self) -> str:
        """What its scenario is called."""
        return f"{self.name}, found by {self.found_by}"


def expected() -> list[dict[str, Any]]:
    """Return what is known to deviate."""
    found: list[dict[str, Any]] = tomllib.loads((ROOT / "expectations.toml").read_text("utf-8"))["expect"]
    return found


def feature(deviants: Iterable[Deviant]) -> str:
    """Return one feature with a scenario for each deviation."""
    found, _ = load_project(ROOT).features()
    scenarios = {scenario.number: scenario for each in found for scenario in each.scenarios}
    lines = ["Feature: What deviates"]
    for number, deviant in enumerate(deviants, 1):
        scenario = scenarios[deviant.found_by]
        tags = " ".join(f"@{tag}" for tag in scenario.tags if not re.match("must:|should:|arguable", tag))
        lines += ["", f"  {tags}".rstrip(), f"  Scenario: {NUMBER}.{number} {deviant.title}"]
        due = True
        for step in scenario.steps:
            names_it = re.match(rf"(?:the|a) '{deviant.role}'", step.text)
            if due and names_it:
                lines.append(f"    Given the '{deviant.role}' process deviates: {deviant.name}")
                due = False
            lines.append(f"    {step}")
            if names_it and re.search(r"is killed|is shut down", step.text):
                due = True
            if step.table is not None:
                lines += [f"      | {' | '.join(row)} |" for row in (step.table.headers, *step.table.rows)]
    return "\n".join(lines) + "\n"


def played(deviants: Sequence[Deviant], place: Path) -> dict[str, dict[str, Any]]:
    """Return what came of each deviation: its event of a cell that has ended."""
    # The others stand beside it, as a sentence that no scenario uses is an error.
    shutil.copytree(ROOT / "features", place / "features")
    (place / "features" / f"{NUMBER}-deviations.feature").write_text(feature(deviants), "utf-8")
    steps = json.dumps([*tomllib.loads((ROOT / "harmony.toml").read_text("utf-8"))["steps"], "tests.deviating"])
    events = place / "events.ndjson"
    command = [
        sys.executable,
        "-m",
        "harmony",
        "run",
        "wire",
        str(NUMBER),
        "--with-tag",
        "slow",
        "--project",
        str(ROOT),
        "--events",
        str(events),
    ]
    command += ["--set", f"features={json.dumps(str(place / 'features'))}", "--set", f"steps={steps}"]
    command += ["--set", "fuse=0", "--report", str(place / "report.html")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=1200)
    told = [json.loads(line) for line in events.read_text("utf-8").splitlines()]
    cells = {one["title"]: one for one in told if one["event"] == "cell-finished"}
    assert cells, done.stdout[-4000:] + done.stderr[-4000:]
    return cells
