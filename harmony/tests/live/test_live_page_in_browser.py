"""A run in a Chromium while it goes on. `nox -s browser` has all that this takes."""

from __future__ import annotations

import json
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox import Sandbox, environment_of

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: nox -s browser has it")
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
if CHROMIUM is None:
    pytest.skip("there is no Chromium (Debian: apt-get install chromium)", allow_module_level=True)

DEADLINE = 120.0
"""Seconds: a bound on a hang."""
SETTINGS = """
    steps = ["gate_steps"]
    timeouts = { step = 250 }
    [platforms.brass]
    command = ["{python}", "-m", "harmony", "serve"]
    lifetime = "session"
"""
STEPS = """
    from pathlib import Path

    from harmony import given, parsers, then, until


    class GateSteps:
        @given(parsers.parse("the 'guest' process waits at the gate '{name}'"))
        async def wait(self, name: str) -> None:
            await until(lambda: Path(name).exists(), timeout=240, what="an open gate")

        @then(parsers.parse("the 'guest' process is content"))
        def be_content(self) -> None:
            assert Path("harmony.toml").exists()

        @then(parsers.parse("the 'guest' process is not content"))
        def be_not_content(self) -> None:
            raise AssertionError("</pre></main><script>stolen=1</script><img src=x onerror=stolen=1>")
"""
FEATURES = {
    "1-gates": """
        Feature: Gates
          Scenario: 1.1 An open gate
            Then the 'guest' process is content

          Scenario: 1.2 A gate that opens
            Given the 'guest' process waits at the gate 'first'
            Then the 'guest' process is not content
    """,
    "2-doors": """
        Feature: Doors
          Scenario: 2.1 A door
            Given the 'guest' process waits at the gate 'second'
            Then the 'guest' process is content
    """,
}
WHOLE = """() => JSON.stringify(page.run.cells.map(cell => [cell.key, cell.index, cell.verdict.name, cell.took,
    cell.seed, cell.repeat, cell.steps, cell.detail, cell.scenario.title, cell.scenario.tags]))"""


class Played:
    """A run that goes on, and the tabs that look at it."""

    def __init__(self, directory: Path) -> None:
        sandbox = Sandbox(directory)
        sandbox.write("harmony.toml", SETTINGS)
        sandbox.write("gate_steps.py", STEPS)
        for name, text in FEATURES.items():
            sandbox.write(f"features/{name}.feature", text)
        self.directory = directory
        command = [sys.executable, "-m", "harmony", "run", "--live", "--stay", "-j1"]
        self.run = subprocess.Popen(command, cwd=directory, env=environment_of(), stdout=subprocess.PIPE, text=True)
        self._lines: queue.Queue[str] = queue.Queue()
        self._reading = threading.Thread(target=self._read)
        self._reading.start()

    def _read(self) -> None:
        assert self.run.stdout is not None
        for line in self.run.stdout:
            self._lines.put(line)

    def said(self, pattern: str) -> str:
        """Wait for a line, and return what the pattern finds in it."""
        while True:
            found = re.search(pattern, self._lines.get(timeout=DEADLINE))
            if found:
                return found[0]

    def open(self, gate: str) -> None:
        (self.directory / gate).touch()

    def close(self) -> None:
        if self.run.poll() is None:
            self.run.send_signal(signal.SIGTERM)
            self.run.wait(DEADLINE)
        self._reading.join(DEADLINE)
        assert self.run.stdout is not None
        self.run.stdout.close()


@pytest.fixture
def played(tmp_path: Path) -> Iterator[Played]:
    played = Played(tmp_path)
    yield played
    played.close()


def test_a_run_is_seen_as_it_goes_on(played: Played) -> None:
    """A square fills, a failure comes, what runs is told; what a reader has opened and typed stays; then it is over."""
    complaints: list[str] = []
    asked: set[str] = set()
    address = played.said(r"http://\S+")
    with sync_api.sync_playwright() as play, play.chromium.launch(executable_path=CHROMIUM) as browser:
        tab = browser.new_page(viewport={"width": 1440, "height": 900})
        tab.set_default_timeout(DEADLINE * 1000)
        tab.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on("request", lambda request: asked.add(request.url))
        sync_api.expect.set_options(timeout=DEADLINE * 1000)
        expect = sync_api.expect
        verdict, now, count = tab.locator(".verdict"), tab.locator("#now"), tab.locator("form.filters [role=status]")

        tab.goto(address)
        expect(verdict).to_have_text("▶ running: 1 of 1 cell passed, 2 to come")
        expect(now).to_contain_text("1 of 3 cells, and now:")
        expect(now).to_contain_text("1.2[guest=brass] Given the 'guest' process waits at the gate 'first'")
        expect(tab.locator(".squares .to-come").first).to_have_text("▶ 1/3")
        expect(count).to_have_text("1 cell")
        assert axe_finds(tab) == []

        tab.locator("a", has_text="▶ 1/3").first.click()
        tab.evaluate("location.hash = fragment(page.state, { cell: '1.1[guest=brass]' })")
        tab.locator("dialog[open] summary").first.click()
        tab.evaluate("page.dialog.dataset.mine = page.dialog.firstElementChild.dataset.mine = 'yes'")
        played.open("first")
        expect(verdict).to_have_text("✗ running: 1 of 2 cells is red, 1 to come")
        expect(tab.locator(".cause")).to_contain_text("1 failed: 1.2[guest=brass]; cause: </pre></main><script>")
        expect(count).to_have_text("2 cells")
        tab.emulate_media(color_scheme="dark")
        assert axe_finds(tab) == []
        assert tab.locator("dialog[open] header[data-mine]").count() == 1, "drawn anew, and not as it was left"
        assert tab.locator("dialog summary").first.evaluate("one => one.parentElement.open")
        tab.keyboard.press("Escape")

        tab.evaluate("location.hash = ''")
        tab.locator(".cause > summary").click()
        tab.locator("#view .line", has_text="1.2").click()
        expect(tab.locator("#view .square")).to_have_count(2)
        tab.keyboard.press("/")
        tab.keyboard.type("gates")
        expect(count).to_have_text("2 cells")
        for width in (800, 400):
            tab.set_viewport_size({"width": width, "height": 900})
            assert tab.evaluate("document.documentElement.scrollWidth") <= width
        played.open("second")
        expect(now).to_have_text("The run is over; nothing changes any more.")
        expect(verdict).to_contain_text("✗ failed: 1 of 3 cells is red")
        expect(count).to_have_text("2 cells of 3")
        assert tab.evaluate("document.activeElement === page.find && page.find.value") == "gates"
        assert tab.locator("#view .square").count() == 2, "both are unfolded as they were"
        assert not tab.locator(".cause").evaluate("one => one.open"), "the reader has closed it"
        assert tab.evaluate("typeof stolen") == "undefined"
        told = tab.evaluate(WHOLE)

        played.said(r"\^C ends its page")
        played.run.send_signal(signal.SIGINT)
        assert played.run.wait(DEADLINE) == 1
        tab.locator("#view .line").first.click()
        assert {url.partition("#")[0] for url in asked} <= {address, f"{address}events"}
        tab.goto((played.directory / ".harmony" / "matrix.html").as_uri())
        tab.wait_for_selector("html[data-ready]", state="attached")
        assert tab.evaluate(WHOLE) == told, "the same cells in the same order as in the file"
    assert complaints == []


def axe_finds(tab: Any) -> list[str]:
    """Return what axe-core finds, where `nox -s browser` has fetched it."""
    if "HARMONY_AXE" not in os.environ:
        return []
    tab.evaluate(Path(os.environ["HARMONY_AXE"]).read_text("utf-8"))
    told = tab.evaluate("axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'best-practice'] })")
    return [
        f"{one['id']}: {json.dumps([node['html'][:120] for node in one['nodes'][:2]])}" for one in told["violations"]
    ]
