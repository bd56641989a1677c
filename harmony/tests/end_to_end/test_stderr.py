"""What drivers write on stderr: in the terminal, the page and the events, and what of it turns a cell red."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harmony.model import Verdict
from harmony.verdict.events import CellFinished, read_file
from sandbox import Sandbox

FEATURE = """
    Feature: Tea
      Scenario: 1.1 Water boils
        Given the 'host' process is plugged in
        When the 'host' process boils '2' cups
        Then the 'guest' process boils '2' cups

      Scenario: 1.2 Water does not boil
        When the 'guest' process boils '2' cups
        Then the 'host' process boils '2' cups

      @stress
      Scenario: 1.3 What else is defined
        When the 'host' process starts to whistle
        And the 'host' process is forgotten
        And the 'host' process has ended by itself
        And the 'host' process is smashed
        Then the 'host' process refuses '6' cups
"""
FAULTS = ("", "ill-typed", "sanitized", "grumbles", "has-a-child-that-grumbles", "leaks-memory")
SANITIZED = re.compile(r"guest: ==\d+==ERROR: AddressSanitizer: heap-use-after-free on address 0x602000000010")


@pytest.fixture
def tea(sandbox: Sandbox) -> Sandbox:
    lines = [
        'steps = ["kettle.steps"]',
        "[tags]",
        'stress = "on request"',
        "[driver]",
        'contract = "kettle.contract:CONTRACT"',
    ]
    for fault in FAULTS:
        lines += [f"[platforms.{fault or 'good'}]", 'contract = "driver"']
        lines += [f'command = ["{{python}}", "-m", "kettle.program", "{fault}"]']
    sandbox.write("harmony.toml", "\n".join(lines))
    sandbox.write("features/1-tea.feature", FEATURE)
    return sandbox


def finished(file: Path) -> CellFinished:
    (one,) = (event for event in read_file(file) if isinstance(event, CellFinished))
    return one


def words(fault: str, *more: str, host: str = "good") -> list[str]:
    return ["--pairing", f"guest={fault},host={host}", "--events", "x.ndjson", "--html", "x.html", *more]


@pytest.mark.parametrize("fault", ["sanitized", "leaks-memory"])
def test_an_alarm_is_shown_though_the_cell_is_green(tea: Sandbox, fault: str) -> None:
    done = tea.pytest(*words(fault, "--scenario", "1.1"))
    assert done.returncode == 0, done.stdout
    one = finished(tea.directory / "x.ndjson")
    (alarm,) = one.alarms
    assert "Sanitizer: " in alarm
    assert f"passed, but on stderr: {alarm}" in done.stdout
    assert alarm.partition("Sanitizer")[2] in (tea.directory / "x.html").read_text()


@pytest.mark.parametrize("more", [(), ("-n", "1")], ids=["alone", "xdist"])
def test_an_alarm_fails_the_cell_where_stderr_must_be_clean(tea: Sandbox, more: tuple[str, ...]) -> None:
    done = tea.pytest(
        *words("sanitized", "--scenario", "1.1", "--harmony-set", "platforms.sanitized.stderr=clean", *more)
    )
    assert done.returncode == 1, done.stdout
    one = finished(tea.directory / "x.ndjson")
    assert one.verdict is Verdict.FAILED
    assert "AddressSanitizer" in one.error.partition("\n")[0], "causes are told apart by the first line"
    assert SANITIZED.search(done.stdout)


def test_who_grumbles_is_clean_unless_the_project_says_what_is_alarming(tea: Sandbox) -> None:
    clean = ("--scenario", "1.1", "--harmony-set", "platforms.grumbles.stderr=clean")
    assert tea.pytest(*words("grumbles", *clean)).returncode == 0
    done = tea.pytest(*words("grumbles", *clean, "--harmony-set", "platforms.grumbles.stderr_patterns=['rattles$']"))
    assert done.returncode == 1, done.stdout
    assert "the lid rattles" in finished(tea.directory / "x.ndjson").error


@pytest.mark.parametrize(
    ("fault", "line"),
    [("grumbles", r"\x1b]0;renamed\x07the lid rattles"), ("has-a-child-that-grumbles", "the child rattles")],
)
def test_a_failure_has_what_each_role_wrote_and_when(tea: Sandbox, fault: str, line: str) -> None:
    done = tea.pytest(*words(fault, "--scenario", "1.2", host="ill-typed"))
    assert done.returncode == 1, done.stdout
    (written,) = finished(tea.directory / "x.ndjson").stderr["guest"]
    assert written.text == line
    shown = f"stderr of guest:\n    {written.at} {line}\n"
    assert shown in done.stdout
    page = (tea.directory / "x.html").read_text()
    assert f"    {written.at} {line}\n" in page
    assert "\x1b" not in done.stdout + page


def test_a_pattern_that_is_none_is_a_wrong_setting(tea: Sandbox) -> None:
    done = tea.pytest("--scenario", "1.1", "--harmony-set", "platforms.good.stderr_patterns=['(']")
    assert done.returncode == 4
    assert "platforms.good.stderr_patterns: '(': no regular expression" in done.stderr
