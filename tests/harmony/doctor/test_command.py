"""``harmony doctor`` as a person calls it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from sandbox import Sandbox

ZEROBUFFER: Final = Sandbox(Path(__file__).parents[3])
NOBODY: Final = ("--set", 'platforms.nobody.command=["no-such-program"]', "--set", "platforms.nobody.contract=driver")
BROKEN: Final = (
    *("--set", 'platforms.broken.command=["{python}", "-m", "tests.zoo.broken_drivers", "wrong-digest"]'),
    *("--set", "platforms.broken.contract=driver"),
)


def test_a_healthy_driver_is_told_in_the_form_that_is_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "found.json"
    only = ("--only", "handshake", "--only", "requests.health")
    done = ZEROBUFFER.harmony("doctor", "python", *only, "--format", "json", "--output", str(file))
    assert (done.returncode, done.stdout) == (0, "")
    assert "[5/5] " in done.stderr
    document = json.loads(file.read_text("utf-8"))
    assert (document["platform"], document["healthy"], document["counts"]["ok"]) == ("python", True, 5)
    assert document["who"].startswith("zerobuffer ")


def test_the_checks_are_listed_and_nothing_is_run() -> None:
    done = ZEROBUFFER.harmony("doctor", "python", "--list", "--only", "verb.dial")
    assert done.returncode == 0
    assert [line.split()[0] for line in done.stdout.splitlines()] == [
        "verb.dial.passes.objects",
        "verb.dial.refuses.nobody",
    ]
    assert all(line.endswith("(duplex)") for line in done.stdout.splitlines())
    assert done.stderr == ""


def test_what_cannot_be_asked_is_said_with_a_hint() -> None:
    unknown = ZEROBUFFER.harmony("doctor", "cobol")
    assert (unknown.returncode, unknown.stdout) == (7, "")
    assert "there is no platform 'cobol'" in unknown.stderr
    nonsense = ZEROBUFFER.harmony("doctor", "python", "--only", "nonsense")
    assert (nonsense.returncode, nonsense.stdout) == (4, "")
    assert "--list" in nonsense.stderr


def test_after_a_fatal_check_the_rest_is_not_run() -> None:
    done = ZEROBUFFER.harmony("doctor", "nobody", *NOBODY)
    assert done.returncode == 1
    assert "there is no program no-such-program" in done.stdout
    assert "again      harmony doctor nobody --only build.command --set" in done.stdout
    assert "because build.command is wrong" in done.stdout
    assert "0 ok" not in done.stdout
    assert done.stdout.splitlines()[-1].startswith("1 wrong, ")


def test_a_project_without_checks_has_a_doctor_all_the_same() -> None:
    done = ZEROBUFFER.harmony("doctor", "python", "--set", 'driver.checks=""', "--only", "requests")
    assert "the project tells of no verb that waits" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("2 ok, 2 not told")
    assert done.returncode == 0


def test_the_time_for_all_checks_is_bounded() -> None:
    done = ZEROBUFFER.harmony("doctor", "python", "--limit", "1", "--only", "deadline", "--only", "verb")
    assert done.returncode == 1
    assert "because the time for all checks, 1 s, is over" in done.stdout


def test_the_scenario_is_played_on_both_sides() -> None:
    done = ZEROBUFFER.harmony("doctor", "broken", "--only", "scenario", *BROKEN)
    assert done.returncode == 1
    # It reads wrongly: that is seen where it is the reader, the first role.
    assert "wrong        scenario.before-reference" in done.stdout
    assert "--pairing broken_python --scenario 1.1" in done.stdout
    assert "ok           scenario.behind-reference" in done.stdout
