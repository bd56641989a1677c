"""The matrix through pytest: words, roles, exit codes, the same in parallel, over machines, and with recordings."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from harmony.verdict.events import StepSupport, read_file
from peer import WORKERS, environment
from pytests import ALONE, words_of_pytest
from sandbox import Sandbox

ANIMAL = WORKERS / "animal.py"
FEATURE = """
Feature: Zoo
  Scenario: 1.1 One puts and the other finds
    Given all processes are ready
    When the 'writer' process puts 'apple'
    Then the 'reader' process should find 'apple'

  Scenario: 1.2 One finds what nobody has put
    Given all processes are ready
    Then the 'reader' process should find 'nothing'

  Scenario: 1.3 Three of them
    When the 'writer' process puts 'pear'
    Then the 'reader' process should find 'pear'
    And the 'writer' process puts 'apple'
    Then the 'reader' process should find 'apple'
    Given the 'relay' process should find 'apple'
"""
STEPS = r"""
from pytest_bdd import parsers
from harmony.steps.registry import step


class Zoo:
    @step("all processes are ready")
    def ready(self) -> None:
        raise NotImplementedError

    @step(parsers.re(r"the 'writer' process puts '(?P<name>.+)'"))
    def puts(self, name: str) -> None:
        raise NotImplementedError

    @step(parsers.re(r"the '(?:reader|relay)' process should find '(?P<name>.+)'"))
    def finds(self, name: str) -> None:
        raise NotImplementedError
"""
ANIMALS = (
    *("good", "other", "killed", "never", "wrong-id", "lacks-it", "lacks-it-in-cpp", "lacks-it-in-csharp"),
    "success-without-doing",
    "exit-3-at-shutdown",
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "features").mkdir()
    (tmp_path / "shared").mkdir()
    (tmp_path / "features" / "1-zoo.feature").write_text(FEATURE)
    (tmp_path / "zoo_steps.py").write_text(STEPS)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    lines = ['steps = ["zoo_steps"]', 'repeat = "./test.sh {words} --seed {seed}"', "[timeouts]", "step = 0.5"]
    for name in ANIMALS:
        animal = "good" if name == "other" else name
        lines += [
            f"[platforms.{name}]",
            f'command = ["{{python}}", "-S", "{ANIMAL}", "{animal}"]',
            'lifetime = "session"',
            f'environment = {{ZOO_DIR = "{tmp_path / "shared"}"}}',
        ]
    lines += ["[platforms.absent]", 'command = ["no-such-program"]']
    (tmp_path / "harmony.toml").write_text("\n".join(lines))
    return tmp_path


def run(project: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return Sandbox(project).pytest("-p", "no:cacheprovider", "--no-progress", *words, PYTHONPATH=str(project))


def run_behind(prefix: Sequence[str], project: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*prefix, *words_of_pytest("-p", "no:cacheprovider", "--no-progress", *words)],
        cwd=project,
        env=environment() | ALONE | {"PYTHONPATH": str(project)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def verdicts(output: str) -> dict[str, str]:
    """Read the matrix that the run ends with; rows of one pairing only."""
    table = output.partition(" matrix ===")[2]
    return dict(re.findall(r"^(\d\.\d) .*?  +([A-Za-z/]+)$", table, re.MULTILINE))


def test_a_word_runs_its_pairing(project: Path) -> None:
    done = run(project, "good_other", "1.1", "-v")
    assert done.returncode == 0, done.stdout
    assert "good_other" in done.stdout
    assert verdicts(done.stdout) == {"1.1": "ok"}


BUILD = f"import pathlib; pathlib.Path('made.py').write_text(pathlib.Path({str(ANIMAL)!r}).read_text())"


def test_the_matrix_builds_what_it_can_once_and_says_what_went_wrong(project: Path) -> None:
    (project / "build.py").write_text(BUILD)
    lines = ["[platforms.made]", 'command = ["{python}", "-S", "./made.py", "good"]', 'sources = ["build.py"]']
    lines += ['build = ["{python}", "build.py"]', f'environment = {{ZOO_DIR = "{project / "shared"}"}}']
    lines += ["[platforms.tools]", 'command = ["./tools"]', 'build = ["x"]', 'requires = {no-such-tool = "a-package"}']
    settings = project / "harmony.toml"
    settings.write_text("\n".join([settings.read_text(), *lines]))
    words = ("matrix", "made", "1.1")
    left, first, second = run(project, *words, "--no-build"), run(project, *words), run(project, *words, "-n", "1")
    assert (left.returncode, "made is not available: not built" in left.stderr) == (4, True), left.stderr
    assert (first.returncode, "made: built in" in first.stdout) == (0, True), first.stdout + first.stderr
    assert "tools: not built: there is no no-such-tool here; install it" in first.stdout
    assert (second.returncode, "made: built in" in second.stdout) == (0, False), second.stdout + second.stderr
    (project / "build.py").write_text("1 / 0")
    broken = run(project, *words)
    assert (broken.returncode, "made: not built: the build failed" in broken.stderr) == (1, True), broken.stderr


def test_a_failure_has_its_seed_and_the_command_that_repeats_it(project: Path) -> None:
    done = run(project, "--pairing", "good_other", "--scenario", "1.2", "--seed", "7")
    assert done.returncode == 1
    assert "there is no nothing" in done.stdout
    assert re.search(r"repeat with: \./test\.sh \S+ 1\.2 --seed 7", done.stdout)


def test_three_roles_take_three_words_and_pairwise_takes_fewer(project: Path) -> None:
    three = run(project, "--pairing", "good_other_good", "--scenario", "1.3", "--collect-only", "-q")
    assert "1.3 Three of them[reader=good,relay=other,writer=good]" in three.stdout
    assert run(project, "--pairing", "good_other", "--scenario", "1.3").returncode == 5
    words = ("--role", "reader=good", "--scenario", "1.3", "--collect-only", "-q")
    full, few = (run(project, *words, *more).stdout.count("[reader=good") for more in ((), ("--pairwise",)))
    assert full == len(ANIMALS) ** 2
    # Reader is fixed, so every pair of the two others is a whole pairing: nothing can be left out.
    assert few == full


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--pairing", "java"), "names no pairing"),
        (("--pairing", "absent_good"), "absent is not available: there is no program no-such-program"),
        (("--role", "reader=java"), "names no role and platform"),
        (("--pairing", "good", "--scenario", "9.9"), "9.9"),
    ],
)
def test_what_cannot_be_is_a_usage_error(project: Path, words: tuple[str, ...], said: str) -> None:
    done = run(project, *words)
    assert done.returncode == 4, done.stdout + done.stderr
    assert said in done.stdout + done.stderr


def test_each_kind_of_outcome_has_an_exit_code_of_its_own(project: Path) -> None:
    codes = {
        name: run(project, "--pairing", f"good_{name}", "--scenario", "1.1").returncode
        for name in ("good", "killed", "never", "wrong-id", "success-without-doing")
    }
    assert codes.pop("good") == 0
    assert len(set(codes.values())) == len(codes), codes
    assert codes["success-without-doing"] == 1


@pytest.mark.parametrize("words", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_a_crash_after_the_last_cell_turns_it_red(project: Path, words: tuple[str, ...]) -> None:
    pairings = ("--pairing", "good_exit-3-at-shutdown", "--pairing", "good")
    done = run(project, *pairings, "--scenario", "1.1", "--events", "x.ndjson", *words)
    assert done.returncode == 11, done.stdout + done.stderr
    assert "2 cells: 1 passed, 1 crashed" in done.stdout
    assert "crashed: after this cell, exit-3-at-shutdown exited with code 3, asked to end after shutdown" in done.stdout
    report = Sandbox(project).harmony("report", "x.ndjson")
    assert report.returncode == 11, report.stdout + report.stderr


def test_unsupported_is_no_pass(project: Path) -> None:
    done = run(project, "--pairing", "good_lacks-it", "--scenario", "1.1")
    assert "1 unsupported" in done.stdout
    assert "passed" not in done.stdout.rpartition("cells:")[2].partition("\n")[0]


def test_in_parallel_the_same_cells_end_the_same(project: Path) -> None:
    words = ("--pairing", "good_other", "--pairing", "good_killed", "--pairing", "good_good", "--pairing", "good_never")
    serial, parallel = run(project, *words), run(project, *words, "-n", "2")
    assert serial.returncode == parallel.returncode != 0

    def table(output: str) -> str:
        return output.partition(" matrix ===")[2].partition("\n\n")[0].partition("\n")[2]

    assert table(serial.stdout)
    assert table(serial.stdout) == table(parallel.stdout)


def test_conversations_are_recorded_and_replay(project: Path) -> None:
    done = run(project, "--pairing", "good_other", "--scenario", "1.1", "--record", "kept")
    assert done.returncode == 0, done.stdout
    assert len(list((project / "kept").iterdir())) == 2
    replayed = {
        platform: Sandbox(project).harmony("replay", "kept", "--platform", platform, PYTHONPATH=str(project))
        for platform in ("good", "success-without-doing")
    }
    assert replayed["good"].returncode == 0, replayed["good"].stdout
    # A writer that lies is found out by its reader, whose answer is then another.
    assert replayed["success-without-doing"].returncode == 1
    assert "there is no apple" in replayed["success-without-doing"].stdout


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=10)


@contextlib.contextmanager
def two_machines() -> Iterator[tuple[str, str, str]]:
    """Give two network namespaces with a cable between them, and the address of the second."""
    tag = secrets.token_hex(3)
    here, there, address = f"hm1{tag}", f"hm2{tag}", "10.231.0.2"
    with contextlib.ExitStack() as stack:
        for name in (here, there):
            ip("netns", "add", name)
            stack.callback(ip, "netns", "del", name)
        ip("link", "add", f"a{tag}", "netns", here, "type", "veth", "peer", "name", f"b{tag}", "netns", there)
        for name, link, own in ((here, f"a{tag}", "10.231.0.1"), (there, f"b{tag}", address)):
            ip("-n", name, "addr", "add", f"{own}/24", "dev", link)
            ip("-n", name, "link", "set", link, "up")
            ip("-n", name, "link", "set", "lo", "up")
        yield here, there, address


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("ip") is None, reason="two network namespaces need root and ip")
def test_cells_run_on_another_machine(project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Two network namespaces stand for two machines; pytest-xdist's socket workers go from one to the other."""
    far, networks_file = tmp_path_factory.mktemp("far"), tmp_path_factory.mktemp("seen") / "networks"
    # The worker itself says in which network it runs.
    witness = f'open({str(networks_file)!r}, "a").write(os.readlink("/proc/self/ns/net"))'
    text = ANIMAL.read_text().replace("def main() -> None:\n", f"def main() -> None:\n    {witness}\n")
    (project / "witness.py").write_text(text)
    settings = (project / "harmony.toml").read_text().replace(str(ANIMAL), "witness.py")
    (project / "harmony.toml").write_text(settings)
    with two_machines() as (here, there, address):
        network = subprocess.run(
            ["ip", "netns", "exec", there, "readlink", "/proc/self/ns/net"],
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        ).stdout.strip()
        with subprocess.Popen(
            [
                "ip",
                "netns",
                "exec",
                there,
                sys.executable,
                "-u",
                "-m",
                "execnet.script.socketserver",
                f"{address}:8888",
            ],
            cwd=far,
            env=environment() | ALONE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as server:
            try:
                assert server.stdout is not None
                assert b"Accept loop" in server.stdout.readline()
                done = run_behind(
                    ("ip", "netns", "exec", here),
                    project,
                    str(project / "features"),
                    *(
                        "--pairing",
                        "good_other",
                        "--scenario",
                        "1.1",
                        "-W",
                        "ignore::DeprecationWarning",
                        "-v",
                    ),
                    *("--dist", "load", "--tx", f"socket={address}:8888//chdir={far}", "--rsyncdir", str(project)),
                )
            finally:
                server.kill()
    assert verdicts(done.stdout)["1.1"] == "ok", done.stdout + done.stderr
    networks = re.findall(r"net:\[\d+\]", networks_file.read_text())
    assert networks
    assert set(networks) == {network}
    assert network != os.readlink("/proc/self/ns/net")  # noqa: PTH115 - a name, not a path


def test_who_lacks_a_step_says_so_in_the_table_in_its_own_words(project: Path) -> None:
    words = [
        word for name in ("lacks-it", "lacks-it-in-cpp", "lacks-it-in-csharp") for word in ("--pairing", f"good_{name}")
    ]
    done = run(project, *words, "--pairing", "good", "--scenario", "1.1", "--events", "x.ndjson", "-n", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 cells: 1 passed, 3 unsupported" in done.stdout
    for said in (
        "the 'writer' process puts '…'    has      lacks         lacks             lacks",
        "    lacks-it, 1 cell: No matching step definition found for: that",
        "    lacks-it-in-cpp, 1 cell: [StepRegistry] Step not found: that",
        "    lacks-it-in-csharp, 1 cell: No step definition was found for that",
    ):
        assert said in done.stdout, done.stdout
    (told,) = (event for event in read_file(project / "x.ndjson") if isinstance(event, StepSupport))
    assert {name: one.state.value for name, one in told.platforms.items()} == {
        "good": "has",
        "lacks-it": "lacks",
        "lacks-it-in-cpp": "lacks",
        "lacks-it-in-csharp": "lacks",
    }
    assert "<q>[StepRegistry] Step not found: that</q>" in (project / ".harmony" / "matrix.html").read_text()
