"""A suite that lives in an installed package, run by whoever has an implementation."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from choir import CHOIR
from harmony.verdict.events import CellFinished, read_file
from pytests import ALONE
from sandbox import HELPERS, Sandbox, environment_of

FLAT = CHOIR["choir_suite/reference/driver.py"].replace("word * times", "word")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where it is installed, somebody else's configuration of pytest stands above, as of a checkout with `.venv`."""
    above = Sandbox(tmp_path_factory.mktemp("environment"))
    above.write("pytest.ini", "[pytest]\naddopts = --nonsense\n")
    site = Sandbox(above.directory / "site")
    for name, text in CHOIR.items():
        site.write(name, text)
    return site.directory


@pytest.fixture
def mine(tmp_path: Path) -> Sandbox:
    box = Sandbox(tmp_path / "mine")
    box.write("flat.py", FLAT)
    box.write("build/driver", f"#!/bin/sh\nexec {sys.executable} flat.py\n").chmod(0o755)
    return box


def run(box: Sandbox, site: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return box.harmony(*words, **ALONE, PYTHONPATH=f"{HELPERS}{os.pathsep}{site}", PYTHONDONTWRITEBYTECODE="1")


def verdicts(file: Path) -> dict[str, str]:
    return {one.cell: one.verdict.value for one in read_file(file) if isinstance(one, CellFinished)}


def files(site: Path) -> set[Path]:
    return {path for path in site.rglob("*") if "__pycache__" not in path.parts}


def test_a_checkout_without_a_project_meets_the_released_one(site: Path, mine: Sandbox) -> None:
    """Nothing is written into the package; what the run leaves stands where it was called, and is told from there.

    The project that the directory lies in is another one.
    """
    (mine.directory.parent / "harmony.toml").write_text('[platforms.other]\ncommand = ["no"]\nbuild = ["false"]\n')
    before = files(site)
    done = run(mine, site, "run", "--suite", "choir-suite", "--platform", "mine=./build/driver", "--events=e.ndjson")
    assert done.returncode == 1, done.stdout + done.stderr
    assert verdicts(mine.directory / "e.ndjson") == {
        "1.1[left=mine,right=mine]": "failed",
        "1.1[left=mine,right=reference]": "passed",
        "1.1[left=reference,right=mine]": "failed",
    }
    assert "harmony: choir-suite: seed " in done.stdout
    assert files(site) == before
    assert (mine.directory / ".harmony/matrix.html").is_file()
    told = run(mine, site, "report")
    assert (told.returncode, "2 failed" in told.stdout) == (1, True), told.stderr
    (line, *_) = re.findall(r"repeat with: (.*)", done.stdout)
    assert "--suite=choir-suite" in line
    again = subprocess.run(
        f"{line} --events=again.ndjson",
        shell=True,
        cwd=mine.directory,
        env=environment_of(**ALONE, PYTHONPATH=f"{HELPERS}{os.pathsep}{site}"),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert again.returncode == 1, f"{line}\n{again.stdout}{again.stderr}"
    assert set(verdicts(mine.directory / "again.ndjson").values()) == {"failed"}


def test_the_platforms_of_the_working_directory_play(site: Path, mine: Sandbox) -> None:
    """They start, are built and keep their past where they are; what is known of them is expected there, too."""
    mine.write(
        "harmony.toml",
        """
        [platforms.flat]
        contract = "driver"
        command = ["build/made"]
        build = ["cp", "build/driver", "build/made"]
        sources = ["build/driver"]
        """,
    )
    mine.write(
        "expectations.toml",
        '[[expect]]\nscenario = "1.1"\nrole = "right"\nplatform = "flat"\nreason = "once only"\n',
    )
    done = run(mine, site, "run", "--suite", "choir_suite", "-j", "2", "--events=e.ndjson")
    assert done.returncode == 0, done.stdout + done.stderr
    found = verdicts(mine.directory / "e.ndjson")
    assert {cell for cell, verdict in found.items() if verdict == "known-failure"} == {
        "1.1[left=flat,right=flat]",
        "1.1[left=reference,right=flat]",
    }
    assert len(found) == 4
    assert (mine.directory / ".harmony/built/flat").is_file()
    plan = run(mine, site, "plan", "matrix", "--suite", "choir_suite", "--shards", "2")
    assert (plan.returncode, "1/2: 2 cells" in plan.stdout) == (0, True), plan.stderr
    part = run(mine, site, "run", "--suite", "choir_suite", "--shard", "1/2", "--plan", "plan.json")
    assert "2 cells, shard 1/2 of 4" in part.stdout, part.stderr


def test_it_is_linted_and_explained_and_the_doctor_examines_who_joins(site: Path, mine: Sandbox) -> None:
    """What is built, and what plays the doctor's scenario, is of the working directory and not of the package."""
    mine.write(
        "harmony.toml",
        """
        [platforms.flat]
        contract = "driver"
        command = ["build/made"]
        build = ["cp", "build/driver", "build/made"]
        """,
    )
    linted = run(mine, site, "lint", "--suite", "choir-suite")
    assert (linted.returncode, linted.stdout) == (0, "1 features, 1 scenarios, no problem.\n"), linted.stderr
    told = run(mine, site, "explain", "1.1", "reference_flat", "--suite", "choir-suite").stdout
    assert "right: flat, a driver, whose steps run in harmony: build/made" in told
    only = ("--only", "build", "--only", "scenario", "--format", "json")
    for given, word in (("flat", "flat"), ("new=./build/driver", f"new={mine.directory}/build/driver")):
        done = run(mine, site, "doctor", given, "--suite", "choir-suite", *only)
        found = {one["id"]: one for one in json.loads(done.stdout)["findings"]}
        assert {check: one["verdict"] for check, one in found.items()} == {
            "build.command": "ok",
            "scenario.behind-reference": "wrong",
            "scenario.before-reference": "ok",
        }, done.stdout
        repeated = found["scenario.behind-reference"]["repeat"]
        assert repeated == f"harmony doctor {word} --only scenario.behind-reference --suite choir-suite"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--suite", "chair-suite"), 7, "no package of this name is installed here\n  hint: pip install chair-suite"),
        (("--suite", "json"), 7, "has no harmony.toml, so it is no suite"),
        (("--suite", "../x"), 7, "no package of this name"),
        (("--suite", "choir_suite", "--project", "."), 4, "not both"),
        (("--suite", "choir_suite", "--platform", "mine=./nothing"), 7, "mine is not available"),
    ],
)
def test_what_is_no_suite_is_said(site: Path, mine: Sandbox, words: tuple[str, ...], code: int, said: str) -> None:
    done = run(mine, site, "run", *words)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
