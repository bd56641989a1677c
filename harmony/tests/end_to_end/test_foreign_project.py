"""A project of others, a post office: no step of it is ours. Each clerk does one thing; the faithful one passes."""

from __future__ import annotations

import datetime as dt
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import typer

from harmony.cli.replay import replay_command
from harmony.errors import ConfigurationError
from harmony.model import Verdict
from harmony.plan.pairing import PairingRequest
from harmony.process import places
from harmony.project import load_project
from harmony.run.matrix_mode import MatrixMode, MatrixRequest
from harmony.run.project_run import ProjectRun
from harmony.run.run_id import feature_id_of
from harmony.verdict.events import CellFinished, Event
from harmony.verdict.result import ScenarioResult
from peer import WORKERS
from sandbox import Sandbox

CLERK = WORKERS / "clerk.py"
LETTERS = """
Feature: Letters
  Background:
    Given all counters are open

  Scenario: 4.1 A letter arrives
    When the 'sender' process posts 'apple'
    Then the 'receiver' process should hold 'apple'

  Scenario: 4.2 Another one does
    When the 'sender' process posts 'pear'
    Then the 'receiver' process should hold 'pear'

  Scenario: 4.3 A letter that nobody posts
    Then the 'receiver' process should hold 'plum'

  Scenario: 4.4 Many letters
    When the 'sender' process posts all of these:
      | letter |
      | fig    |
    Then the 'receiver' process should hold 'fig'

  Scenario: 4.5 A letter with a text
    When the 'sender' process posts what is written:
      \"\"\"
      date
      \"\"\"
    Then the 'receiver' process should hold 'date'
"""
POSTCARDS = """
Feature: Postcards
  Scenario: 5.1 A postcard arrives
    When the 'sender' process posts 'card'
    Then the 'receiver' process should hold 'card'
"""
PROBES = """
import pathlib

def left(run_id):
    return [str(path) for path in pathlib.Path(__file__).parent.glob(f"office/*_{run_id}")]
"""
SETTINGS = """
steps = []
[leaks]
probes = ["post_probes:left"]
[timeouts]
step = 5
"""


@dataclass
class Office:
    """The project on disk, and what comes of its cells."""

    root: Path
    platforms: dict[str, str] = field(default_factory=dict)
    settings: str = SETTINGS
    finished: list[CellFinished] = field(default_factory=list)
    _mode: MatrixMode | None = None

    def employ(self, *names: str, more: str = "") -> None:
        """Add platforms; `more` goes into each entry."""
        self.platforms |= dict.fromkeys(names, more)

    @property
    def run(self) -> ProjectRun:
        entries = [
            f"[platforms.{name}]\ncommand = ['{{python}}', '-S', '{CLERK}', '{name}']\n"
            f"environment = {{OFFICE = '{self.root / 'office'}'}}\nstop_timeout = 2\n{more}"
            for name, more in self.platforms.items()
        ]
        (self.root / "harmony.toml").write_text("\n".join([self.settings, *entries]))
        return ProjectRun(load_project(self.root))

    def play(self, number: str, *words: str, record: Path | None = None) -> ScenarioResult:
        """Play the cell of one scenario and one pairing, by the workers that are left from before."""
        run = self.run
        if self._mode is None:
            self._mode = MatrixMode(run, MatrixRequest(PairingRequest(words), record))
        (scenario,) = (one for one in run.scenarios if one.number == number)
        mode = MatrixMode(run, MatrixRequest(PairingRequest(words)))
        (cell,) = mode.cells([scenario])
        return self._mode.play(cell, self._hear, {}).result

    def close(self) -> None:
        mode, self._mode = self._mode, None
        if mode is not None:
            mode.close(self._hear)

    def runs(self) -> list[list[str]]:
        """Return what was begun: scenario, role, and what names end with."""
        return [line.split(" | ") for line in (self.root / "office" / "runs").read_text().splitlines()]

    def _hear(self, event: Event) -> None:
        if isinstance(event, CellFinished):
            self.finished.append(event)


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    (tmp_path / "office").mkdir()
    (tmp_path / "features").mkdir()
    (tmp_path / "features" / "04-letters.feature").write_text(LETTERS)
    (tmp_path / "features" / "postcards.feature").write_text(POSTCARDS)
    (tmp_path / "post_probes.py").write_text(PROBES)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "post_probes", raising=False)
    office = Office(tmp_path)
    yield office
    office.close()


def error(result: ScenarioResult) -> str:
    return result.failure.error if result.failure else ""


# Whose process, and whose numbers.


def test_a_process_plays_one_scenario_and_is_told_the_numbers_of_its_cell_everywhere(office: Office) -> None:
    """The faithful one refuses a second scenario, and numbers that are not those of its environment."""
    office.employ("faithful")
    results = [office.play(number, "faithful") for number in ("4.1", "4.2", "4.1", "5.1")]
    assert [result.verdict for result in results] == [Verdict.PASSED] * 4, [error(one) for one in results]
    cells = [office.runs()[index : index + 2] for index in range(0, 8, 2)]
    assert all(first[2] == second[2] for first, second in cells), "the roles of a cell make the same names"
    numbers = [tuple(map(int, first[2].split("_"))) for first, _ in cells]
    assert len({host for host, _ in numbers}) == 4, "each cell has a number of its own"
    assert [feature for _, feature in numbers] == [4, 4, 4, feature_id_of(Path("postcards.feature"))]


def test_a_platform_that_says_so_plays_the_whole_session_with_new_numbers_for_each_cell(office: Office) -> None:
    office.employ("traveller", more='lifetime = "session"')
    office.employ("faithful")
    pairings = ("traveller", "traveller_faithful", "faithful_traveller", "traveller")
    for word in pairings:
        result = office.play("4.1", word)
        office.play("4.2", word) if result.verdict is Verdict.PASSED else pytest.fail(error(result))
    assert [one.verdict for one in office.finished] == [Verdict.PASSED] * 8
    runs = [run for _, _, run in office.runs()]
    assert runs[::2] == runs[1::2], "whoever they are, the roles of a cell make the same names"
    assert len(set(runs)) == 8


def test_who_takes_the_numbers_from_its_environment_cannot_play_a_session(office: Office) -> None:
    office.employ("faithful", more='lifetime = "session"')
    result = office.play("4.1", "faithful")
    assert result.verdict in {Verdict.CRASHED, Verdict.ERRORED}
    assert "KeyError: 'HARMONY_HOST_PID'" in error(result)


def test_what_cannot_be_removed_of_a_cell_fails_it(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    office.employ("faithful")
    with monkeypatch.context() as patch:
        patch.setattr(places, "clear", lambda run_id: [f"{run_id}/d/x: busy"])
        result = office.play("4.1", "faithful")
    assert result.verdict is Verdict.FAILED
    assert re.fullmatch(r"cannot be removed: \d+_4/d/x: busy", error(result))


# What was recorded, and is asked again.


def replay(office: Office, recordings: Path, platform: str) -> int:
    office.close()
    _ = office.run
    try:
        replay_command(recordings, platform, "", 5.0, 1.0, office.root)
    except typer.Exit as end:
        return end.exit_code
    return 0


def test_roles_that_waited_for_each_other_are_asked_at_once_again(office: Office, tmp_path: Path) -> None:
    """Asked one after the other, each would wait for the other until its time is over."""
    office.employ("meeting")
    assert office.play("4.1", "meeting", record=tmp_path / "kept").verdict is Verdict.PASSED
    assert replay(office, tmp_path / "kept", "meeting") == 0


def test_a_better_answer_than_the_recorded_failure_is_no_fault(
    office: Office, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    office.employ("lazy", "faithful")
    assert office.play("4.1", "lazy", record=tmp_path / "kept").verdict is Verdict.FAILED
    assert replay(office, tmp_path / "kept", "faithful") == 0
    assert "should hold 'apple': better than recorded: failed then, succeeds now" in capsys.readouterr().out
    assert replay(office, tmp_path / "kept", "lazy") == 0


def test_a_worse_answer_than_the_recorded_success_is_one(office: Office, tmp_path: Path) -> None:
    office.employ("lazy", "faithful")
    assert office.play("4.1", "faithful", record=tmp_path / "kept").verdict is Verdict.PASSED
    assert replay(office, tmp_path / "kept", "faithful") == 0
    assert replay(office, tmp_path / "kept", "lazy") == 1


# What is left behind.

KNOWN_LEAK = '[[expect]]\nplatform = "careless"\nphase = "leaks"\nreason = "it never tidies up"\n'


def expect(office: Office, text: str) -> None:
    (office.root / "expectations.toml").write_text(text)


def stale(office: Office) -> list[str]:
    return office.run.expectations.idle(office.finished, dt.date(2026, 1, 1))


def test_what_is_left_behind_fails_the_cell_and_is_removed(office: Office) -> None:
    office.employ("careless", "deserted")
    objects, processes = office.play("4.1", "careless"), office.play("4.1", "deserted")
    assert (objects.verdict, processes.verdict) == (Verdict.FAILED, Verdict.FAILED)
    assert "left behind (removed now): " in error(objects)
    assert "left 1 process(es) behind" in error(processes)
    assert [one.name for one in (office.root / "office").iterdir()] == ["runs"]


@pytest.mark.parametrize("name", ["careless", "deserted", "haunted"])
def test_a_platform_may_be_allowed_its_leaks(office: Office, name: str) -> None:
    office.employ(name, more="leaks = { check = false }")
    office.employ("faithful")
    assert office.play("4.1", name).verdict is Verdict.PASSED
    assert office.play("4.1", f"faithful_{name}").verdict is Verdict.PASSED
    assert [one.name for one in (office.root / "office").iterdir()] == ["runs"], "it is removed all the same"


def test_a_platform_has_probes_of_its_own(office: Office) -> None:
    office.settings = office.settings.replace('probes = ["post_probes:left"]', "")
    office.employ("careless", more='leaks = { probes = ["post_probes:left"] }')
    assert office.play("4.1", "careless").verdict is Verdict.FAILED


BROKEN_PROBES = """
def left(run_id):
    raise ValueError(f"there is no list of {run_id[:0]}objects")

nothing = None
"""


def test_a_probe_that_cannot_look_fails_the_cell_and_says_so(office: Office) -> None:
    (office.root / "post_probes.py").write_text(BROKEN_PROBES)
    office.employ("faithful")
    result = office.play("4.1", "faithful")
    assert result.verdict is Verdict.FAILED
    assert error(result) == "the probe left could not look: ValueError: there is no list of objects"


@pytest.mark.parametrize("setting", ["leaks.probes", "platforms.faithful.leaks.probes"])
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("post_probes:lefd", "did you mean 'post_probes:left'?"),
        ("post_probes:nothing", "'post_probes:nothing' is no Callable"),
        ("post_probes", 'write {} = "module:ATTRIBUTE"'),
    ],
)
def test_a_probe_that_is_not_there_is_said_before_anything_runs(
    office: Office, setting: str, name: str, said: str
) -> None:
    (office.root / "post_probes.py").write_text(BROKEN_PROBES)
    office.employ("faithful")
    _ = office.run
    lint = Sandbox(office.root).harmony("lint", "--set", f"{setting}=['{name}']")
    run = Sandbox(office.root).pytest("-p", "no:cacheprovider", f"--harmony-set={setting}=['{name}']")
    assert (lint.returncode, run.returncode) == (7, 7)
    for told in (lint.stderr, run.stdout + run.stderr):
        assert f"{setting}: " in told or f"{setting} is " in told
        assert said.format(setting) in told
        assert "Traceback" not in told
    assert not (office.root / "office" / "runs").exists()


def test_lint_finds_probes_beside_the_project_file(office: Office) -> None:
    """No module of steps or providers has been imported from there before."""
    office.employ("pascal", "dumb")
    _ = office.run
    done = Sandbox(office.root / "features").harmony("lint")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["careless", "deserted"])
def test_one_entry_excuses_the_leaks_of_a_platform_where_they_occur_and_reddens_nothing_else(
    office: Office, name: str
) -> None:
    office.employ(name, "faithful", "lazy")
    expect(office, KNOWN_LEAK.replace("careless", name))
    leaking, clean = office.play("4.1", name), office.play("4.3", "faithful")
    assert leaking.verdict is Verdict.KNOWN_FAILURE, error(leaking)
    assert (clean.verdict, error(clean)) == (Verdict.FAILED, "there is no plum")
    failing = office.play("4.3", name)
    assert failing.verdict is Verdict.FAILED, "another failure is not excused"
    assert not stale(office)


def test_a_cell_that_leaves_nothing_passes_though_a_leak_is_known(office: Office) -> None:
    """The one who leaks does so only as the sender."""
    office.employ("careless", "faithful")
    expect(office, KNOWN_LEAK)
    assert office.play("4.1", "careless_faithful").verdict is Verdict.PASSED
    (said,) = stale(office)
    assert said.endswith("stale: it excuses nothing, its cells are passed")
    assert office.play("4.1", "faithful_careless").verdict is Verdict.KNOWN_FAILURE
    assert not stale(office)


def test_a_recorded_leak_is_an_entry_for_leaks(office: Office) -> None:
    office.employ("careless")
    office.play("4.1", "careless")
    expect(office, office.run.expectations.updated(office.finished, [], dt.date(2026, 1, 1)))
    assert office.play("4.2", "careless").verdict is Verdict.FAILED, "of another scenario"
    office.close()
    assert office.play("4.1", "careless").verdict is Verdict.KNOWN_FAILURE
    assert 'phase = "leaks"' in (office.root / "expectations.toml").read_text()


# Who has which sentence.

MINDS = {
    "dumb": ("4.1", Verdict.UNSUPPORTED, "No matching step definition found for"),
    "silent": ("4.1", Verdict.PASSED, ""),
    "of-another-type": ("4.1", Verdict.UNSUPPORTED, "No matching step definition found for"),
    "of-any-type": ("4.1", Verdict.FAILED, "announces this step in discover, but then says"),
    "boaster": ("4.1", Verdict.FAILED, "announces this step in discover, but then says"),
    "plain": ("4.4", Verdict.UNSUPPORTED, "does not announce the capability 'tables'"),
    "faithful": ("4.4", Verdict.PASSED, ""),
}


@pytest.mark.parametrize("name", MINDS)
def test_a_lack_is_unsupported_and_a_false_claim_fails(office: Office, name: str) -> None:
    number, verdict, words = MINDS[name]
    office.employ(name)
    result = office.play(number, name)
    assert (result.verdict, words in error(result)) == (verdict, True), error(result)


def test_tables_and_doc_strings_go_to_who_understands_them(office: Office) -> None:
    office.employ("pascal", "plain")
    assert office.play("4.4", "pascal").verdict is Verdict.PASSED
    assert office.play("4.5", "pascal").verdict is Verdict.PASSED
    result = office.play("4.5", "pascal_plain")
    assert (result.verdict, error(result)) == (
        Verdict.UNSUPPORTED,
        "plain does not announce the capability 'docStrings'",
    )


OURS = """
from harmony import parsers, step

class Post:
    @step("all counters are open")
    def open(self) -> None:
        raise NotImplementedError

    @step(parsers.re("the 'sender' process posts '(?P<letter>.+)'"))
    def post(self, letter: str) -> None:
        raise NotImplementedError
"""


def test_a_sentence_that_only_we_define_is_unsupported_and_says_so(office: Office) -> None:
    (office.root / "post_steps.py").write_text(OURS)
    office.settings = office.settings.replace("steps = []", 'steps = ["post_steps"]')
    office.employ("dumb")
    result = office.play("4.1", "dumb")
    assert result.verdict is Verdict.UNSUPPORTED
    assert re.match(
        r"this sentence needs our own step definitions \(Post\.post\) or one of the worker's: No matching step",
        error(result),
    )


# What lint finds where nobody has a step in Python.


def lint_of(office: Office) -> list[str]:
    return [f"{one.place.file.name}:{one.place.line}: {one.code}: {one.message}" for one in office.run.problems()]


def feature(office: Office, text: str) -> None:
    (office.root / "features" / "06-more.feature").write_text(text)


def test_features_that_the_workers_know_need_no_step_of_ours(office: Office) -> None:
    office.employ("pascal", "dumb")
    assert lint_of(office) == []


def test_a_sentence_that_no_worker_announces_is_reported_with_its_place(office: Office) -> None:
    office.employ("pascal", "dumb")
    feature(
        office,
        "Feature: F\n  Scenario: 6.1 S\n    When the 'sender' process poats 'apple'\n    Then wait for '1' seconds\n",
    )
    assert lint_of(office) == [
        "06-more.feature:3: unannounced: When the 'sender' process poats 'apple': no worker announces it (dumb, pascal)"
    ]
    (problem,) = office.run.problems()
    assert problem.hint == "did you mean: the 'sender' process posts 'apple' (pascal)"


@pytest.mark.parametrize("name", ["silent", "absent"])
def test_where_one_says_not_what_it_knows_no_sentence_is_missed(office: Office, name: str) -> None:
    office.employ("dumb", name)
    if name == "absent":
        office.settings += '[platforms.absent]\ncommand = ["no-such-program"]\n'
        del office.platforms["absent"]
    assert lint_of(office) == []
    assert list(office.run.catalogues.silent) == [name]


@pytest.mark.parametrize(
    ("title", "number", "name"),
    [
        ("6.1 Title", "6.1", "Title"),
        ("6.1 - Title", "6.1", "Title"),
        ("Test 6.1 - Title", "6.1", "Title"),
        ("Test 6.1: Title", "6.1", "Title"),
        ("6.1", "", "6.1"),
        ("A 6.1 Title", "", "A 6.1 Title"),
    ],
)
def test_how_a_numbered_title_begins(office: Office, title: str, number: str, name: str) -> None:
    feature(office, f"Feature: F\n  Scenario: {title}\n    Then the 'receiver' process should hold 'x'\n")
    (scenario,) = (one for one in office.run.scenarios if one.feature == "F")
    assert (scenario.number, scenario.name) == (number, name)


def test_a_project_says_how_its_titles_begin(office: Office) -> None:
    office.settings = office.settings.replace("steps = []", "steps = []\nnumber = '\\[(\\d+\\.\\d+)\\]'")
    feature(office, "Feature: F\n  Scenario: [6.1] Title\n    Then the 'receiver' process should hold 'x'\n")
    (scenario,) = (one for one in office.run.scenarios if one.feature == "F")
    assert (scenario.number, scenario.name) == ("6.1", "Title")


@pytest.mark.parametrize(
    ("pattern", "said"), [("(", "no regular expression"), ("Test ", "its first group is the number")]
)
def test_what_says_no_number_is_refused(office: Office, pattern: str, said: str) -> None:
    office.settings = office.settings.replace("steps = []", f"steps = []\nnumber = '{pattern}'")
    with pytest.raises(ConfigurationError, match=said):
        _ = office.run


def test_plain_pytest_plays_a_project_without_steps_of_its_own_with_its_workers(office: Office) -> None:
    office.employ("pascal", "dumb")
    _ = office.run
    (office.root / "pytest.ini").write_text("[pytest]\n")
    sandbox = Sandbox(office.root)
    sandbox.write("test_unit.py", "def test_unit():\n    assert True\n")
    done = sandbox.pytest("-p", "no:cacheprovider", "--no-progress")
    words = sandbox.pytest("-p", "no:cacheprovider", "--no-progress", "pascal", "4.1")
    assert "22 cells: 10 passed, 2 failed, 10 unsupported" in done.stdout, done.stdout + done.stderr
    assert "test_unit.py ." in done.stdout, "and what is no scenario runs, too"
    assert words.returncode == 0, words.stdout + words.stderr


def test_nothing_is_drafted_in_python_where_only_workers_know_the_sentences(office: Office) -> None:
    office.employ("pascal")
    feature(office, "Feature: F\n  Scenario: 6.1 S\n    Then the 'receiver' process should hum\n")
    _ = office.run
    done = Sandbox(office.root).harmony("scaffold", "-o", "drafts")
    assert done.returncode == 7, done.stdout
    assert "steps = []" in done.stderr
    assert "give a worker a step definition" in done.stderr
    assert not (office.root / "drafts").exists()


# Roles.


ROLES = "[roles]\nsender = 'posts letters'\nReceiver = 'keeps them'\n"


def test_a_role_that_nobody_declares_is_an_error_and_which_may_be_meant(office: Office) -> None:
    office.employ("pascal")
    feature(office, "Feature: F\n  Scenario: 6.1 S\n    Then the 'reciever' process should hold 'x'\n")
    assert [line for line in lint_of(office) if "unknown_role" in line] == [], "none are declared"
    office.settings += ROLES
    (found,) = (line for line in lint_of(office) if "unknown_role" in line)
    assert found == "06-more.feature:3: unknown_role: the role 'reciever' is not declared: did you mean 'receiver'?"


def test_a_platform_plays_declared_roles_only(office: Office) -> None:
    office.employ("pascal", more="[platforms.pascal.roles.sendr]\ncapabilities = []")
    _ = office.run
    office.settings += ROLES
    with pytest.raises(
        ConfigurationError, match=r"platforms\.pascal\.roles: the role 'sendr' is not declared: did you mean 'sender'"
    ):
        _ = office.run


# What is claimed.

EXPRESS = """
Feature: F
  @express
  Scenario: 6.1 S
    When the 'sender' process posts 'x'
    Then the 'receiver' process should hold 'x'
"""


@pytest.mark.parametrize(
    ("claims", "sender", "verdict", "said"),
    [
        ('capabilities = ["express"]', "faithful", Verdict.PASSED, ""),
        ('capabilities = ["express"]', "lazy", Verdict.FAILED, "there is no x"),
        ("", "faithful", Verdict.UNEXPECTED_PASS, "not claimed: faithful: express; yet the scenario passes: claim it"),
        ("", "lazy", Verdict.UNSUPPORTED, "not claimed: faithful: express, lazy: express"),
        (
            'capabilities = ["express"]\n[platforms.{}.roles.sender]\ncapabilities = []',
            "faithful",
            Verdict.UNEXPECTED_PASS,
            "not claimed: faithful as sender: express; yet the scenario passes: claim it",
        ),
        (
            'capabilities = ["express"]\n[platforms.{}.roles.sender]\ncapabilities = []',
            "lazy",
            Verdict.UNSUPPORTED,
            "not claimed: lazy as sender: express",
        ),
        (
            'roles = {{ sender = {{ capabilities = ["express"] }}, receiver = {{ capabilities = ["express"] }} }}',
            "faithful",
            Verdict.PASSED,
            "",
        ),
    ],
)
def test_what_is_claimed_for_a_role(office: Office, claims: str, sender: str, verdict: Verdict, said: str) -> None:
    office.settings = office.settings.replace("steps = []", 'steps = []\ncapabilities = ["express"]')
    feature(office, EXPRESS)
    for name in ("faithful", "lazy"):
        office.employ(name, more=claims.format(name) if "{" in claims else claims)
    result = office.play("6.1", f"faithful_{sender}")
    assert result.verdict is verdict
    assert said in "\n".join(one.error for one in result.results)


@pytest.mark.parametrize(
    ("asks", "verdict", "said"),
    [
        ("@sender:express", Verdict.UNSUPPORTED, "not claimed: lazy as sender: express"),
        ("@receiver:express", Verdict.FAILED, "there is no x"),
    ],
)
def test_a_capability_may_be_asked_of_one_role(office: Office, asks: str, verdict: Verdict, said: str) -> None:
    office.settings = office.settings.replace("steps = []", 'steps = []\ncapabilities = ["express"]')
    feature(office, EXPRESS.replace("@express", asks))
    office.employ("faithful", more='capabilities = ["express"]')
    office.employ("lazy")
    result = office.play("6.1", "faithful_lazy")
    assert result.verdict is verdict
    assert said in "\n".join(one.error for one in result.results)
