from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from harmony.cli.commands import GROUPS
from sandbox import SUBJECT, Sandbox

FEATURE = """
    Feature: Things
      Scenario: 1.1 A table
        Given the 'writer' process writes:
          | size |
          | 5    |
        When the 'writer' process writes '5' frames of 64 bytes
        And the 'writer' process notes:
          '''
        Then it is good
        And the 'reader' process sees "it"
"""


def test_lint_passes_what_fits() -> None:
    done = Sandbox(SUBJECT).harmony("lint")
    assert (done.returncode, done.stdout) == (0, "2 features, 8 scenarios, no problem.\n")


def test_lint_reports_everything_at_once(sandbox: Sandbox) -> None:
    sandbox.write("features/01-a.feature", "Feature: A\n  Scenario: Two\n    Given nothing\n")
    sandbox.write("features/02-b.feature", "Feature: B\n  Scenario: 2.1 B\n    Then something\n  nonsense\n")
    sandbox.write("steps.py", "")
    done = sandbox.harmony("lint")
    assert done.returncode == 6
    for expected in (
        "01-a.feature:3: undefined",
        "01-a.feature:2: unnumbered",
        "01-a.feature:2: checks_nothing",
        "02-b.feature:4: syntax",
    ):
        assert expected in done.stderr
    assert done.stdout == ""


def test_errors_have_a_message_a_hint_and_an_exit_code(sandbox: Sandbox) -> None:
    (sandbox.directory / "harmony.toml").unlink()
    done = sandbox.harmony("lint")
    assert done.returncode == 7
    assert "harmony: no harmony.toml" in done.stderr
    assert "hint:" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_catalogue_in_three_forms(sandbox: Sandbox) -> None:
    text = Sandbox(SUBJECT).harmony("steps").stdout
    assert "AccountSteps.open_account(process: str, name: str, coins: Coins)  steps/accounts.py:" in text
    assert "the 'x' process is killed" in text
    document = json.loads(Sandbox(SUBJECT).harmony("steps", "--format", "json").stdout)
    assert {(one["file"], one["line"]) for one in document["steps"]} == {
        (file, int(line)) for file, line in (one["defined"].split(":") for one in document["steps"])
    }
    entry = next(step for step in document["steps"] if step["method"] == "AuditSteps.deposit_one_by_one")
    assert entry["types"] == ["when"]
    assert entry["sentence"] == "the '<process>' process deposits '<coins>' coins one by one into '<name>'"
    assert entry["kind"] == "re"
    assert entry["background"] is True
    assert entry["parameters"] == {"process": "str", "coins": "int", "name": "str"}
    assert entry["summary"] == "Deposit while others work."
    assert entry["defined"].startswith("steps/audit.py:")
    assert len(entry["used"]) == 1
    assert entry["used"][0].startswith("features/02-audit.feature:")
    page = sandbox.directory / "steps.md"
    Sandbox(SUBJECT).harmony("steps", "--format", "markdown", "-o", str(page))
    assert "## AuditSteps" in page.read_text()
    assert "| when |" in page.read_text()


def test_sentences_are_found_by_their_words() -> None:
    found = Sandbox(SUBJECT).harmony("steps", "Coins", "opens").stdout
    assert found.splitlines()[0] == "given      the '<process>' process opens account '<name>' with '<coins>' coins"
    assert "features/01-accounts.feature:9" in found
    assert "harmony itself" not in found
    done = Sandbox(SUBJECT).harmony("steps", "acount")
    assert (done.returncode, done.stderr) == (4, "harmony: no sentence has 'acount'\n  hint: did you mean 'account'?\n")


def test_a_new_feature_lints_and_replaces_nothing(tmp_path: Path) -> None:
    shutil.copytree(SUBJECT, tmp_path / "bank")
    bank = Sandbox(tmp_path / "bank")
    for number in (3, 4):
        done = bank.harmony("new-feature", "A  second look")
        assert done.stdout.startswith(f"features/0{number}-a-second-look.feature: scenario {number}.1\n"), done.stderr
        assert bank.harmony("lint").stdout == f"{number} features, {number + 6} scenarios, no problem.\n"


def test_the_first_feature_of_a_project_lints(sandbox: Sandbox) -> None:
    sandbox.write("steps/__init__.py", "")
    assert sandbox.harmony("new-feature", "Bells").returncode == 0
    assert sandbox.harmony("lint").stdout == "1 features, 1 scenarios, no problem.\n"


def test_lint_reads_what_is_expected(sandbox: Sandbox) -> None:
    sandbox.write("steps/__init__.py", "")
    assert sandbox.harmony("new-feature", "Bells").returncode == 0
    sandbox.write("expectations.toml", '#\n[[expect]]\nscenario = "1.2"\nreason = "it is known"\n')
    done = sandbox.harmony("lint")
    assert done.returncode == 6
    assert "expectations.toml:2: expectation: matches no cell: there is no scenario '1.2'; did you mean" in done.stderr
    assert "correct or remove it" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("lnt",), "there is no command 'lnt'\n  hint: did you mean 'lint'?"),
        (("xyzzy",), "there is no command 'xyzzy'\n  hint: see `harmony --help`"),
        (("lint", "--pro"), "No such option: --pro"),
        (("explain",), "Missing argument"),
    ],
)
def test_what_a_command_line_gets_wrong_is_wrong_use(sandbox: Sandbox, words: tuple[str, ...], said: str) -> None:
    done = sandbox.harmony(*words)
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr.startswith("harmony: ")
    assert said in done.stderr


def test_help_is_in_groups_and_what_nothing_says(sandbox: Sandbox) -> None:
    done = sandbox.harmony()
    assert (done.returncode, done.stdout) == (0, sandbox.harmony("--help").stdout)
    sections = re.findall(r"^(\w+):$", done.stdout, re.MULTILINE)
    assert sections == ["Options", *GROUPS]
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_scaffolded_steps_are_found_and_fail_until_written(sandbox: Sandbox) -> None:
    feature = FEATURE.replace("          '''\n", '          """\n          text\n          """\n')
    sandbox.write("features/01-things.feature", feature)
    sandbox.write("steps/__init__.py", "")
    done = sandbox.harmony("scaffold", "-o", "steps")
    assert done.returncode == 0, done.stderr
    assert "steps/things.py: 5 sentences of 01-things.feature" in done.stdout
    lint = sandbox.harmony("lint")
    assert lint.returncode == 0, lint.stderr
    assert "every sentence has a meaning already" in sandbox.harmony("scaffold").stdout
    run = sandbox.pytest("-q", "features")
    assert "1 failed" in run.stdout
    assert "NotImplementedError" in run.stdout


VARIED = """
    Feature: Varied
      Scenario: 1.1 Arguments
        Given the 'writer' process writes '5' frames of 64 bytes
        And the 'reader' process writes 'many' frames of 128 bytes
        When the 'writer' process writes '7' frames of 32 bytes
        And it isn't named 'a' but "b"
        And it isn't named 'c' but "d"
        And it isn't named "a" but 'b'
        And the name ''
        And the name 'x'
        And the path is C:\\new
        Then 3 of 4 are seen, as v1.2 says
        And 5 of 4 are seen, as v1.2 says
        And 5 of 4 are seen, as v1.3 says
        And it holds:
          | size |
          | 5    |
      Scenario: 1.2 Known in part
        Given tea for '1'
        And tea for '2'
        Then it holds:
          | size |
          | 6    |
        And it holds:
"""
KNOWN = """
from harmony.steps.registry import given

class Tea:
    @given("tea for '1'")
    def one(self) -> None:
        assert self
"""


def test_scaffold_writes_one_step_for_one_pattern(sandbox: Sandbox) -> None:
    """Lint says of each sentence that exactly one of the steps is its meaning."""
    sandbox.write("features/01-varied.feature", VARIED)
    again = VARIED.replace(" 1.1 Arguments", " 2.1 More").replace(" 1.2 Known", " 2.2 More known")
    sandbox.write("features/02-again.feature", again.replace("'5' frames", "'6' frames"))
    sandbox.write("steps/__init__.py", "")
    sandbox.write("steps/tea.py", KNOWN)
    done = sandbox.harmony("scaffold", "-o", "steps")
    assert done.returncode == 0, done.stderr
    assert not (sandbox.directory / "steps" / "again.py").exists()
    source = (sandbox.directory / "steps" / "varied.py").read_text()
    assert source.count("async def ") == 9
    assert "process: str, value2: str, number3: int" in source
    assert "datatable: DataTable | None = None" in source
    lint = sandbox.harmony("lint")
    assert (lint.returncode, "no problem" in lint.stdout) == (0, True), lint.stdout + lint.stderr


def test_lint_starts_one_step_for_one_pattern(sandbox: Sandbox) -> None:
    sandbox.write("features/01-varied.feature", VARIED)
    sandbox.write("steps/__init__.py", "")
    sandbox.write("steps/tea.py", KNOWN)
    done = sandbox.harmony("lint")
    assert "did you mean: tea for '1'" in done.stderr  # a typo needs no step
    assert done.stderr.count("async def ") == 8


def test_what_cannot_be_written_is_named(sandbox: Sandbox) -> None:
    sandbox.write("features/01-things.feature", "Feature: T\n  Scenario: 1.1 T\n    Then it is new\n")
    sandbox.write("steps/__init__.py", "")
    scaffolded = sandbox.harmony("scaffold", "-o", "some/where")
    assert scaffolded.returncode == 0, scaffolded.stderr
    assert (sandbox.directory / "some" / "where" / "things.py").exists()
    done = sandbox.harmony("steps", "-o", "steps/__init__.py/where.txt")
    assert (done.returncode, done.stderr) == (4, "harmony: steps/__init__.py: File exists\n")


def test_scaffold_never_overwrites(sandbox: Sandbox) -> None:
    sandbox.write("features/01-things.feature", "Feature: T\n  Scenario: 1.1 T\n    Then it is new\n")
    sandbox.write("steps/__init__.py", "")
    mine = sandbox.write("steps/things.py", "MINE = 1\n")
    sandbox.harmony("scaffold", "-o", "steps")
    assert mine.read_text() == "MINE = 1\n"
    assert (sandbox.directory / "steps" / "things_2.py").exists()


def test_scenarios_are_listed_by_words() -> None:
    assert Sandbox(SUBJECT).harmony("scenarios", "1.3").stdout == "1.3 Several accounts at once  @batch\n"
    done = Sandbox(SUBJECT).harmony("scenarios", "1.9")
    assert done.returncode == 4
    assert "1.4" in done.stderr
