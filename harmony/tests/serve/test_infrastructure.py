"""Workers as an infrastructure: up, attach, down; and nothing survives an orchestrator, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from harmony.errors import HarmonyError
from harmony.model import Verdict
from harmony.plan.cells import Cell
from harmony.plan.pairing import Pairing
from harmony.platform_settings import Platform
from harmony.process.child import ChildProcess, ProcessSpec
from harmony.process.marks import RUN_VARIABLE, processes_with
from harmony.project import load_project
from harmony.run.orchestrator import CellRunner
from harmony.run.pool import WorkerPool, endpoint_of, unavailable
from harmony.run.recording import Exchange, Recording, dump
from harmony.run.scenario_run import RunOptions
from harmony.serve import infrastructure
from harmony.serve.infrastructure import UP_VARIABLE, down, running, up
from harmony.spec.gherkin import read_feature
from peer import environment, until
from sandbox import Sandbox, run_python

PROJECT = """
steps = []
[platforms.parrot]
command = ["{python}", "-m", "harmony", "serve", "--replay", "r.yaml"]
listen = ["{python}", "-m", "harmony", "serve", "--replay", "r.yaml", "--listen", "{socket}"]
"""


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "features").mkdir()
    (tmp_path / "harmony.toml").write_text(PROJECT)
    params = {"Process": "a", "StepType": 1, "Step": "the 'a' process sings", "Parameters": {}, "Context": {}}
    recording = Recording("a", "parrot", [Exchange("executeStep", [params], {"success": True})])
    (tmp_path / "r.yaml").write_text(dump(recording))
    yield tmp_path
    down(tmp_path / ".harmony")


def harmony(project: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return Sandbox(project).harmony(*words)


def test_up_attach_down(project: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    begun = harmony(project, "up")
    assert begun.returncode == 0, begun.stderr
    (one,) = running(project / ".harmony")
    lines = (project / ".harmony" / "endpoints.env").read_text().splitlines()
    assert lines == [f"HARMONY_PARROT_ENDPOINT=unix:{one.socket}"]
    again = harmony(project, "up")
    assert again.returncode != 0
    assert "workers are up already" in again.stderr

    name, _, value = lines[0].partition("=")
    monkeypatch.setenv(name, value)
    assert endpoint_of("parrot") == Path(one.socket)
    feature = tmp_path / "x.feature"
    feature.write_text(
        "Feature: F\n  Scenario: 1.1 S\n    When the 'a' process sings\n    And the 'a' process is killed\n"
    )
    pool = WorkerPool({"parrot": Platform(command=("no-such-program",))}, tmp_path, 1)
    runner = CellRunner(pool, RunOptions())
    try:
        result = runner.run(Cell(read_feature(feature).scenarios[0], Pairing.of({"a": "parrot"})))
    finally:
        runner.close()
    # What was started elsewhere is used, and neither started nor ended from here.
    assert result.results[0].verdict is Verdict.PASSED
    assert result.verdict is Verdict.UNSUPPORTED
    assert pool.started == 0
    assert psutil.pid_exists(one.pid)

    ended = harmony(project, "down")
    assert "ended: parrot" in ended.stdout
    assert until(lambda: not processes_with(UP_VARIABLE, one.mark))
    assert not Path(one.socket).parent.exists()
    assert not running(project / ".harmony")
    assert "nothing was up" in harmony(project, "down").stdout


def test_nobody_at_the_endpoint_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HARMONY_PARROT_ENDPOINT", f"unix:{tmp_path / 'none.sock'}")
    feature = tmp_path / "x.feature"
    feature.write_text("Feature: F\n  Scenario: 1.1 S\n    When the 'a' process sings\n")
    runner = CellRunner(WorkerPool({"parrot": Platform(command=("x",))}, tmp_path, 1), RunOptions())
    result = runner.run(Cell(read_feature(feature).scenarios[0], Pairing.of({"a": "parrot"})))
    runner.close()
    assert result.failure is not None
    assert "nobody answers at" in result.failure.error


def test_one_command_does_up_tests_down(project: Path) -> None:
    script = "import os, sys; sys.exit(42 if os.path.exists(os.environ['HARMONY_PARROT_ENDPOINT'][5:]) else 1)"
    done = harmony(project, "with-workers", "--", sys.executable, "-c", script)
    assert done.returncode == 42, done.stderr
    assert not running(project / ".harmony")
    assert harmony(project, "with-workers").returncode == 4


@pytest.mark.parametrize(
    ("listen", "patience", "words"),
    [
        (
            (sys.executable, "-c", "import sys; sys.exit('no memory for the ring')"),
            60.0,
            "(?s)bad ended.*no memory for the ring",
        ),
        ((sys.executable, "-c", "import time; time.sleep(600)"), 1.0, "bad is not healthy after 1 s"),
        (("no-such-program",), 1.0, "cannot start bad"),
        ((), 1.0, "cannot listen: bad"),
    ],
)
def test_what_does_not_become_healthy_is_said_and_nothing_stays(
    tmp_path: Path, listen: tuple[str, ...], patience: float, words: str
) -> None:
    platforms = {
        "bad": Platform(command=("x",), listen=listen, start_timeout=patience, environment={"UP_TEST": str(tmp_path)})
    }
    with pytest.raises(HarmonyError, match=words):
        up(platforms, tmp_path, tmp_path / "state")
    assert not running(tmp_path / "state")
    assert until(lambda: not processes_with("UP_TEST", str(tmp_path)))


def test_who_cannot_be_started_leaves_no_directory_for_sockets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sockets = tmp_path / "sockets"
    sockets.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(sockets))
    absent = Platform(command=("no-such-program",), listen=("no-such-program", "{socket}"))
    with pytest.raises(HarmonyError):
        up({"absent": absent}, tmp_path, tmp_path / "state")
    assert list(sockets.iterdir()) == []


def test_a_worker_that_ignores_term_is_killed(tmp_path: Path) -> None:
    script = (
        "import signal, sys, subprocess; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        "subprocess.run([sys.executable, '-m', 'harmony', 'serve', '--replay', 'r.yaml', '--listen', sys.argv[1]]); "
        "signal.pause()"
    )
    (tmp_path / "r.yaml").write_text(dump(Recording("a", "p", [Exchange("health")])))
    command = (sys.executable, "-c", script, "{socket}")
    platform = Platform(command=("x",), listen=command)
    (one,) = up({"bad": platform}, tmp_path, tmp_path / "state")
    down(tmp_path / "state", grace=0.5)
    assert until(lambda: not processes_with(UP_VARIABLE, one.mark))


def test_unknown_platforms_are_named() -> None:
    with pytest.raises(HarmonyError, match="there is no platform 'x'"):
        infrastructure.select_platforms({}, ["x"])


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_survives_an_orchestrator_however_it_ends(tmp_path: Path, how: signal.Signals) -> None:
    """Its worker ignores TERM and the end of its input, and has a daemon of its own."""
    script = (
        "import signal, sys\n"
        "from harmony.process.child import ChildProcess, ProcessSpec\n"
        "stubborn = 'import os,signal,time\\nsignal.signal(15, 1)\\nif not os.fork(): os.setsid()\\ntime.sleep(600)'\n"
        "child = ChildProcess(ProcessSpec('x', [sys.executable, '-S', '-c', stubborn]))\n"
        "from harmony.process.marks import RUN_VARIABLE, processes_with\n"
        "from harmony.process.child import _run\n"
        "while len(processes_with(RUN_VARIABLE, _run.mark)) < 2: pass\n"
        "print(_run.mark, flush=True)\n"
        "signal.pause()\n"
    )
    orchestrator = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env=environment()
    )
    assert orchestrator.stdout is not None
    with orchestrator:
        mark = orchestrator.stdout.readline().strip()
        assert len(processes_with(RUN_VARIABLE, mark)) == 2
        orchestrator.send_signal(how)
        orchestrator.wait(10)
        assert until(lambda: not processes_with(RUN_VARIABLE, mark))


def test_the_ladder_ends_everything_and_leaves_no_zombie() -> None:
    script = "import signal,time,subprocess; signal.signal(15, 1); subprocess.Popen(['sleep', '600']); time.sleep(600)"
    child = ChildProcess(ProcessSpec("x", [sys.executable, "-S", "-c", script]))
    assert until(lambda: len(child.family()) == 2)
    began = time.monotonic()
    left = child.end(patience=0.2, grace=0.2)
    assert time.monotonic() - began < 60  # the sleepers sleep for ten minutes
    assert child.how_it_ended() == "was killed by SIGKILL"
    assert child.family() == []
    assert not psutil.pid_exists(child.pid)
    # Its orphan is reaped by whoever has inherited it.
    assert until(lambda: not any(psutil.pid_exists(pid) for pid in left))
    child.release()


def test_build_runs_each_build_command_and_passes_over_what_has_no_tool(tmp_path: Path) -> None:
    (tmp_path / "harmony.toml").write_text(
        "steps = []\n"
        '[platforms.made]\ncommand = ["./made"]\nbuild = ["sh", "-c", "printf x > made; chmod +x made"]\n'
        '[platforms.toolless]\ncommand = ["./toolless"]\nbuild = ["no-such-compiler"]\n'
        '[platforms.broken]\ncommand = ["./broken"]\nbuild = ["sh", "-c", "exit 3"]\n'
    )
    every = harmony(tmp_path, "build")
    assert every.returncode == 1
    assert "made: ready" in every.stdout
    assert "toolless: not built: there is no no-such-compiler here" in every.stderr
    assert "broken: not built: the build failed" in every.stderr
    assert harmony(tmp_path, "build", "made").returncode == 0
    assert harmony(tmp_path, "build", "toolless").returncode == 1
    assert "no platform 'x'" in harmony(tmp_path, "build", "x").stderr


@pytest.mark.parametrize("tool", ["no-such-compiler", "no/such.hpp"])
def test_what_is_missing_is_named_with_its_package(tool: str, tmp_path: Path) -> None:
    (tmp_path / "harmony.toml").write_text(
        "steps = []\n"
        '[platforms.far]\ncommand = ["bin/far"]\nbuild = ["no-such-compiler"]\n'
        f'requires = {{ "{tool}" = "some-package" }}\n'
    )
    done = harmony(tmp_path, "build")
    assert done.returncode == 0
    told = f"far: not built: there is no {tool} here; install it (Debian: apt-get install some-package)"
    assert told in done.stderr


def test_a_program_made_from_other_sources_counts_as_not_built(tmp_path: Path) -> None:
    (tmp_path / "harmony.toml").write_text(
        "steps = []\n"
        '[platforms.made]\ncommand = ["bin/made"]\nsources = ["src/**/*.c"]\n'
        'build = ["sh", "-c", "mkdir -p bin; cat src/*.c > bin/made; chmod +x bin/made"]\n'
    )
    source = tmp_path / "src" / "made.c"
    source.parent.mkdir()
    source.write_text("one")
    platform = load_project(tmp_path).settings.platforms["made"]
    assert unavailable("made", platform, tmp_path) == "not built: run `harmony build made`"
    assert "made: ready" in harmony(tmp_path, "build").stdout
    assert unavailable("made", platform, tmp_path) == ""
    source.write_text("two")
    assert unavailable("made", platform, tmp_path) == "built from other sources than these: run `harmony build made`"
    source.write_text("one")
    assert unavailable("made", platform, tmp_path) == ""
    # Built by hand, and changed since: nobody noted anything, so the times of the files decide.
    program = tmp_path / "bin" / "made"
    later = source.stat().st_mtime + 10
    os.utime(program, (later, later))
    assert unavailable("made", platform, tmp_path) == ""
    os.utime(source, (later + 10, later + 10))
    assert "built from other sources" in unavailable("made", platform, tmp_path)


def test_what_changes_while_it_is_built_makes_the_program_one_of_other_sources(tmp_path: Path) -> None:
    (tmp_path / "harmony.toml").write_text(
        'steps = []\n[platforms.made]\ncommand = ["bin/made"]\nsources = ["made.c"]\n'
        'build = ["sh", "-c", "mkdir -p bin; cp made.c bin/made; chmod +x bin/made; echo two > made.c"]\n'
    )
    (tmp_path / "made.c").write_text("one")
    assert harmony(tmp_path, "build").returncode == 1
    platform = load_project(tmp_path).settings.platforms["made"]
    assert unavailable("made", platform, tmp_path) == "built from other sources than these: run `harmony build made`"


def test_two_builds_of_a_platform_wait_for_each_other(tmp_path: Path) -> None:
    (tmp_path / "harmony.toml").write_text(
        'steps = []\n[platforms.made]\ncommand = ["bin/made"]\n'
        'build = ["sh", "-c", "mkdir at-work && sleep 1 && rmdir at-work && mkdir -p bin && cp /bin/true bin/made"]\n'
    )
    with ThreadPoolExecutor() as both:
        done = list(both.map(lambda _: run_python(tmp_path, "-m", "harmony", "build"), range(2)))
    assert [one.returncode for one in done] == [0, 0], [one.stderr for one in done]
