"""A run as Markdown and as commands of a GitHub workflow: bounded, and nothing in it is obeyed."""

from __future__ import annotations

import re
from pathlib import Path

from harmony.errors import ExitCode
from harmony.model import Verdict
from harmony.report.github import MOST, workflow_commands
from harmony.report.markdown import LONGEST, MARK, markdown
from harmony.report.outcome import Outcome
from harmony.verdict.events import CellFinished, Event, RunFinished, RunPlanned, encode_event
from sandbox import Sandbox
from synthetic_results import many, result

EVIL = "</details><script>alert(1)</script> | ``` [x](javascript:y) @everyone\n::error::mine %0A"


def outcome(*results: CellFinished, rate: float | None = None, problems: tuple[str, ...] = ()) -> Outcome:
    return Outcome(("run.ndjson",), results, problems, (), (), rate)


def told(*results: CellFinished, rate: float | None = None, problems: tuple[str, ...] = ()) -> list[str]:
    return workflow_commands(outcome(*results, rate=rate, problems=problems), Path("/repo/suite"), Path("/repo"))


def test_a_red_run_in_markdown() -> None:
    cells = [result(), result("1.2[reader=go,writer=cpp]", Verdict.FAILED)]
    text = markdown(outcome(*cells, problems=("expectations.toml:3: stale",)))
    assert text == (
        f"{MARK}\n\n### ✗ harmony: failed (exit code 1)\n\n2 cells: 1 passed, 1 failed\n\n"
        "```text\n1 failed: 1.2[reader=go,writer=cpp]; cause: frame data\n"
        "        repeat with: ./test.sh go_cpp 1.2 --seed 7\n```\n\n"
        "| reader \\\\ writer | cpp |\n| --- | --- |\n| go | ✗ 0/1 |\n| python | ■ 1 |\n\n"
        "- expectations.toml:3: stale\n"
    )


def test_the_heading_says_how_the_run_ends() -> None:
    """A rate that forgives leaves a reader in no doubt that something is red; one cell without a result is no pass."""
    red = result("1.2[solo=go]", Verdict.CRASHED)
    assert "### ■ harmony: passed\n" in markdown(outcome(result()))
    assert "### ✗ harmony: crashed (exit code 11)\n" in markdown(outcome(result(), red))
    forgiven = markdown(outcome(result(), red, rate=0.5))
    assert "### ■ harmony: red cells forgiven\n" in forgiven
    assert "pass rate 0.5000, at least 0.5 is asked for: 1 red forgiven" in forgiven
    assert "### ✗ harmony: failed (exit code 1)\n" in markdown(outcome())


def test_what_others_say_is_no_markup() -> None:
    cell = result(verdict=Verdict.FAILED, error=EVIL, title=EVIL, step=EVIL, repeat="./x ````` 1")
    text = markdown(outcome(cell, problems=(EVIL,)))
    before, fence, after = re.split(r"^(`{6,})(?:text)?$", text, maxsplit=1, flags=re.MULTILINE)
    inside, _, rest = after.partition(f"\n{fence}\n")
    assert "<script>" not in before.replace(MARK, "") + rest
    assert "@everyone" not in before + rest
    assert "[x]" not in rest
    assert "./x ````` 1" in inside


def test_a_huge_run_keeps_within_a_comment() -> None:
    """Thousands of cells, many platforms and endless words: what does not fit is left out whole, and said."""
    cells = many(100, 10, broken_every=2)
    cells += [
        result(f"2.{i}[a=p{i},b={'x' * 200}{i},c=q{i}]", Verdict.FAILED, error=f"{'wide ' * 9000}", repeat="r" * 15_000)
        for i in range(200)
    ]
    text = markdown(outcome(*cells, problems=tuple(f"{i} {'y' * 5000}" for i in range(100))))
    assert len(text) <= LONGEST
    assert "more had no room: see the page" in text
    assert text.count("```") % 2 == 0


def test_the_causes_have_their_place_however_long_their_words_are() -> None:
    cells = [
        result(f"2.{i}[a=p{i}]", Verdict.FAILED, error=f"{i} {'wide ' * 9000}", repeat="r" * 15_000) for i in range(9)
    ]
    text = markdown(outcome(*cells))
    assert "9 failed" in text.partition("```text")[2]
    assert len(text) <= LONGEST


def test_an_annotation_stands_on_the_line_of_the_feature() -> None:
    (line,) = told(result(verdict=Verdict.FAILED, error="50% off: a, b\nexpected more"))
    assert line == (
        "::error file=suite/features/01-basic.feature,line=12,title=failed%3A 50%25 off%3A a%2C b::"
        "1 failed, first 1.1[reader=python,writer=cpp]: When the 'writer' process waits: 50%25 off: a, b%0A"
        "repeat with: ./test.sh python_cpp 1.1 --seed 7"
    )


def test_a_place_outside_of_the_repository_is_none() -> None:
    (line,) = told(result(verdict=Verdict.FAILED, place="/usr/lib/suite/features/a.feature:3"))
    assert line.startswith("::error title=")


def test_nobody_says_a_command_of_his_own() -> None:
    lines = told(result(verdict=Verdict.FAILED, error=EVIL, step=EVIL, repeat=EVIL), problems=(EVIL,))
    assert len(lines) == 2
    assert not any("\n" in line or "\r" in line for line in lines)
    assert "%250A" in lines[0]


def test_each_cause_has_its_line_before_any_has_a_second() -> None:
    """GitHub shows ten: nine of one cause may not hide another, and what stands beside cells has its place, too."""
    same = [result(f"1.{i}[solo=go]", Verdict.FAILED, place=f"f/a.feature:{i}") for i in range(1, 31)]
    other = result("2.1[solo=go]", Verdict.CRASHED, place="f/b.feature:1")
    lines = told(*same, other, problems=("stale",))
    errors = [line for line in lines if line.startswith("::error ")]
    assert len(errors) == MOST
    assert "file=suite/f/b.feature,line=1," in errors[1]
    assert errors[-1] == "::error title=harmony::stale"
    assert lines[MOST:] == ["::notice title=harmony::and 22 more: see the report"]


def test_what_is_forgiven_is_a_warning() -> None:
    lines = told(result(), result("1.2[solo=go]", Verdict.FAILED), rate=0.5)
    assert [line.partition(" ")[0] for line in lines] == ["::warning"]
    assert told(result()) == []


def test_the_command_tells_in_each_form_and_ends_as_the_run(sandbox: Sandbox) -> None:
    events: list[Event] = [
        RunPlanned(cells=1, of=1, digest="d"),
        result(verdict=Verdict.TIMED_OUT),
        RunFinished(verdicts={"timed-out": 1}, exit_code=12, seconds=1.0),
    ]
    sandbox.write("run.ndjson", "".join(f"{encode_event(event)}\n" for event in events))
    done = sandbox.harmony("report", "run.ndjson", "--format", "markdown", "-o", "summary.md")
    assert (done.returncode, done.stdout, done.stderr) == (ExitCode.TIMED_OUT, "", "")
    assert (sandbox.directory / "summary.md").read_text("utf-8").startswith(MARK)
    top = str(sandbox.directory.parent)
    done = sandbox.harmony("report", "run.ndjson", "--format", "github", GITHUB_WORKSPACE=top)
    assert done.returncode == ExitCode.TIMED_OUT
    assert f"file={sandbox.directory.name}/features/01-basic.feature,line=12," in done.stdout
    wrong = sandbox.harmony("report", "run.ndjson", "--format", "word")
    assert (wrong.returncode, "markdown" in wrong.stderr) == (ExitCode.USAGE, True)
