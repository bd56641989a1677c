"""A matrix of drivers: verdicts, events, recordings, `--validate`."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from sandbox import Sandbox

FEATURE = """
Feature: Tea
  Scenario: 1.1 Water boils
    Given the 'host' process is plugged in
    And the 'guest' process is plugged in
    When the 'host' process boils '2' cups
    Then the 'guest' process boils '6' cups

  Scenario: 1.2 What the driver lacks shows in the background
    Given the 'host' process is plugged in
    When the 'host' process starts to whistle
    Then the 'host' process boils '2' cups

  Scenario: 1.3 A driver is forgotten
    Given the 'host' process is plugged in
    And the 'guest' process is plugged in
    When the 'host' process is forgotten
    Then the 'guest' process boils '2' cups

  Scenario: 1.4 A driver is killed on purpose
    Given the 'host' process is plugged in
    And the 'guest' process is plugged in
    When the 'host' process boils '2' cups
    And the 'host' process is smashed
    Then the 'guest' process boils '2' cups

  Scenario: 1.5 What a step makes of an error decides nothing about a death
    Given the 'host' process is plugged in
    Then the 'host' process refuses '6' cups

  Scenario: 1.6 Who is gone cannot be killed
    Given the 'host' process is plugged in
    And the 'guest' process is plugged in
    When the 'host' process boils '2' cups
    And the 'host' process has ended by itself
    And the 'host' process is smashed
    Then the 'guest' process boils '2' cups

  Scenario: 1.7 A role goes on with another driver
    Given the 'host' process boils '2' cups
    When the 'host' process is killed
    Then the 'host' process boils '2' cups
"""
CRASHES = {
    "aborts-later": r"killed by SIGABRT, (?:idle|asked to end) after boil; last lines of its stderr:\s+the lid is off",
    "dies": r"asked for boil, (?:but it )?was killed by SIGKILL; last lines of its stderr:\s+out of gas",
    "ends-with-3": r"exited with code 3, asked to end after boil; last lines of its stderr:\s+the bill is open",
    "kills-itself": r"was killed by SIGKILL, (?:idle|asked to end) after boil",
    "segfaults": r"was killed by SIGSEGV, asked to end after boil",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "features").mkdir()
    (tmp_path / "features" / "tea.feature").write_text(FEATURE)
    (tmp_path / "harmony.toml").write_text(
        'steps = ["kettle.steps"]\n[driver]\ncontract = "kettle.contract:CONTRACT"\n'
        + "".join(
            f'[platforms.{fault or "good"}]\ncontract = "driver"\n'
            f'command = ["{{python}}", "-m", "kettle.program", "{fault}"]\n'
            for fault in ("", "hangs", "swapped", "prints", "ill-typed", "unknown-code", "leaves", *CRASHES)
        )
    )
    return tmp_path


def run(project: Path, *words: str, scenario: str = "1.1") -> tuple[subprocess.CompletedProcess[str], dict[str, str]]:
    events = project / "events.ndjson"
    options = [
        "-q",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(project),
        "--events",
        str(events),
        "--scenario",
        scenario,
        *words,
    ]
    done = Sandbox(project).pytest(str(project / "features"), *options)
    told = [json.loads(line) for line in events.read_text().splitlines()]
    return done, {one["cell"]: one["verdict"] for one in told if one["event"] == "cell-finished"}


def test_the_matrix_of_another_subject(project: Path) -> None:
    done, verdicts = run(project, "--pairing", "good", "--record", str(project / "kept"), "--validate")
    assert done.returncode == 0, done.stdout
    assert list(verdicts.values()) == ["passed"]
    told = [json.loads(line) for line in (project / "events.ndjson").read_text().splitlines()]
    started = {one["pid"] for one in told if one["event"] == "worker-started"}
    ended = {one["pid"]: one["how"] for one in told if one["event"] == "worker-ended"}
    assert len(started) == 2
    assert ended == dict.fromkeys(started, "exited with code 0")
    kept = {path: yaml.safe_load(path.read_text()) for path in (project / "kept").glob("*.yaml")}
    assert {document["role"] for document in kept.values()} == {"guest", "host"}
    asked = [exchange["method"] for document in kept.values() for exchange in document["exchanges"]]
    assert sorted(asked) == ["boil", "boil", "hello", "hello"]


@pytest.mark.parametrize(
    ("pairing", "verdict", "exit_code", "named"),
    [
        ("good_swapped", "errored", 10, "tank.cups is at offset 4, expected 0"),
        ("good_ill-typed", "failed", 1, "Input should be a valid number"),
    ],
)
def test_a_broken_driver_gets_its_verdict(
    project: Path, pairing: str, verdict: str, exit_code: int, named: str
) -> None:
    done, verdicts = run(project, "--pairing", pairing)
    assert list(verdicts.values()) == [verdict], done.stdout
    assert done.returncode == exit_code
    assert named in done.stdout


@pytest.mark.parametrize("fault", CRASHES)
def test_whoever_ends_by_itself_makes_its_cell_crashed_whenever_that_is(project: Path, fault: str) -> None:
    """The host has boiled when the guest begins, so it is idle, or being ended, when most of these happen."""
    done, verdicts = run(project, "--pairing", f"good_{fault}")
    assert list(verdicts.values()) == ["crashed"], done.stdout
    assert done.returncode == 11
    assert re.search(CRASHES[fault], done.stdout), done.stdout


@pytest.mark.parametrize("platform", ["good", "ends-with-3"])
def test_to_be_killed_is_no_crash(project: Path, platform: str) -> None:
    done, verdicts = run(project, "--pairing", f"good_{platform}", scenario="1.4")
    assert list(verdicts.values()) == ["passed"], done.stdout


def test_a_role_that_is_killed_goes_on_without_any_glue(project: Path) -> None:
    done, verdicts = run(project, "--pairing", "good", scenario="1.7")
    assert list(verdicts.values()) == ["passed"], done.stdout
    told = [json.loads(line) for line in (project / "events.ndjson").read_text().splitlines()]
    ends = sorted(one["how"] for one in told if one["event"] == "worker-ended")
    assert ends == ["exited with code 0", "was killed by SIGKILL"]


@pytest.mark.parametrize(
    ("fault", "verdict", "named"),
    [("", "passed", ""), ("breaks-when-empty", "crashed", "kept exited with code 4, idle after pour_out")],
)
def test_a_driver_that_plays_on_is_judged_when_it_ends(project: Path, fault: str, verdict: str, named: str) -> None:
    with (project / "harmony.toml").open("a") as settings:
        command = f'["{{python}}", "-m", "kettle.program", "{fault}"]'
        settings.write(f'[platforms.kept]\ncontract = "driver"\nlifetime = "session"\ncommand = {command}\n')
    steps = "Given the 'host' process boils '2' cups\n    Then the 'guest' process boils '2' cups\n"
    count = 1 if fault else 3
    scenarios = "".join(f"  Scenario: 2.{number} Cups {number}\n    {steps}" for number in range(1, count + 1))
    (project / "features" / "cups.feature").write_text(f"Feature: Cups\n{scenarios}")
    done, verdicts = run(project, "--pairing", "kept", scenario="2.*")
    assert list(verdicts.values()) == [verdict] * count, done.stdout
    assert named in done.stdout
    told = [json.loads(line) for line in (project / "events.ndjson").read_text().splitlines()]
    assert len({one["pid"] for one in told if one["event"] == "worker-started"}) == 2


def test_without_pairings_a_driver_of_the_projects_choice_plays_all(project: Path) -> None:
    done, _ = run(project, scenario="1.1")
    assert done.returncode != 0
    assert "nobody provides Kettle" in done.stdout
    assert '[driver] local = "good"' in done.stdout
    settings = project / "harmony.toml"
    settings.write_text(settings.read_text().replace("[driver]", '[driver]\nlocal = "good"'))
    for scenario in ("1.1", "1.7"):
        done, verdicts = run(project, scenario=scenario)
        assert list(verdicts.values()) == ["passed"], done.stdout


@pytest.mark.parametrize("fault", ["leaves", "kills-itself"])
def test_who_has_ended_before_it_was_asked_has_crashed_also_with_code_0(project: Path, fault: str) -> None:
    done, verdicts = run(project, "--pairing", f"good_{fault}", scenario="1.6")
    assert list(verdicts.values()) == ["crashed"], done.stdout
    assert re.search(r"(exited with code 0|was killed by SIGKILL), idle after boil", done.stdout), done.stdout


@pytest.mark.parametrize(("platform", "verdict"), [("good", "passed"), ("unknown-code", "failed"), ("dies", "crashed")])
def test_a_death_is_a_crash_whatever_a_step_makes_of_it(project: Path, platform: str, verdict: str) -> None:
    done, verdicts = run(project, "--pairing", platform, scenario="1.5")
    assert list(verdicts.values()) == [verdict], done.stdout
    assert ("expected '6' seen ''" in done.stdout) is (verdict != "passed")


@pytest.mark.parametrize(("fault", "named"), [("prints", "said more than answers"), ("unknown-code", "thirsty")])
def test_validate_holds_every_word_to_the_contract(project: Path, fault: str, named: str) -> None:
    pairing = f"{fault}_good" if fault == "unknown-code" else f"good_{fault}"
    _, verdicts = run(project, "--pairing", "good_prints")
    assert list(verdicts.values()) == ["passed"]
    done, verdicts = run(project, "--pairing", pairing, "--validate")
    assert list(verdicts.values()) == ["failed"], done.stdout
    assert named in done.stdout


@pytest.mark.parametrize(
    ("scenario", "verdict", "named"),
    [("1.2", "unsupported", "there is no verb 'whistle'"), ("1.3", "failed", "ran on after the scenario")],
)
def test_what_shows_at_the_end_of_a_scenario(project: Path, scenario: str, verdict: str, named: str) -> None:
    done, verdicts = run(project, "--pairing", "good", "-rs", scenario=scenario)
    assert list(verdicts.values()) == [verdict], done.stdout
    assert named in done.stdout
    assert "ResourceWarning" not in done.stdout + done.stderr


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["serially", "in-parallel"])
def test_a_driver_that_hangs_is_stopped_and_nobody_else(project: Path, workers: tuple[str, ...]) -> None:
    steps = "Given the 'host' process boils '2' cups\n    Then the 'guest' process boils '2' cups\n"
    scenarios = "".join(f"  Scenario: 2.{number} Cups {number}\n    {steps}" for number in range(1, 7))
    (project / "features" / "cups.feature").write_text(f"Feature: Cups\n{scenarios}")
    pairings = ["--pairing", "good", "--pairing", "good_hangs", "--pairing", "hangs_good"]
    # As little patience as there is, 5 s, is less than the 6 s of the verb, however slow the cells that pass.
    hurried = ("--fuse", "2", "--harmony-set", "patience=0.001")
    done, verdicts = run(project, *hurried, *pairings, *workers, scenario="2.*")
    assert done.returncode == 12, done.stdout
    assert {cell for cell, verdict in verdicts.items() if verdict == "passed"} == {
        f"2.{number}[guest=good,host=good]" for number in range(1, 7)
    }
    stopped = [cell for cell, verdict in verdicts.items() if verdict == "not-run"]
    assert stopped, "how many hang before depends on who runs what when; test_fuse.py counts them"
    assert len(stopped) + sum(verdict == "timed-out" for verdict in verdicts.values()) == 12
    # A worker that does not know yet who has hung grants the whole limit.
    why = r"no end within 5 s\n.*\(within 5 s: \S+ times what passing cells needed, as hangs timed out before\)"
    assert re.search(why, done.stdout) or workers, done.stdout
    assert re.search(r"not run: \w*hangs\w*(=\w+)? stopped after \d timeouts of .* boils '2' cups: ", done.stdout)
    first = done.stdout[done.stdout.index("causes") :]
    assert re.search(
        r"\d timed-out, \d+ not-run: all 12 have hangs in some role; first cause: (DriverError: hang|Step execution)",
        first,
    )


def test_a_run_without_pairings_names_one_where_there_are_drivers_only(project: Path) -> None:
    done, verdicts = run(project)
    assert list(verdicts.values()) == ["failed"], done.stdout
    assert "this project has drivers only: name a pairing, such as `pytest good_hangs`" in done.stdout
    assert done.stdout.count("KeyError") == 0
