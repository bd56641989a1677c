"""One process of harmony plays many trials, side by side, and each ends as a run of its own would."""

from __future__ import annotations

import asyncio
import json
import os
import select
import signal
from collections.abc import Mapping
from textwrap import dedent
from typing import Final

import psutil
import pytest

from adder import SETTINGS, STEPS, write_adder
from harmony.model import Verdict
from harmony.mutate.harness import Harness
from harmony.mutate.target import Target
from harmony.mutate.trial import Shown
from harmony.mutate.workshop import Workshop
from harmony.project import load_project
from harmony.run.trials import Trial
from pytests import ALONE
from sandbox import Sandbox

FEATURE: Final = """
    Feature: Sums
      Scenario: 1.1 Right
        Then the 'adder' process adds 2 and 3 to 5

      Scenario: 1.2 Wrong
        Then the 'adder' process adds 2 and 3 to 6

      Scenario: 1.3 The process dies
        Then the 'adder' process adds 1 and 404 to 405

      Scenario: 1.4 No answer comes
        Then the 'adder' process adds 1 and 408 to 409

      Scenario: 1.5 Something is left behind
        Then the 'adder' process adds 1 and 507 to 508

      Scenario: 1.6 The larger one
        Then the 'adder' process finds 3 larger than 2
"""
FAULTY: Final = """
    import os
    import pathlib
    import threading


    def add(one, other):
        if other == 404:
            os.abort()
        if other == 408:
            if os.path.exists("began"):
                pathlib.Path("began").write_text("x")
            threading.Event().wait()
        if other == 507:
            pathlib.Path(f"left_{os.getppid()}").touch()
        return one + other


    def larger(one, other):
        return max(one, other)
"""
PROBES: Final = '''
    """What the adder leaves behind."""

    import os
    from pathlib import Path


    def left(run_id):
        return [str(path) for path in Path(__file__).parent.glob(f"left_{os.getpid()}")]
'''
LIMITS: Final = """
    [leaks]
    probes = ["probes:left"]
    [timeouts]
    step = {step}
"""
ENDS: Final = {
    "1.1[adder=tin]": Verdict.PASSED,
    "1.2[adder=tin]": Verdict.FAILED,
    "1.3[adder=tin]": Verdict.CRASHED,
    "1.4[adder=tin]": Verdict.TIMED_OUT,
    "1.5[adder=tin]": Verdict.FAILED,
    "1.6[adder=tin]": Verdict.PASSED,
}
HANGS: Final = "1.4[adder=tin]"
FOR_EVER: Final = 600
DEADLINE: Final = 60


def faulty(box: Sandbox, step: float = 1) -> Sandbox:
    """Write an adder that fails in each way."""
    write_adder(box)
    settings = "".join(
        line for line in SETTINGS.splitlines(keepends=True) if not line.strip().startswith(("build", "sources"))
    )
    box.write("harmony.toml", settings.replace("[driver]", LIMITS.format(step=step) + "\n    [driver]", 1))
    box.write("features/sums.feature", FEATURE)
    box.write("tin/adder.py", FAULTY)
    box.write("probes.py", PROBES)
    return box


def harness_of(box: Sandbox) -> Harness:
    target = Target.of(load_project(box.directory), "tin")
    return Harness(Workshop(target.project, box.directory, "tin"), target.words)


def trial(*numbers: str, most: int = 0) -> Trial:
    return Trial(cells={f"{number}[adder=tin]": 0.1 for number in numbers}, most=most)


def ends(shown: Shown) -> Mapping[str, Verdict]:
    return {**dict.fromkeys(shown.passed, Verdict.PASSED), **{one.cell: one.verdict for one in shown.red}}


def left(box: Sandbox) -> list[list[str]]:
    """Return what runs in a project, or speaks of it."""
    every = [one.info for one in psutil.process_iter(["cmdline", "cwd"])]
    here = str(box.directory)
    return [one["cmdline"] for one in every if one["cwd"] == here or here in " ".join(one["cmdline"] or ())]


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ALONE.items():
        monkeypatch.setenv(name, value)


def test_a_copy_beside_which_another_plays_all_starts_nothing(sandbox: Sandbox) -> None:
    """Of two copies the second has nothing to play, where a project has fewer cells than a part."""
    faulty(sandbox)
    assert asyncio.run(harness_of(sandbox).play([])) == Shown()
    assert left(sandbox) == []


def test_trials_side_by_side_and_one_after_the_other_end_as_a_run_does(sandbox: Sandbox) -> None:
    """Each kind of red, a leak that is this process's own, the order that was asked for, and nothing that stays."""
    faulty(sandbox)

    async def played() -> tuple[Shown, Shown]:
        harness = harness_of(sandbox)
        try:
            together = await harness.play([trial("1.5", "1.1", "1.2", "1.6"), trial("1.3", "1.4")])
            return together, await harness.play([trial("1.2", "1.1", most=1)])
        finally:
            await harness.close()

    together, one = asyncio.run(played())
    sandbox.harmony("run", "-j", "1", "--no-build", "--events=events.ndjson")
    told = [json.loads(line) for line in (sandbox.directory / "events.ndjson").read_text("utf-8").splitlines()]
    assert {event["cell"]: event["verdict"] for event in told if event["event"] == "cell-finished"} == ENDS
    assert (together.trouble, ends(together)) == ("", ENDS)
    assert (one.trouble, ends(one)) == ("", {"1.2[adder=tin]": Verdict.FAILED})
    assert left(sandbox) == []


def test_a_red_cell_ends_the_trials_beside_it(sandbox: Sandbox) -> None:
    """The other one would take ten minutes."""
    faulty(sandbox, FOR_EVER)

    async def played() -> Shown:
        harness = harness_of(sandbox)
        try:
            beside = Trial(cells={HANGS: 0.1}, limited=False)
            return await harness.play([beside, trial("1.2", most=1)])
        finally:
            await harness.close()

    shown = asyncio.run(played())
    assert (shown.trouble, ends(shown)) == ("", {"1.2[adder=tin]": Verdict.FAILED})
    assert left(sandbox) == []


def test_the_death_of_the_process_is_no_kill(sandbox: Sandbox) -> None:
    """What it was playing ends with it; the next trial has another one."""
    faulty(sandbox, FOR_EVER)
    os.mkfifo(sandbox.directory / "began")
    began = os.open(sandbox.directory / "began", os.O_RDONLY | os.O_NONBLOCK)

    async def played() -> tuple[Shown, Shown]:
        harness = harness_of(sandbox)
        try:
            await harness.cells()
            playing = asyncio.create_task(harness.play([Trial(cells={HANGS: 0.1}, limited=False)]))
            assert await asyncio.to_thread(select.select, [began], [], [], DEADLINE) == ([began], [], [])
            os.kill(leaders_of(sandbox)[0], signal.SIGKILL)
            dead = await playing
            os.close(began)
            await harness.close()
            return dead, await harness.play([trial("1.1")])
        finally:
            await harness.close()

    dead, after = asyncio.run(played())
    assert (dead.red, "ended with -9 and without a verdict" in dead.trouble) == ((), True)
    assert (after.trouble, ends(after)) == ("", {"1.1[adder=tin]": Verdict.PASSED})


def test_what_has_changed_since_it_was_read_is_read_anew(sandbox: Sandbox) -> None:
    """A module, and what has been opened; what the harness does not read leaves the process as it is."""
    faulty(sandbox)
    reads = 'from pathlib import Path\n\nPath(__file__).with_name("data.txt").read_text()\n'
    sandbox.write("steps.py", dedent(STEPS) + reads)
    sandbox.write("data.txt", "")

    async def played() -> tuple[list[int], Shown]:
        harness = harness_of(sandbox)
        leaders = []
        try:
            for changed in ("tin/adder.py", "steps.py", "data.txt"):
                await harness.cells()
                leaders += leaders_of(sandbox)
                with (sandbox.directory / changed).open("a") as file:
                    file.write("\n")
                await harness.renew()
            return [*leaders, *leaders_of(sandbox)], await harness.play([trial("1.1")])
        finally:
            await harness.close()

    leaders, shown = asyncio.run(played())
    assert len(leaders) == 3
    assert len(set(leaders)) == 2, "the first change touches nothing that it has read"
    assert ends(shown) == {"1.1[adder=tin]": Verdict.PASSED}


def leaders_of(box: Sandbox) -> list[int]:
    """Return the processes of harmony."""
    return [one.pid for one in psutil.Process().children() if str(box.directory) in " ".join(one.cmdline())]


def test_where_a_fork_is_not_safe_each_trial_has_a_process_of_its_own(sandbox: Sandbox) -> None:
    """A thread of the steps would not be in a child, and what it holds would be held for ever."""
    faulty(sandbox)
    thread = "import threading\n\nthreading.Thread(target=threading.Event().wait, daemon=True).start()\n"
    sandbox.write("steps.py", dedent(STEPS) + thread)

    async def played() -> list[Shown]:
        harness = harness_of(sandbox)
        try:
            return [await harness.play([trial("1.1"), trial("1.2")]), await harness.play([trial("1.2")])]
        finally:
            await harness.close()

    wrong = {"1.2[adder=tin]": Verdict.FAILED}
    shown = asyncio.run(played())
    assert [(one.trouble, ends(one)) for one in shown] == [
        ("", {"1.1[adder=tin]": Verdict.PASSED, **wrong}),
        ("", wrong),
    ]
    assert left(sandbox) == []
