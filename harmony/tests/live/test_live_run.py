"""A run beside its page: how both end, and who decides it. The run is a script that tells what it shall."""

from __future__ import annotations

import asyncio
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

import pytest

from bells import STEPS
from harmony import until
from harmony.live.live_page import LivePage
from harmony.live.live_run import LiveRun
from harmony.verdict.events import RunFinished, RunPlanned, encode_event
from sandbox import Sandbox, environment_of
from synthetic_results import result

FEATURE = """
    Feature: Bells
      Scenario: 1.1 A bell is heard
        Given the 'bell' process is struck
        Then the 'ear' process should hear 'nothing'
"""
SETTINGS = """
    steps = ["bell_steps"]
    [platforms.brass]
    command = ["{python}", "-m", "harmony", "serve"]
"""
DEADLINE = 200.0
TOLD = [RunPlanned(cells=1, of=1, digest="0"), result("1.1[a=x]")]
END = RunFinished(verdicts={}, exit_code=1, seconds=1)


def a_run(*lines: str) -> list[str]:
    """Return the command of a run that tells some events, and then does what the lines say."""
    told = "".join(f"{encode_event(event)}\n" for event in TOLD)
    script = ["import os, signal, sys", "file = open(sys.argv[-1].removeprefix('--events='), 'w', buffering=1)"]
    return [sys.executable, "-S", "-c", "\n".join([*script, f"file.write({told!r})", *lines])]


class Said:
    """What has been said on the terminal."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._more = asyncio.Event()

    def __call__(self, text: str) -> None:
        self.lines.append(text)
        self._more.set()

    async def wait_for(self, count: int) -> None:
        while len(self.lines) < count:
            self._more.clear()
            await self._more.wait()


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("end", "code"), [("sys.exit(7)", 7), ("os.kill(os.getpid(), signal.SIGKILL)", 137), ("file.write('{half')", 0)]
)
async def test_it_ends_as_the_run_ends(end: str, code: int) -> None:
    said = Said()
    async with asyncio.timeout(DEADLINE):
        assert await LiveRun(a_run(end), LivePage(), said, stay=False).play() == code
    assert len(said.lines) == 1, said.lines
    assert re.match(r"live: http://127\.0\.0\.1:\d+/[\w-]{30,}/ \(as long as the run;", said.lines[0])


@pytest.mark.asyncio
async def test_the_page_of_a_run_that_was_broken_off_stays_until_it_is_asked_again() -> None:
    """The first ^C is the run's, the second the page's."""
    said = Said()
    deaf = f"signal.signal(signal.SIGTERM, lambda *_: (file.write({encode_event(END) + chr(10)!r}), os._exit(2)))"
    playing = asyncio.create_task(
        LiveRun(a_run(deaf, "file.write(chr(10))", "signal.pause()"), LivePage(), said, stay=True).play()
    )
    async with asyncio.timeout(DEADLINE):
        await said.wait_for(1)
        await until(lambda: _shows(said, "1 of 1 cell passed"), timeout=DEADLINE, what="the cell")
        os.kill(os.getpid(), signal.SIGINT)
        await said.wait_for(2)
        assert "^C ends its page" in said.lines[1]
        assert await _shows(said, "the run ended with exit code 1")
        os.kill(os.getpid(), signal.SIGINT)
        assert await playing == 2


@pytest.mark.asyncio
async def test_whoever_else_asks_for_the_end_has_both() -> None:
    said = Said()
    playing = asyncio.create_task(LiveRun(a_run("signal.pause()"), LivePage(), said, stay=True).play())
    async with asyncio.timeout(DEADLINE):
        await said.wait_for(1)
        await until(lambda: _shows(said, "1 of 1 cell passed"), timeout=DEADLINE, what="the cell")
        os.kill(os.getpid(), signal.SIGTERM)
        assert await playing == 2, "it died of what it was asked, so it was interrupted"
    assert len(said.lines) == 1


@pytest.mark.asyncio
async def test_a_page_without_a_cell_does_not_stay() -> None:
    """Such as that of a run that lint has stopped."""
    async with asyncio.timeout(DEADLINE):
        assert (
            await LiveRun([sys.executable, "-S", "-c", "raise SystemExit(6)"], LivePage(), Said(), stay=True).play()
            == 6
        )


async def _shows(said: Said, text: str) -> bool:
    (address,) = re.findall(r"http://\S+", said.lines[0])
    return text in await asyncio.to_thread(_get, address)


def _get(address: str) -> str:
    with urllib.request.urlopen(address, timeout=DEADLINE) as answer:
        return str(answer.read().decode())


def test_harmony_run_has_the_page_beside_all_that_it_does_otherwise(tmp_path: Path) -> None:
    """The terminal, the file of events and the exit code are those of any run, and nothing stays behind."""
    sandbox = Sandbox(tmp_path)
    sandbox.write("bell_steps.py", STEPS)
    sandbox.write("features/1.feature", FEATURE)
    sandbox.write("harmony.toml", SETTINGS)
    command = [sys.executable, "-m", "harmony", "run", "--live", "--stay", "-j1", "--events", "x.ndjson"]
    run = subprocess.Popen(command, cwd=tmp_path, env=environment_of(), stdout=subprocess.PIPE, text=True)
    assert run.stdout is not None
    lines: queue.Queue[str] = queue.Queue()
    reading = threading.Thread(target=lambda: [lines.put(line) for line in run.stdout or ()])
    reading.start()
    try:
        said = [lines.get(timeout=DEADLINE)]
        while "^C ends its page" not in said[-1]:
            said.append(lines.get(timeout=DEADLINE))
        (address,) = re.findall(r"http://\S+", said[0])
        assert "failed: 1 of 1 cell is red" in _get(address)
        run.send_signal(signal.SIGINT)
        assert run.wait(DEADLINE) == 1
    finally:
        run.kill()
        reading.join(DEADLINE)
        run.stdout.close()
    assert "1 cell: 1 failed" in "".join(said).replace("cells", "cell")
    assert (tmp_path / "x.ndjson").read_text().count("cell-finished") == 1
    assert (tmp_path / ".harmony" / "matrix.html").exists()


def test_what_stays_is_the_page(tmp_path: Path) -> None:
    done = Sandbox(tmp_path).harmony("run", "--stay")
    assert done.returncode == 4
    assert "--live" in done.stderr
