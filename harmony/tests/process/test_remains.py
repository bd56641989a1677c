"""What a run has left: who is at fault, and that it is removed whoever is."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from pathlib import Path

import pytest

from harmony.process import remains
from harmony.process.remains import Remains, excuse_of, look


def named(run_id: str) -> Iterable[str]:
    return [f"one_{run_id}"]


def owned(run_id: str) -> Iterable[tuple[str, int]]:
    return [(f"two_{run_id}", 7), (f"three_{run_id}", 0)]


def broken(run_id: str) -> Iterable[str]:
    raise ValueError(f"no list{run_id[:0]}")


def test_a_probe_names_what_is_left_and_whose_it_is_if_it_can_tell() -> None:
    found = look([named, owned, broken], "4_2")
    assert found.owners == {"one_4_2": 0, "two_4_2": 7, "three_4_2": 0}
    assert found.broken == ("the probe broken could not look: ValueError: no list",)


def test_a_probe_that_hangs_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remains, "PROBE_PATIENCE", 0.05)
    gate = threading.Event()

    def hangs(run_id: str) -> Iterable[str]:
        gate.wait(60)
        return [run_id]

    found = look([hangs, named], "4_2")
    gate.set()
    assert found.owners == {"one_4_2": 0}
    assert "hangs could not look: TimeoutError: no end within 0.05 s" in found.broken[0]


@pytest.mark.parametrize(
    ("killed", "deadly", "left"),
    [
        ((), False, "a, b, c"),
        ((), True, "a, b"),
        ((7,), True, "b"),
        ((7, 8), True, ""),
        ((7,), False, "b, c"),
    ],
)
def test_only_what_belongs_to_the_killed_is_excused_where_it_is_known_whose_it_is(
    killed: tuple[int, ...], *, deadly: bool, left: str
) -> None:
    told = Remains({"b": 8, "a": 7, "c": 0}, ("broken",)).told(excuse_of(killed, deadly=deadly))
    assert told == ([f"left behind (removed now): {left}"] if left else []) + ["broken"]


def test_what_was_there_before_is_nobodys() -> None:
    assert Remains({"a": 1, "b": 2}).beyond(Remains({"a": 1})).owners == {"b": 2}


def test_files_and_obstacles_are_removed(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path)
    (tmp_path / "folder").mkdir()
    Remains(dict.fromkeys([*map(str, tmp_path.iterdir()), str(tmp_path / "gone")], 0)).remove()
    assert list(tmp_path.iterdir()) == []
