"""The directory of a cell: who finds it, and what is said of what cannot be removed."""

from __future__ import annotations

from pathlib import Path

import pytest

from harmony.process import places
from harmony.process.places import PlaceError, clear, file_name, place_of, remove


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(places, "TEMPORARY", tmp_path)
    return tmp_path


def test_a_cell_has_one_place_which_nobody_else_may_enter(temporary: Path) -> None:
    place = place_of("1_2", "d", "a")
    assert place == place_of("1_2", "d", "a")
    assert place != place_of("1_3", "d", "a")
    assert all(one.stat().st_mode & 0o077 == 0 for one in temporary.rglob("*"))


def test_all_of_a_cell_is_removed_and_nothing_of_others(temporary: Path) -> None:
    kept, outside = place_of("1_3"), temporary / "outside"
    outside.mkdir()
    (outside / "file").touch()
    place = place_of("1_2", "d", "a")
    (place / "file").touch()
    (place / "deep" / "deeper").mkdir(parents=True)
    (place / "link").symlink_to(outside)
    (place / "broken").symlink_to(place / "nowhere")
    assert clear("1_2") == []
    assert kept.exists()
    assert (outside / "file").exists()
    assert clear("1_3") == []
    assert sorted(temporary.iterdir()) == [outside]
    assert clear("1_4") == []


def test_what_cannot_be_removed_is_named_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    place = place_of("1_2", "d", "a")
    (place / "stuck").touch()
    (place / "loose").touch()
    unlink = Path.unlink

    def refuses(path: Path, *arguments: bool) -> None:
        if path.name == "stuck":
            raise PermissionError(1, "Operation not permitted", str(path))
        unlink(path, *arguments)

    monkeypatch.setattr(Path, "unlink", refuses)
    assert clear("1_2") == [f"{place / 'stuck'}: Operation not permitted"]
    assert [one.name for one in place.iterdir()] == ["stuck"]
    monkeypatch.undo()
    assert remove(place) == []


def test_a_place_that_somebody_else_has_made_is_not_used(temporary: Path) -> None:
    root = place_of("1_2").parent
    clear("1_2")
    root.symlink_to(temporary)
    with pytest.raises(PlaceError, match="belongs to somebody else"):
        place_of("1_2")


@pytest.mark.parametrize("label", ["a", "socket-1", "..", ".", "a/b", "main street", "x" * 300, "straße", "-r"])
def test_a_label_is_the_short_name_of_a_file(label: str) -> None:
    name = file_name(label)
    assert name == file_name(label)
    assert "/" not in name
    assert name not in {"", ".", ".."}
    assert len(name) <= 20


def test_labels_that_differ_have_names_that_differ() -> None:
    labels = ["a", "A", "a b", "a/b", "..", ".", "x" * 300, "x" * 301]
    assert len({file_name(label) for label in labels}) == len(labels)
