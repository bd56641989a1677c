"""A project whose roles need something of each other, in every mode and in every mixture of processes."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest

from harmony.model import Verdict
from harmony.verdict.events import AttachmentTold, CellFinished, StepFinished, read_file
from sandbox import Sandbox

FEATURE = """
Feature: Mail
  Scenario: 1.1 An address is told
    Given the 'server' process opens at 'main street'
    When the 'client' process asks where the 'server' is
    Then the 'client' process should know 'main street'
    Given the 'server' process opens at 'side street'
    When the 'client' process asks where the 'server' is
    Then the 'client' process should know 'side street'

  Scenario: 1.2 What is told in the background is known once that has ended
    Given the 'server' process opens later at 'back street'
    And the 'server' process is open
    When the 'client' process asks where the 'server' is
    Then the 'client' process should know 'back street'

  Scenario: 1.3 Nobody has told
    When the 'server' process is open
    Then the 'client' process asks where the 'server' is

  Scenario: 1.4 A third one has heard it all
    Given the 'server' process opens at 'main street'
    And the 'client' process asks where the 'server' is
    When the 'visitor' process asks where the 'server' is
    Then the 'visitor' process should know 'main street'
"""
ROOMS = """
Feature: Rooms
  Scenario: 2.1 One listens and another calls
    Given the 'server' process listens on port 'front'
    And the 'server' process listens on socket 'back'
    When the 'server' process leaves a note in directory 'hall'
    Then the 'client' process should reach port 'front' and socket 'back'
    And the 'client' process should find a note in directory 'hall'

  Scenario: 2.2 Another one listens where the killed one did
    Given the 'server' process listens on port 'front'
    And the 'client' process should reach port 'front'
    When the 'server' process is killed
    And the 'server' process listens on port 'front'
    Then the 'client' process should reach port 'front'
"""
STEPS = r"""
from dataclasses import dataclass

from harmony import ScenarioContext, SharedValues, background, parsers, step


@dataclass
class Address:
    street: str
    number: int


class Mail:
    def __init__(self, values: SharedValues, context: ScenarioContext) -> None:
        self.values = values
        self.context = context
        self.known = ""

    @step(parsers.re(r"the '[^']+' process opens at '(?P<street>.+)'"))
    def opens(self, street: str) -> None:
        self.values.publish("address", Address(street, 1))

    @step(parsers.re(r"the '[^']+' process opens later at '(?P<street>.+)'"))
    @background
    def opens_later(self, street: str) -> None:
        self.context.attach("street.png", b"\x89PNG\xff" * 9000, "image/png")
        self.values.publish("address", Address(street, 1))

    @step(parsers.re(r"the '[^']+' process is open"))
    def is_open(self) -> None:
        assert not self.known

    @step(parsers.re(r"the '[^']+' process asks where the '(?P<role>.+)' is"))
    def asks(self, role: str) -> None:
        self.context.attach("asked", {"role": role})
        self.known = self.values.of(role, "address", Address).street

    @step(parsers.re(r"the '[^']+' process should know '(?P<street>.+)'"))
    def knows(self, street: str) -> None:
        assert self.known == street, self.known
"""
ROOM_STEPS = r"""
import asyncio
from pathlib import Path

from harmony import Directory, Port, ScenarioContext, SocketPath, parsers, step, until


async def greet(reader, writer):
    writer.write(b"come in")
    writer.close()


async def greeting(connection):
    reader, writer = await connection
    heard = await reader.read()
    writer.close()
    return heard


class Rooms:
    def __init__(self, context: ScenarioContext, own: Directory, other: Port) -> None:
        self.context, self.own, self.other = context, own, other
        (own / "file").touch()

    def note(self, path) -> None:
        with Path("seen").open("a") as file:
            file.write(f"{self.own}\n{path}\n")

    @step(parsers.re(r"the '[^']+' process listens on port '(?P<port>\w+)'"))
    async def listens(self, port: Port) -> None:
        assert port != self.other
        self.note(self.own)
        server = await asyncio.start_server(greet, port.host, port)
        self.context.on_cleanup(server.close)

    @step(parsers.re(r"the '[^']+' process listens on socket '(?P<path>\w+)'"))
    async def listens_there(self, path: SocketPath) -> None:
        server = await asyncio.start_unix_server(greet, path)
        self.context.on_cleanup(server.close)

    @step(parsers.re(r"the '[^']+' process leaves a note in directory '(?P<directory>\w+)'"))
    def leaves(self, directory: Directory) -> None:
        (directory / "note").write_text("hello")
        self.note(directory)

    @step(parsers.re(r"the '[^']+' process should find a note in directory '(?P<directory>\w+)'"))
    def finds(self, directory: Directory) -> None:
        assert (directory / "note").read_text() == "hello"
        self.note(directory)

    @step(parsers.re(r"the '[^']+' process should reach port '(?P<port>\w+)'(?: and socket '(?P<path>\w+)')?"))
    async def reaches(self, port: Port, path: SocketPath | None = None) -> None:
        heard = await until(lambda: greeting(asyncio.open_connection(port.host, port)), what="the front door is open")
        assert heard == b"come in", heard
        if path is not None:
            assert await greeting(asyncio.open_unix_connection(path)) == b"come in"
        self.note(self.own)
"""
SETTINGS = """
steps = ["mail_steps", "room_steps"]
[driver]
contract = "kettle.contract:CONTRACT"
[platforms.worker]
command = ["{python}", "-m", "harmony", "serve"]
lifetime = "session"
[platforms.driver]
contract = "driver"
command = ["{python}", "-m", "kettle.program"]
"""


@pytest.fixture
def project(tmp_path: Path) -> Sandbox:
    sandbox = Sandbox(tmp_path)
    sandbox.write("features/01-mail.feature", FEATURE)
    sandbox.write("features/02-rooms.feature", ROOMS)
    sandbox.write("mail_steps.py", STEPS)
    sandbox.write("room_steps.py", ROOM_STEPS)
    sandbox.write("harmony.toml", SETTINGS)
    return sandbox


ASKED = ("client", "asked", "application/json", 22, "text")
ATTACHED = [ASKED, ASKED, ("server", "street.png", "image/png", 45_000, "base64"), ASKED, ASKED]


def attached(project: Sandbox) -> list[tuple[str, str, str, int, str]]:
    """Return what the steps of a run have attached, whole."""
    return [
        (role, each.name, each.media_type, len(whole(each)), each.encoding)
        for event in read_file(project.directory / "events.ndjson")
        if isinstance(event, StepFinished)
        for role, outcome in event.outcomes.items()
        for each in outcome.attachments
    ]


def whole(one: AttachmentTold) -> bytes:
    return base64.b64decode(one.whole) if one.encoding == "base64" else one.whole.encode()


MISSING = "'server' has not published 'address'; published so far: nothing"


@pytest.mark.parametrize(
    "pairing", ["", "worker", "driver", "worker_driver", "driver_worker"], ids=lambda one: one or "in this process"
)
def test_a_value_reaches_the_other_roles_wherever_they_are_played(project: Sandbox, pairing: str) -> None:
    words = [pairing] if pairing else []
    done = project.pytest(*words, "1.1", "1.2", "1.3", "--events=events.ndjson")
    ends = [one for one in read_file(project.directory / "events.ndjson") if isinstance(one, CellFinished)]
    assert attached(project) == ATTACHED
    assert [one.verdict for one in ends] == [Verdict.PASSED, Verdict.PASSED, Verdict.FAILED], done.stdout + done.stderr
    assert MISSING in re.sub(r"\s+", " ", done.stdout), done.stdout


def test_a_role_is_told_what_was_published_before_it_first_acted(project: Sandbox) -> None:
    done = project.pytest("worker", "1.4")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_recorded_worker_tells_again_what_it_has_told(project: Sandbox) -> None:
    assert project.pytest("worker", "1.1", "1.2", "--record", "kept").returncode == 0
    recording, later = sorted((project.directory / "kept").rglob("*.server.yaml"))
    project.write(
        "harmony.toml",
        SETTINGS
        + f"""
[platforms.recorded]
command = ["{{python}}", "-m", "harmony", "serve", "--replay", "{recording}"]
""",
    )
    done = project.pytest("worker_recorded", "1.1")
    assert done.returncode == 0, done.stdout + done.stderr
    project.write("harmony.toml", (project.directory / "harmony.toml").read_text().replace(str(recording), str(later)))
    done = project.pytest("worker_recorded", "1.2", "--events=events.ndjson")
    assert done.returncode == 0, done.stdout + done.stderr
    assert attached(project) == ATTACHED[2:4], "what was attached then"


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("2.1", ()),
        ("2.1", ("worker",)),
        ("2.1", ("driver_worker",)),
        ("2.2", ("worker",)),
        ("2.2", ("driver_worker",)),
    ],
)
def test_what_a_sentence_names_is_the_same_for_all_roles_and_nothing_is_left(
    project: Sandbox, number: str, words: tuple[str, ...]
) -> None:
    done = project.pytest(*words, number)
    assert done.returncode == 0, done.stdout + done.stderr
    seen = [Path(line) for line in (project.directory / "seen").read_text().splitlines()]
    assert len(set(seen)) >= 2
    assert [path for path in seen if path.exists() or path.parent.exists()] == []
