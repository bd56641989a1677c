"""The kit for those who take the harness into their CI: its files fit their schemas, its shell does what they say."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from choir import CHOIR
from page_blocks import texts_of
from pytests import ALONE
from sandbox import HELPERS, Sandbox, environment_of

ROOT: Final = Path(__file__).parents[2]
ACTION: Final = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
GITLAB: Final = yaml.safe_load((ROOT / "ci/gitlab.yml").read_text("utf-8"))
BIN: Final = Path(sys.executable).parent
ARGUMENTS: Final = "--suite choir_suite --platform 'mine=./build/driver' -j 1"
FLAT: Final = CHOIR["choir_suite/reference/driver.py"].replace("word * times", "word")
RED: Final = 1


@pytest.fixture
def checkout(tmp_path: Path) -> Sandbox:
    """A repository with an implementation that sings wrong, and the suite beside it."""
    return repository(tmp_path)


def repository(place: Path) -> Sandbox:
    box = Sandbox(place / "repository")
    for name, text in CHOIR.items():
        box.write(name, text)
    box.write("flat.py", FLAT)
    box.write("right.py", CHOIR["choir_suite/reference/driver.py"])
    box.write("build/driver", f"#!/bin/sh\nexec {sys.executable} flat.py\n").chmod(0o755)
    return box


def bash(script: str, directory: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    path = f"{environment.pop('first', '')}{BIN}{os.pathsep}{os.environ['PATH']}"
    variables = environment_of(PATH=path, PYTHONPATH=f"{HELPERS}{os.pathsep}{directory}", **ALONE, **environment)
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", script],
        cwd=directory,
        env=variables,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


@dataclass
class Job:
    """Runs the steps of the action that are shell, as a runner does; those of others are left out."""

    box: Sandbox
    inputs: Mapping[str, str] = field(default_factory=dict)
    event: str = "push"
    first: str = ""
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    log: str = ""
    failed: bool = False

    def run(self, *left_out: str) -> Job:
        for step in ACTION["runs"]["steps"]:
            name = step.get("id", "")
            if "run" not in step or name in left_out or not self._wanted(step.get("if", "success()")):
                continue
            output, summary = self.temporary / f"{name}.out", self.temporary / "job-summary.md"
            output.write_text("")
            done = bash(
                step["run"],
                self.box.directory,
                first=self.first,
                GITHUB_OUTPUT=str(output),
                GITHUB_STEP_SUMMARY=str(summary),
                GITHUB_WORKSPACE=str(self.box.directory),
                GITHUB_ACTION_PATH=str(ROOT),
                GITHUB_REPOSITORY="choir/mine",
                **{key: self._filled(str(value)) for key, value in step.get("env", {}).items()},
            )
            self.outputs[name] = dict(line.split("=", 1) for line in output.read_text().splitlines())
            self.log += done.stdout + done.stderr
            self.failed |= done.returncode != 0
        return self

    @property
    def temporary(self) -> Path:
        directory = self.box.directory.parent / "runner"
        directory.mkdir(exist_ok=True)
        return directory

    @property
    def events(self) -> str:
        return str(self.temporary / "harmony/events.ndjson")

    @property
    def summary(self) -> str:
        return (self.temporary / "job-summary.md").read_text("utf-8")

    def _wanted(self, condition: str) -> bool:
        text = re.sub(r"^\$\{\{(.*)\}\}$", r"\1", condition.strip())
        if not re.search(r"\b(always|cancelled|failure|success)\(\)", text):
            text = f"success() && ({text})"
        return self._value(text) is True

    def _filled(self, text: str) -> str:
        return re.sub(r"\$\{\{(.*?)\}\}", lambda found: str(self._value(found[1])), text)

    def _value(self, expression: str) -> Any:
        for ours, theirs in (("&&", " and "), ("||", " or ")):
            expression = expression.replace(ours, theirs)
        expression = re.sub(r"!(?!=)", " not ", expression).strip()
        expression = re.sub(r"\b(?:inputs|steps|github|runner)\.[\w.-]+", lambda name: f"look({name[0]!r})", expression)
        functions = {"look": self._look, "success": lambda: not self.failed, "cancelled": lambda: False}
        return eval(expression, functions)

    def _look(self, name: str) -> str:
        match name.split("."):
            case ["inputs", key]:
                default = str(ACTION["inputs"][key]["default"])
                return self.inputs.get(key, "" if default.startswith("$") else default)
            case ["steps", step, "outputs", key]:
                return self.outputs.get(step, {}).get(key, "")
            case ["runner", "temp"]:
                return str(self.temporary)
            case ["github", "event_name"]:
                return self.event
            case ["github", "event", "pull_request", "number"]:
                return "17"
            case other:
                raise AssertionError(f"the test does not know {other}")


@pytest.fixture(scope="module")
def red(tmp_path_factory: pytest.TempPathFactory) -> Job:
    """A job whose run was red, for all that look at what it has left."""
    return Job(repository(tmp_path_factory.mktemp("red")), {"arguments": ARGUMENTS}).run("install")


@pytest.mark.parametrize(
    ("schema", "file"),
    [
        ("github-actions", "action.yml"),
        ("gitlab-ci", "ci/gitlab.yml"),
        *(("github-workflows", str(one.relative_to(ROOT))) for one in ROOT.glob(".github/workflows/*.yml")),
    ],
)
def test_a_file_fits_its_schema(schema: str, file: str) -> None:
    words = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", str(ROOT / file)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout


def test_the_hook_is_one_that_pre_commit_takes(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "pre_commit", "validate-manifest", str(ROOT / ".pre-commit-hooks.yaml")]
    environment = {**os.environ, "PRE_COMMIT_HOME": str(tmp_path)}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_input_becomes_part_of_a_script() -> None:
    """What a pull request is called would be a command otherwise: inputs reach a script as variables alone."""
    scripts = [step["run"] for step in ACTION["runs"]["steps"] if "run" in step]
    assert [script for script in scripts if "${{" in script] == []
    used = set(re.findall(r"inputs\.([\w-]+)", (ROOT / "action.yml").read_text("utf-8")))
    assert used == set(ACTION["inputs"])


def test_the_action_runs_reports_and_ends_as_the_run(red: Job) -> None:
    assert red.outputs["end"]["code"] == str(RED)
    assert red.failed
    assert "### ✗ harmony: failed (exit code 1)" in red.summary
    assert "| left \\\\ right | mine | reference |" in red.summary
    assert "::error file=choir_suite/features/01-choir.feature,line=4,title=failed" in red.log
    made = {one.name for one in (red.temporary / "harmony").iterdir()}
    assert made == {"events.ndjson", "matrix.html", "summary.md"}


def test_what_is_built_before_plays(checkout: Sandbox) -> None:
    fix = "sed s/flat/right/ build/driver >driver && mv driver build/driver && chmod +x build/driver"
    job = Job(checkout, {"arguments": ARGUMENTS, "build": fix}).run("install")
    assert (job.failed, job.outputs["end"]) == (False, {"code": "0"}), job.log
    assert "### ■ harmony: passed" in job.summary
    broken = Job(checkout, {"arguments": ARGUMENTS, "build": "false | true"}).run("install")
    assert (broken.failed, "run" in broken.outputs, broken.outputs["end"]["code"]) == (True, False, "1")


def test_a_rate_forgives(checkout: Sandbox) -> None:
    job = Job(checkout, {"arguments": ARGUMENTS, "min-pass-rate": "0.3"}).run("install")
    assert not job.failed, job.log
    assert "red cells forgiven" in job.summary
    assert "::warning file=" in job.log


def test_a_comparison_forgives_what_was_red_before_and_nothing_else(checkout: Sandbox, red: Job) -> None:
    inputs = {"events": red.events, "compare": "before.ndjson", "gate": "comparison"}
    first = Job(checkout, inputs).run("install")
    assert (first.failed, "there is nothing to compare with" in first.log) == (True, True), first.log
    lines = Path(red.events).read_text("utf-8").splitlines(keepends=True)
    (checkout.directory / "before.ndjson").write_text("".join(lines), encoding="utf-8")
    same = Job(checkout, inputs).run("install")
    assert not same.failed, same.log
    assert "### ■ harmony: no cell differs" in same.summary
    passed = [
        re.sub(r'"verdict":"failed"', '"verdict":"passed"', line) if "cell-finished" in line else line for line in lines
    ]
    (checkout.directory / "before.ndjson").write_text("".join(passed), encoding="utf-8")
    worse = Job(checkout, inputs).run("install")
    assert worse.outputs["end"] == {"code": "22"}, worse.log
    assert "### ✗ harmony: 2 newly red" in worse.summary
    as_the_run = Job(checkout, {**inputs, "gate": "run"}).run("install")
    assert as_the_run.outputs["end"] == {"code": "1"}
    off = Job(checkout, {**inputs, "events": str(checkout.write("x.ndjson", "".join(lines[:-1])))}).run("install")
    assert off.failed, "nobody knows how a run that was broken off would have ended"


def test_a_run_that_cannot_begin_is_said(checkout: Sandbox) -> None:
    job = Job(checkout, {"arguments": "--suite nothing-of-ours"}).run("install")
    assert job.outputs["end"] == {"code": "7"}
    assert "harmony ended with 7 before anything ran" in job.summary


def test_shards_are_told_together(checkout: Sandbox) -> None:
    """A shard says nothing of the whole; the job of all says it once, and a missing one is red."""
    for number in (1, 2):
        job = Job(checkout, {"arguments": ARGUMENTS, "shard": f"{number}/2"}).run("install")
        assert job.outputs["run"]["suffix"] == f"-{number}-of-2"
        assert "report" not in job.outputs
        (job.temporary / "harmony/events.ndjson").rename(checkout.directory / f"part-{number}.ndjson")
        shutil.rmtree(checkout.directory / ".harmony")  # each machine has its own
    whole = Job(checkout, {"events": "part-*.ndjson", "min-pass-rate": "0.3"}).run("install")
    assert (whole.failed, "run" in whole.outputs) == (False, False), whole.log
    assert "3 cells: 1 passed, 2 failed" in whole.summary
    (whole.temporary / "job-summary.md").unlink()
    half = Job(checkout, {"events": "part-1.ndjson"}).run("install")
    assert half.outputs["end"]["code"] == "1"
    assert "there is no file of shard 2/2" in half.summary
    assert Job(checkout, {"events": "nothing-*"}).run("install").failed


@pytest.mark.parametrize("known", ["", "41"])
def test_a_comment_replaces_that_of_the_last_run(checkout: Sandbox, red: Job, known: str) -> None:
    programs = checkout.directory.parent / "bin"
    told = checkout.directory.parent / "told"
    gh = f'#!/bin/sh\nprintf "%s\\n" "$*" >>{told}\ncase "$*" in *--jq*) printf "%s\\n" {known} ;; esac\n'
    programs.mkdir()
    (programs / "gh").write_text(gh)
    (programs / "gh").chmod(0o755)
    inputs = {"events": red.events, "comment": "true", "token": "t"}
    job = Job(checkout, inputs, event="pull_request", first=f"{programs}{os.pathsep}").run("install")
    assert "comment" in job.outputs, job.log
    asked, made = told.read_text().splitlines()
    assert asked.startswith("api --paginate repos/choir/mine/issues/17/comments --jq ")
    where = "PATCH repos/choir/mine/issues/comments/41" if known else "POST repos/choir/mine/issues/17/comments"
    assert made == f"api --silent --method {where} -F body=@{job.temporary}/harmony/summary.md"
    if not known:
        assert "comment" not in Job(checkout, inputs).run("install").outputs


def test_what_is_installed_is_the_harness_of_the_action_and_what_is_named(checkout: Sandbox) -> None:
    programs, told = checkout.directory.parent / "bin", checkout.directory.parent / "told"
    programs.mkdir()
    (programs / "python").write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >{told}\n')
    (programs / "python").chmod(0o755)
    inputs = {"install": "-r req.txt 'kv-suite>=1,<2'", "events": "x"}
    Job(checkout, inputs, first=f"{programs}{os.pathsep}").run("run", "report", "end")
    words = told.read_text().splitlines()
    assert words[-4:] == [f"{ROOT}/harmony[parallel]", "-r", "req.txt", "kv-suite>=1,<2"]
    assert (ROOT / "harmony/pyproject.toml").is_file()


def test_gitlab_runs_shards_and_tells_them_together(checkout: Sandbox) -> None:
    variables = {**GITLAB[".harmony-base"]["variables"], "HARMONY_ARGUMENTS": ARGUMENTS.replace("'", "")}
    (shard,), (whole,) = GITLAB[".harmony"]["script"], GITLAB[".harmony-report"]["script"]
    for index in ("1", "2"):
        done = bash(shard, checkout.directory, **variables, CI_NODE_INDEX=index, CI_NODE_TOTAL="2")
        assert f"shard {index}/2 of 3" in done.stdout, done.stdout + done.stderr
        assert done.returncode == ("✗" in done.stdout)
        assert (checkout.directory / f"harmony-report/junit-{index}.xml").is_file()
        shutil.rmtree(checkout.directory / ".harmony")  # each machine has its own
    done = bash(whole, checkout.directory, **variables)
    assert (done.returncode, "3 cells: 1 passed, 2 failed" in done.stdout) == (RED, True), done.stdout + done.stderr
    assert (checkout.directory / "harmony-report/summary.md").is_file()
    shutil.copytree(checkout.directory / "harmony-report", checkout.directory / "before")
    more = {"HARMONY_MIN_PASS_RATE": "0.3", "HARMONY_COMPARE": "before"}
    forgiven = bash(whole, checkout.directory, **{**variables, **more})
    assert forgiven.returncode == 0, forgiven.stdout + forgiven.stderr
    assert "no cell differs" in (checkout.directory / "harmony-report/compare.md").read_text("utf-8")
    alone = bash(shard, checkout.directory, **{**variables, "HARMONY_MIN_PASS_RATE": "0.3"})
    assert (alone.returncode, "2 red forgiven" in alone.stdout) == (0, True), alone.stdout + alone.stderr


def test_the_blocks_of_the_page_fit_the_kit(tmp_path: Path) -> None:
    """What a reader copies is a workflow, names inputs that the action has and hooks that there are."""
    blocks = texts_of((ROOT / "docs/ci.md").read_text("utf-8"), "yaml")
    workflows = [yaml.safe_load(block) for block in blocks if block.startswith("jobs:")]
    steps = [step for workflow in workflows for job in workflow["jobs"].values() for step in job["steps"]]
    given = [step["with"].keys() for step in steps if step["uses"].startswith("OWNER/")]
    assert len(given) == 3
    assert set().union(*given) <= set(ACTION["inputs"])
    files = [tmp_path / f"{number}.yml" for number in range(len(workflows))]
    for file, workflow in zip(files, workflows, strict=True):
        file.write_text(yaml.safe_dump({"name": "page", "on": "push", **workflow}))
    words = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", *map(str, files)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout
    (hooks,) = [yaml.safe_load(block) for block in blocks if block.startswith("repos:")]
    known = {one["id"] for one in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))}
    assert {one["id"] for repository in hooks["repos"] for one in repository["hooks"]} <= known


@pytest.mark.parametrize(("percent", "code", "said"), [(95.1, 0, "met"), (94.9, 21, "TOO LOW")])
def test_our_own_gates_ask_for_coverage(tmp_path: Path, percent: float, code: int, said: str) -> None:
    """Nothing else sees a threshold of ours that went: what measures says nothing by itself."""
    file = tmp_path / "coverage.json"
    file.write_text(f'{{"totals": {{"percent_covered": {percent}}}}}')
    done = bash(f"harmony gates --set gates.mutation=0 --set gates.pass_rate=0 --set gates.coverage_file={file}", ROOT)
    assert (done.returncode, f"at least 0.95: {said}" in done.stdout) == (code, True), done.stdout + done.stderr
