"""A project whose roles need something of each other, in every mode and in every mixture of processes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

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
STEPS = r"""
from dataclasses import dataclass

from harmony import SharedValues, background, parsers, step


@dataclass
class Address:
    street: str
    number: int


class Mail:
    def __init__(self, values: SharedValues) -> None:
        self.values = values
        self.known = ""

    @step(parsers.re(r"the '[^']+' process opens at '(?P<street>.+)'"))
    def opens(self, street: str) -> None:
        self.values.publish("address", Address(street, 1))

    @step(parsers.re(r"the '[^']+' process opens later at '(?P<street>.+)'"))
    @background
    def opens_later(self, street: str) -> None:
        self.values.publish("address", Address(street, 1))

    @step(parsers.re(r"the '[^']+' process is open"))
    def is_open(self) -> None:
        assert not self.known

    @step(parsers.re(r"the '[^']+' process asks where the '(?P<role>.+)' is"))
    def asks(self, role: str) -> None:
        self.known = self.values.of(role, "address", Address).street

    @step(parsers.re(r"the '[^']+' process should know '(?P<street>.+)'"))
    def knows(self, street: str) -> None:
        assert self.known == street, self.known
"""
SETTINGS = """
steps = ["mail_steps"]
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
    sandbox.write("features/01-mail.feature", FEATURE)
    sandbox.write("mail_steps.py", STEPS)
    sandbox.write("harmony.toml", SETTINGS)
    return sandbox


MISSING = "'server' has not published 'address'; published so far: nothing"


@pytest.mark.parametrize(
    "pairing", ["", "worker", "driver", "worker_driver", "driver_worker"], ids=lambda one: one or "in this process"
)
def test_a_value_reaches_the_other_roles_wherever_they_are_played(project: Sandbox, pairing: str) -> None:
    words = [pairing] if pairing else []
    for number in ("1.1", "1.2"):
        done = project.pytest(*words, number)
        assert done.returncode == 0, done.stdout + done.stderr
    done = project.pytest(*words, "1.3")
    assert done.returncode != 0
    assert MISSING in re.sub(r"\s+", " ", done.stdout), done.stdout


def test_a_role_is_told_what_was_published_before_it_first_acted(project: Sandbox) -> None:
    done = project.pytest("worker", "1.4")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_recorded_worker_tells_again_what_it_has_told(project: Sandbox) -> None:
    assert project.pytest("worker", "1.1", "--record", "kept").returncode == 0
    (recording,) = (project.directory / "kept").rglob("*.server.yaml")
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
