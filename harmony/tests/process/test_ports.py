"""Ports: one owner at a time, in every process of this machine, and nothing is left of them."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from harmony.process import ports
from harmony.process.ports import HeldPort, NoPortError, hold

HOLDER = """
import sys
from pathlib import Path
from harmony.process import ports

ports._DIRECTORY = Path(sys.argv[1])
held = [ports.hold(owner) for owner in sys.argv[2:]]
print(*(one.number for one in held), flush=True)
sys.stdin.read()
for one in held:
    one.give_back()
"""


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Ports of others are not looked at: only what is bound is in the way."""
    monkeypatch.setattr(ports, "_DIRECTORY", tmp_path / "ports")
    return tmp_path / "ports"


@contextlib.contextmanager
def another_process(directory: Path, *owners: str) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, directory, *owners], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        yield process, [int(word) for word in process.stdout.readline().split()]
    finally:
        process.communicate(timeout=20)


def listening(number: int) -> socket.socket:
    one = socket.socket()
    one.bind(("127.0.0.1", number))
    one.listen()
    return one


def test_a_port_can_be_listened_on_and_is_none_that_the_kernel_gives() -> None:
    held = hold("a")
    first, last = ports._ephemeral()
    assert not first <= held.number <= last
    listening(held.number).close()
    held.give_back()


def test_everybody_has_another_one_in_all_processes(directory: Path) -> None:
    """Nobody listens yet, so a look at what is bound would give the same one twice."""
    here = [hold(f"here {number}") for number in range(20)]
    theirs = [f"there {number}" for number in range(20)]
    with (
        another_process(directory, *theirs[:10]) as (_, first),
        another_process(directory, *theirs[10:]) as (_, second),
    ):
        numbers = [one.number for one in here] + first + second
    assert len(numbers) == 40
    assert len(set(numbers)) == 40
    for one in here:
        one.give_back()


def test_an_owner_has_one_port_in_all_processes(directory: Path) -> None:
    mine = hold("cell a")
    assert hold("cell a").number == mine.number
    with another_process(directory, "cell a", "cell b") as (_, (same, other)):
        assert same == mine.number != other
        mine.give_back()
        assert hold("cell b").number == other
    assert not directory.exists()


def test_two_owners_whose_places_are_the_same_do_not_meet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zlib, "crc32", lambda _: 5)
    held = [hold(str(number)) for number in range(5)]
    first = held[0].number
    assert [one.number for one in held] == list(range(first, first + 5))
    with listening(first + 5), socket.socket(type=socket.SOCK_DGRAM) as datagrams:
        datagrams.bind(("127.0.0.1", first + 6))
        assert hold("next").number == first + 7
    held[0].give_back()
    assert hold("last").number == first


def test_what_a_killed_process_has_held_is_free_again(directory: Path) -> None:
    with another_process(directory, "cell a") as (process, (number,)):
        process.kill()
        process.wait(20)
        assert (directory / str(number)).exists()
        held = hold("cell a")
        assert held.number == number
        held.give_back()
    assert not directory.exists()


def test_nothing_is_left_of_a_port_that_was_given_back(directory: Path) -> None:
    held = hold("a"), hold("b"), hold("a")
    for one in held:
        one.give_back()
        one.give_back()
    assert not directory.exists()


def test_a_machine_without_a_port_says_so(monkeypatch: pytest.MonkeyPatch, directory: Path) -> None:
    monkeypatch.setattr(ports, "_ephemeral", lambda: (1024, 65_535))
    with pytest.raises(NoPortError, match=r"no port of 127\.0\.0\.1 is free"):
        hold("a")
    assert list(directory.iterdir()) == []


def test_who_shares_a_port_does_not_give_it_back() -> None:
    mine: HeldPort = hold("a")
    hold("a").give_back()
    assert hold("a").number == mine.number
    mine.give_back()
