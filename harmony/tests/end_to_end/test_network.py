"""A project whose roles meet through the network of the harness, in every mode."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from sandbox import Sandbox

FEATURE = """
Feature: Calls
  Scenario: 1.1 A call that is cut is heard by both
    Given the 'server' process listens
    And the 'client' process calls
    When the network between the 'client' and the 'server' is cut after a packet 'bye' from the 'client'
    And the 'client' process says 'bye'
    Then the 'server' process should hear 'bye'
    And the 'server' process should hear the end
    And the 'client' process should hear the end

  Scenario: 1.2 What is held comes later
    Given the 'server' process listens
    And the network between the 'client' and the 'server' holds everything from the 'client'
    And the 'client' process calls
    When the 'client' process says 'hello'
    And the network between the 'client' and the 'server' carries a packet 'hello' from the 'client' within '5 s'
    Then the 'server' process should hear nothing yet
    When the network between the 'client' and the 'server' releases everything
    Then the 'server' process should hear 'hello'

  Scenario: 1.3 Nobody hears the wrong word
    Given the 'server' process listens
    And the 'client' process calls
    And a second 'client' process calls
    And the network between the 'server' and the second 'client' is reset
    When the 'client' process says 'red'
    Then the 'server' process should hear 'blue'

  Scenario: 1.4 A fault that never comes is no fault
    Given the 'server' process listens
    And the 'client' process calls
    When the network between the 'client' and the 'server' is cut after a packet 'never'
    Then the 'client' process says 'hello'
"""
STEPS = r"""
import asyncio

from harmony import Port, ScenarioContext, SharedValues, parsers, step
from harmony.network import Network


def lines(data, sender):
    end = data.find(b"\n") + 1
    return (end, "\x1b[31m" + data[: end - 1].decode()) if end else None


class Calls:
    def __init__(self, context: ScenarioContext, network: Network, values: SharedValues, port: Port) -> None:
        self.context, self.network, self.values, self.port = context, network, values, port
        self.heard = asyncio.Queue()

    async def listen(self, reader):
        while line := await reader.readline():
            self.heard.put_nowait(line.decode().strip())
        self.heard.put_nowait(None)

    async def come(self, reader, writer):
        try:
            await self.listen(reader)
        except ConnectionError:
            pass
        writer.close()

    @step(parsers.re(r"the 'server' process listens"))
    async def listens(self) -> None:
        server = await asyncio.start_server(self.come, self.port.host, self.port)
        self.context.on_cleanup(server.close)
        self.values.publish("address", self.port.address)

    @step(parsers.re(r"(?:the|a second) 'client' process calls"))
    async def calls(self) -> None:
        address = await self.network.to("server", self.values.of("server", "address", str), splitter=lambda: lines)
        reader, self.writer = await asyncio.open_connection(address.host, address.port)
        listening = asyncio.create_task(self.listen(reader))
        self.context.on_cleanup(self.writer.close)
        self.context.on_cleanup(listening.cancel)

    @step(parsers.re(r"the 'client' process says '(?P<word>.+)'"))
    async def says(self, word: str) -> None:
        self.writer.write(word.encode() + b"\n")
        await self.writer.drain()

    @step(parsers.re(r"the '\w+' process should hear '(?P<word>.+)'"))
    async def hears(self, word: str) -> None:
        heard = await self.heard.get()
        assert heard == word, heard

    @step(parsers.re(r"the '\w+' process should hear the end"))
    async def hears_the_end(self) -> None:
        assert await self.heard.get() is None

    @step(parsers.re(r"the 'server' process should hear nothing yet"))
    async def hears_nothing(self) -> None:
        assert self.heard.empty()
"""
TOLD = [
    ("step", "", "Given the 'server' process listens"),
    ("step", "", "And the 'client' process calls"),
    ("connected", "client", "connects"),
    ("step", "", "And a second 'client' process calls"),
    ("connected", "client#second", "connects"),
    ("step", "", "And the network between the 'server' and the second 'client' is reset"),
    ("fault", "", "reset"),
    ("step", "", "When the 'client' process says 'red'"),
    ("packet", "client", r"\x1b[31mred"),
]
SETTINGS = """
steps = ["call_steps", "harmony.network.steps"]
[driver]
contract = "kettle.contract:CONTRACT"
[platforms.worker]
command = ["{python}", "-m", "harmony", "serve"]
[platforms.driver]
contract = "driver"
command = ["{python}", "-m", "kettle.program"]
"""


@pytest.fixture
def project(tmp_path: Path) -> Sandbox:
    sandbox = Sandbox(tmp_path)
    sandbox.write("features/01-calls.feature", FEATURE)
    sandbox.write("call_steps.py", STEPS)
    sandbox.write("harmony.toml", SETTINGS)
    return sandbox


@pytest.mark.parametrize(
    "words",
    [(), ("driver",), ("driver_worker", "--record", "kept")],
    ids=["in this process", "drivers", "a worker listens"],
)
def test_the_network_between_roles_is_disturbed_as_sentences_say(project: Sandbox, words: tuple[str, ...]) -> None:
    done = project.pytest(*words, "1.1", "1.2")
    assert done.returncode == 0, done.stdout + done.stderr
    if "--record" in words:
        kept = (project.directory / "kept").glob("*1.1*.network.txt")
        assert "bye" in "".join(file.read_text() for file in kept)


def test_a_role_in_a_worker_has_no_way_to_another_one(project: Sandbox) -> None:
    done = project.pytest("worker", "1.1")
    assert "1 unsupported" in done.stdout, done.stdout
    assert "this step runs in a worker" in done.stdout


def test_a_failure_tells_all_that_was_seen_between_the_roles(project: Sandbox) -> None:
    done = project.pytest("driver", "1.3", "1.4", "--events", "events", "--html", "page.html")
    assert done.returncode != 0
    events = [json.loads(line) for line in (project.directory / "events").read_text().splitlines()]
    wrong, never = (event for event in events if event["event"] == "cell-finished")
    # The port differs from run to run; what the clean-up closes comes after the failure.
    said = [(one["kind"], one["sender"], one["text"]) for one in wrong["network"] if one["kind"] != "opened"]
    assert said[:9] == TOLD
    for place in (done.stdout, (project.directory / "page.html").read_text()):
        assert re.search(r"network:\n", place)
        assert "#1  \\x1b[31mred" in place
        assert "\x1b" not in place
    assert "was to be, after a packet 'never': cut; that has not come" in never["error"]
