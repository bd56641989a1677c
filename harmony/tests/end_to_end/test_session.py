"""Whole sessions, run as a person runs them: events, verdicts, gates, shards and exit codes."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from harmony.model import Verdict
from harmony.verdict.events import CellFinished, RunFinished, RunPlanned, WorkerEnded, WorkerStarted, read_file
from sandbox import Sandbox
from synthetic_results import data_of

FEATURE = """
    Feature: Counting

      Scenario: 1.1 Up
        Given the 'counter' process starts at '1'
        Then the 'counter' process should show '1'

      Scenario: 1.2 Down
        Given the 'counter' process starts at '2'
        Then the 'counter' process should show '2'

      Scenario: 1.3 Two
        Given the 'counter' process starts at '3'
        And the 'other' process starts at '3'
        Then the 'other' process should show '3'
"""
WRONG = """
    Feature: Wrong

      Scenario: 2.1 Wrong
        Given the 'counter' process starts at '1'
        Then the 'counter' process should show '4'
"""
UNSUPPORTED = """
    Feature: Elsewhere

      Scenario: 3.1 Sundial
        Given the 'counter' process needs a sundial
        Then the 'counter' process should show '0'
"""
HANGING = """
    Feature: Hanging

      Scenario: 4.1 Hanging
        Given the 'counter' process sleeps
        Then the 'counter' process should show '0'
"""
STEPS = """
    import asyncio
    from harmony import given, parsers, then, UnsupportedError


    class CounterSteps:
        def __init__(self) -> None:
            self._value = 0

        @given(parsers.re(r"the '([^']+)' process starts at '(\\d+)'"))
        async def start(self, process: str, value: int) -> None:
            self._value = value

        @then(parsers.re(r"the '([^']+)' process should show '(\\d+)'"))
        def show(self, process: str, value: int) -> None:
            shown = self._value
            assert shown == value, f"shows {shown}"

        @given(parsers.re(r"the '([^']+)' process needs a sundial"))
        def sundial(self, process: str) -> None:
            raise UnsupportedError("no sundial here")

        @given(parsers.re(r"the '([^']+)' process sleeps"))
        async def sleep(self, process: str) -> None:
            await asyncio.sleep(60)
"""


@pytest.fixture
def counting(sandbox: Sandbox) -> Sandbox:
    sandbox.write("features/01-counting.feature", FEATURE)
    sandbox.write("steps.py", STEPS)
    return sandbox


def run(box: Sandbox, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run all features; sentences that a test does not need are given a use in a scenario that runs on request."""
    sentences = ("needs a sundial", "sleeps")
    rest = "\n".join(f"    Given the 'counter' process {sentence}" for sentence in sentences)
    box.write(
        "features/99-rest.feature",
        f"Feature: Rest\n  @stress\n  Scenario: 99.1 Rest\n{rest}\n    Then the 'counter' process should show '0'\n",
    )
    return box.pytest("-q", *arguments)


def with_feature(box: Sandbox, feature: str) -> None:
    """Write a feature into the file that its number asks for."""
    if feature:
        number = feature.partition("Scenario: ")[2][0]
        box.write(f"features/0{number}-more.feature", feature)


def cells(file: Path) -> dict[str, Verdict]:
    return {event.cell: event.verdict for event in read_file(file) if isinstance(event, CellFinished)}


def told(file: Path) -> list[Any]:
    """Return what was told, without what differs from run to run, in an order that does not depend on it."""
    left_out = {"at", "seconds"}

    def clean(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: clean(item) for key, item in value.items() if key not in left_out | {"report"}}
        return value

    return sorted(json.dumps(clean(json.loads(text)), sort_keys=True) for text in file.read_text().splitlines())


def test_serially_and_in_parallel_the_same_is_told(counting: Sandbox) -> None:
    counting.write("features/02-wrong.feature", WRONG)
    for name, more in (("one", ("-p", "no:randomly")), ("two", ("-n", "2"))):
        done = run(counting, "--seed", "5", "--events", f"{name}.ndjson", "--html", f"{name}.html", *more)
        assert done.returncode == 1, done.stdout + done.stderr
    one, two = (counting.directory / f"{name}.ndjson" for name in ("one", "two"))
    assert told(one) == told(two)
    assert cells(one) == {
        "1.1[counter=local]": Verdict.PASSED,
        "1.2[counter=local]": Verdict.PASSED,
        "1.3[counter=local,other=local]": Verdict.PASSED,
        "2.1[counter=local]": Verdict.FAILED,
    }
    kinds = [event.event for event in read_file(one)]
    assert kinds[:3] == ["run-started", "run-planned", "cell-started"]
    assert kinds[-1] == "run-finished"
    assert kinds.count("step-started") == 9
    failed = next(event for event in read_file(two) if isinstance(event, CellFinished) and event.number == "2.1")
    assert failed.step == "Then the 'counter' process should show '4'"
    assert failed.place.endswith("02-wrong.feature:5")
    assert failed.by == ["counter"]
    assert failed.repeat in failed.report
    for name in ("one", "two"):
        page = (counting.directory / f"{name}.html").read_text()
        assert "1 FAIL</span>" in page
        assert "shows 1" in page


@pytest.mark.parametrize(
    ("feature", "more", "code", "said"),
    [
        ("", (), 0, "3 cells: 3 passed"),
        (WRONG, (), 1, "4 cells: 3 passed, 1 failed"),
        (UNSUPPORTED, (), 0, "4 cells: 3 passed, 1 unsupported"),
        (UNSUPPORTED, ("--scenario", "3.1"), 18, "nothing passed: all that ran is unsupported here"),
        (HANGING, ("--harmony-set", "timeouts.step=2"), 12, "1 timed-out"),
        (WRONG, ("--min-pass-rate", "0.75"), 0, "pass rate 0.7500, at least 0.75 is asked for"),
        (WRONG, ("--min-pass-rate", "0.76"), 15, "pass rate 0.7500"),
        (UNSUPPORTED, ("--min-pass-rate", "1"), 0, "pass rate 1.0000"),
        (WRONG, ("--min-pass-rate", "0"), 4, "is no rate"),
        ("", ("--shard", "5/2"), 4, "is no shard"),
        ("", ("--events", "."), 4, "--events"),
    ],
)
def test_each_kind_of_outcome_ends_in_its_own_way(
    counting: Sandbox, feature: str, more: tuple[str, ...], code: int, said: str
) -> None:
    with_feature(counting, feature)
    done = run(counting, "--show-matrix", *more)
    assert said in done.stdout + done.stderr
    assert done.returncode == code, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("feature", "more", "code", "said"),
    [
        (HANGING, ("--harmony-set", "timeouts.step=2", "--min-pass-rate", "0.76"), 15, "pass rate 0.7500"),
        ("", ("-k", "nothing_like_this"), 5, "no tests ran"),
    ],
)
def test_and_in_parallel(counting: Sandbox, feature: str, more: tuple[str, ...], code: int, said: str) -> None:
    with_feature(counting, feature)
    done = run(counting, "--show-matrix", "-n", "2", *more)
    assert said in done.stdout + done.stderr
    assert done.returncode == code, done.stdout + done.stderr


@pytest.mark.parametrize("parallel", [(), ("-n", "2")], ids=["serially", "in-parallel"])
def test_a_module_that_cannot_be_imported_is_never_forgiven(counting: Sandbox, parallel: tuple[str, ...]) -> None:
    counting.write("test_other.py", "import a_module_that_nobody_has\n")
    done = run(counting, *parallel)
    assert done.returncode != 0, done.stdout
    assert "a_module_that_nobody_has" in done.stdout


def test_the_gate_of_another_plugin_is_never_forgiven(counting: Sandbox) -> None:
    """As pytest-cov does when the coverage is too low."""
    counting.write(
        "conftest.py",
        """
        import pytest

        @pytest.hookimpl(wrapper=True)
        def pytest_runtestloop(session):
            result = yield
            session.testsfailed += 1
            return result
        """,
    )
    done = run(counting)
    assert done.returncode == 1, done.stdout


def test_a_failure_beside_the_scenarios_is_never_forgiven(counting: Sandbox) -> None:
    counting.write("test_other.py", "def test_other():\n    assert False\n")
    for more in ((), ("--min-pass-rate", "0.1")):
        assert run(counting, *more).returncode == 1


ENTRY = '[[expect]]\nscenario = "{}"\nissue = "https://issues/1"\n'


@pytest.mark.parametrize(
    ("entries", "code", "said"),
    [
        (ENTRY.format("2.1") + 'message = "shows 1"\n', 0, ("1 xfailed",)),
        (ENTRY.format("2.1") + 'message = "shows 2"\n', 1, ("not like this",)),
        (ENTRY.format("2.1") + "expires = 2020-01-01\n", 1, ("expectations.toml:1: ",)),
        ("#\n" + ENTRY.format("1.1") + ENTRY.format("2.1"), 13, ("expectations.toml:2",)),
        (
            ENTRY.format("2.1") + 'pairing = "local"\n' + ENTRY.format("8.8") + ENTRY.format("3.1"),
            14,
            ("expectations.toml:5: ", "matches no cell", "expectations.toml:8: ", "stale: it excuses nothing"),
        ),
        ("[[expect]]\n", 4, ("expectations.toml:1: ",)),
    ],
)
def test_expectations_hold_or_are_red(counting: Sandbox, entries: str, code: int, said: tuple[str, ...]) -> None:
    counting.write("features/02-wrong.feature", WRONG)
    counting.write("features/03-more.feature", UNSUPPORTED)
    counting.write("expectations.toml", entries)
    done = run(counting, "-rxf")
    assert [one for one in said if one not in done.stdout + done.stderr] == [], done.stdout + done.stderr
    assert done.returncode == code, done.stdout + done.stderr


def test_expectations_are_updated_from_a_whole_run_only(counting: Sandbox) -> None:
    counting.write("features/02-wrong.feature", WRONG)
    file = counting.write("expectations.toml", "# mine\n" + ENTRY.format("1.1") + ENTRY.format("8.8"))
    assert run(counting, "--scenario", "2.1").returncode == 1
    refused = counting.harmony("expect", "--update")
    assert refused.returncode == 4
    assert "not after a partial run" in refused.stderr
    assert "3 of 4 cells were not chosen" in refused.stderr
    assert file.read_text().count("[[expect]]") == 2

    assert run(counting).returncode == 1
    shown = counting.harmony("expect")
    assert shown.returncode == 14
    assert '-scenario = "8.8"' in shown.stdout
    assert file.read_text().count("[[expect]]") == 2
    assert counting.harmony("expect", "--update").returncode == 0
    assert file.read_text().count("[[expect]]") == 1
    assert 'scenario = "2.1"' in file.read_text()
    assert run(counting).returncode == 0
    assert counting.harmony("expect").returncode == 0


def test_an_interrupted_run_updates_nothing(counting: Sandbox) -> None:
    counting.write("features/02-wrong.feature", WRONG)
    assert run(counting, "-x", "-p", "no:randomly", "--events", "x.ndjson").returncode == 1
    events = counting.directory / "x.ndjson"
    finished = len(cells(events))
    lines = events.read_text().splitlines()
    events.write_text("\n".join(text for text in lines if '"2.1[' not in text) + "\n")
    assert len(cells(events)) == finished - 1
    refused = counting.harmony("expect", "--update", "x.ndjson")
    assert refused.returncode == 4
    assert "1 of 4 cells have no result" in refused.stderr


def test_shards_are_the_whole_and_can_be_put_together(counting: Sandbox) -> None:
    counting.write("features/02-wrong.feature", WRONG)
    run(counting)
    durations = json.loads((counting.directory / ".harmony" / "durations.json").read_text())
    passed = {"1.1[counter=local]", "1.2[counter=local]", "1.3[counter=local,other=local]"}
    assert set(durations) == passed, "what has not passed says nothing of how long it takes"
    seen: list[str] = []
    for index, more in ((1, ()), (2, ("-n", "2"))):
        file = counting.directory / "parts" / f"{index}.ndjson"
        run(counting, "--shard", f"{index}/2", "--events", f"{file}", "--durations-file", "past.json", *more)
        (counting.directory / "past.json").unlink(missing_ok=True)
        seen += cells(file)
        (plan,) = [event for event in read_file(file) if isinstance(event, RunPlanned)]
        assert (plan.of, plan.shard) == (4, f"{index}/2")
    assert sorted(seen) == sorted([*passed, "2.1[counter=local]"])
    both = ("parts/1.ndjson", "parts/2.ndjson")
    together = counting.harmony("report", *both, "--html", "all.html")
    assert together.returncode == 1
    assert "4 cells: 3 passed, 1 failed" in together.stdout
    assert len(data_of((counting.directory / "all.html").read_text())["cells"][0]) == 4
    half = counting.harmony("report", both[0])
    assert "of 4 cells have no result" in half.stderr
    assert half.returncode == 1
    updated = counting.harmony("expect", "--update", *both)
    assert updated.returncode == 0, updated.stderr
    assert counting.harmony("expect", "--update", both[0]).returncode == 4
    # The whole run and the two parts are kept; put together, these are the same as it.
    assert len(list((counting.directory / ".harmony" / "history").iterdir())) == 3
    same = counting.harmony("compare", "3", "parts", "--fail-on", "newly-red,vanished")
    assert (same.returncode, same.stdout.splitlines()[-1]) == (0, "no cell differs"), same.stdout + same.stderr


def test_a_shard_without_a_cell_is_no_failure(counting: Sandbox) -> None:
    done = run(counting, "--shard", "9/9")
    assert done.returncode == 0
    assert "shard 9/9 has no cell" in done.stdout


def test_the_balance_follows_recorded_durations(counting: Sandbox) -> None:
    recorded = {"1.1[counter=local]": 100, "1.2[counter=local]": 1, "1.3[counter=local,other=local]": 1}
    counting.write("past.json", json.dumps(recorded))
    run(counting, "--shard", "1/2", "--durations-file", "past.json", "--events", "1.ndjson")
    assert set(cells(counting.directory / "1.ndjson")) == {"1.1[counter=local]"}
    after = json.loads((counting.directory / "past.json").read_text())
    assert after["1.1[counter=local]"] < 100
    assert after["1.2[counter=local]"] == 1


def test_a_plan_is_a_file_that_all_parts_use(counting: Sandbox) -> None:
    run(counting, "--collect-only")
    made = counting.harmony("plan", "--shards", "2", "-o", "plan.json")
    assert made.returncode == 0, made.stderr
    assert "1/2: 2 cells" in made.stdout
    seen: list[str] = []
    for index, past in ((1, {"1.1[counter=local]": 100}), (2, {"1.2[counter=local]": 100})):
        counting.write(".harmony/durations.json", json.dumps(past))
        done = run(counting, "--shard", f"{index}/2", "--plan", "plan.json", "--events", f"{index}.ndjson")
        assert done.returncode == 0, done.stdout + done.stderr
        seen += cells(counting.directory / f"{index}.ndjson")
    assert sorted(seen) == ["1.1[counter=local]", "1.2[counter=local]", "1.3[counter=local,other=local]"]
    assert counting.harmony("report", "1.ndjson", "2.ndjson").returncode == 0

    past = {"1.1[counter=local]": 1, "1.2[counter=local]": 100, "1.3[counter=local,other=local]": 1}
    counting.write(".harmony/durations.json", json.dumps(past))
    run(counting, "--shard", "2/2", "--events", "other.ndjson")
    apart = counting.harmony("report", "1.ndjson", "other.ndjson")
    assert apart.returncode == 7
    assert "these are parts of different plans: 1.ndjson: plan " in apart.stderr
    assert "harmony plan --shards" in apart.stderr


def test_a_plan_of_another_run_is_refused_before_anything_runs(counting: Sandbox) -> None:
    run(counting, "--collect-only")
    assert counting.harmony("plan", "--shards", "2").returncode == 0
    for more, said in (
        (("--shard", "1/3"), "plan.json has 2 parts"),
        ((), "say which: --shard 1/2"),
        (("--shard", "1/2", "--scenario", "1.1", "-n", "2"), "it has 2 cells that are not here, such as 1.2[counter"),
    ):
        done = run(counting, "--plan", "plan.json", *more)
        assert done.returncode == 4, done.stdout + done.stderr
        assert said in done.stderr


def test_a_broken_subscriber_is_reported_and_disturbs_nobody(counting: Sandbox) -> None:
    counting.write(
        "conftest.py",
        """
        def pytest_sessionstart(session):
            def broken(event):
                raise OSError("disk full")
            session.config.pluginmanager.get_plugin("harmony-reporting").bus.subscribe("my report", broken)
        """,
    )
    done = run(counting, "--events", "x.ndjson")
    assert "3 passed" in done.stdout
    assert "a report is not complete: my report: OSError: disk full" in done.stdout
    assert done.returncode == 19
    assert len(cells(counting.directory / "x.ndjson")) == 3


def test_a_page_that_could_not_be_written_is_not_named(counting: Sandbox) -> None:
    (counting.directory / "x.html").mkdir()
    done = run(counting, "--html", "x.html")
    assert done.returncode == 19, done.stdout + done.stderr
    assert "a report is not complete: --html: IsADirectoryError" in done.stdout
    assert "report: x.html" not in done.stdout


def test_nothing_is_written_where_nothing_ran(counting: Sandbox) -> None:
    run(counting, "--collect-only")
    assert not (counting.directory / ".harmony").exists()


def test_the_end_says_how_it_ended(counting: Sandbox) -> None:
    counting.write("features/02-wrong.feature", WRONG)
    done = run(counting, "--events", "x.ndjson", "--report", "junit=x.xml", "--report", "cucumber=x.messages")
    last = read_file(counting.directory / "x.ndjson")[-1]
    assert isinstance(last, RunFinished)
    assert (last.exit_code, last.verdicts) == (1, {"passed": 3, "failed": 1})
    # What is written as it ends is what its events say afterwards.
    for form, name in (("junit", "x.xml"), ("cucumber", "x.messages")):
        assert f"report: {name}" in done.stdout
        again = counting.harmony("report", "x.ndjson", "--format", form, "-o", f"again-{name}")
        assert again.returncode == 1, again.stderr
        texts = [(counting.directory / file).read_text("utf-8") for file in (name, f"again-{name}")]
        assert texts[0] == texts[1]
    wrong = run(counting, "--report", "junet=x.xml")
    assert (wrong.returncode, "did you mean 'junit'?" in wrong.stderr) == (4, True), wrong.stderr


def test_without_a_last_run_there_is_nothing_to_report(counting: Sandbox) -> None:
    done = counting.harmony("report")
    assert done.returncode == 7
    assert "no last run" in done.stderr


def test_the_schema_can_be_printed_and_files_checked(counting: Sandbox) -> None:
    run(counting, "--events", "x.ndjson")
    assert json.loads(counting.harmony("events", "--schema").stdout)["title"] == "harmony events"
    assert "events" in counting.harmony("events", "x.ndjson").stdout
    counting.write("y.ndjson", "{}\n")
    assert counting.harmony("events", "y.ndjson").returncode == 7


MATRIX = """
    steps = ["steps"]
    capabilities = ["duplex"]
    [tags]
    stress = "on request"
    benchmark = "measures"
    duplex = "a capability"
    [platforms.alpha]
    command = ["{python}", "-m", "harmony", "serve"]
    capabilities = ["duplex"]
    [platforms.beta]
    command = ["{python}", "-m", "harmony", "serve"]
    [platforms.gamma]
    command = ["no-such-program-anywhere"]
"""


def test_a_matrix_is_shown_with_what_is_not_available(counting: Sandbox) -> None:
    counting.write("harmony.toml", MATRIX)
    counting.write("features/03-more.feature", UNSUPPORTED)
    done = run(counting, "--matrix", "--scenario", "1.3", "--scenario", "3.1", "--events", "x.ndjson")
    assert done.returncode == 0, done.stdout + done.stderr
    for said in (
        "counter  alpha  beta\n         □ 0/1  □ 0/1\n",
        "counter \\ other  alpha  beta\nalpha            ■ 1    ■ 1\nbeta             ■ 1    ■ 1\n",
        "3.1 Sundial   n/a    n/a\n\n6 cells: 4 passed, 2 unsupported",
        "the 'counter' process needs a sundial  declines  declines",
        "    alpha, 1 cell: no sundial here",
        "not available: gamma: there is no program no-such-program-anywhere",
        "report: .harmony/matrix.html",
    ):
        assert said in done.stdout, done.stdout
    assert "1.3 Two" not in done.stdout
    assert "1.3 Two" in run(counting, "--matrix", "-vv", "--scenario", "1.3").stdout.partition(" matrix ")[2]
    assert "gamma is not available" in (counting.directory / ".harmony" / "matrix.html").read_text()
    events = read_file(counting.directory / "x.ndjson")
    started = [(event.platform, event.pid) for event in events if isinstance(event, WorkerStarted)]
    ended = [(event.platform, event.pid) for event in events if isinstance(event, WorkerEnded)]
    assert sorted(started) == sorted(ended)
    assert {platform for platform, _ in started} == {"alpha", "beta"}
    assert all(event.how == "exited with code 0" for event in events if isinstance(event, WorkerEnded))


def test_a_false_claim_is_red(counting: Sandbox) -> None:
    counting.write("harmony.toml", MATRIX)
    counting.write("features/01-counting.feature", FEATURE.replace("Scenario: 1.2", "@duplex\n      Scenario: 1.2"))
    assert run(counting, "--pairing", "alpha", "--scenario", "1.2").returncode == 0
    done = run(counting, "--pairing", "beta", "--scenario", "1.2")
    assert done.returncode == 13
    assert "not claimed: beta: duplex; yet the scenario passes: claim it" in done.stdout
