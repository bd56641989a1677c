"""Unified diffs are read as git and others write them, and change what they speak of, or nothing."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmony.errors import ConfigurationError
from harmony.mutate.diffs import DiffError, read_diff, touched, unified
from harmony.mutate.fault import Fault, FaultError, Patch

BEFORE = b"one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\n"
AFTER = BEFORE.replace(b"two\n", b"2\n").replace(b"eight\n", b"8\n8\n")
LINES = st.lists(st.sampled_from([b"a", b"b", b"", b"+", b"-- c", b"@@ -1 +1 @@", b"\r"]), max_size=12)
FILES = st.builds(lambda lines, end: b"\n".join(lines) + end, LINES, st.sampled_from([b"", b"\n"]))


@given(before=FILES, after=FILES)
def test_what_is_written_can_be_applied(before: bytes, after: bytes) -> None:
    """Finds lines that look like a diff's own, and an end without a line feed."""
    text = unified("a file", before, after)
    changes = read_diff(text)
    assert len(changes) == (before != after)
    for one in changes:
        assert one.file == "a file"
        assert one.applied(before) == after


def test_git_understands_it(tmp_path: Path) -> None:
    (tmp_path / "ring.txt").write_bytes(BEFORE.rstrip())
    text = unified("ring.txt", BEFORE.rstrip(), AFTER)
    subprocess.run(["git", "apply", "-"], input=text.encode(), cwd=tmp_path, check=True)
    assert (tmp_path / "ring.txt").read_bytes() == AFTER


def test_lines_that_have_moved_are_found_where_they_stand_once() -> None:
    [change] = read_diff(unified("ring.txt", BEFORE, AFTER))
    assert change.applied(b"zero\n" * 5 + BEFORE) == b"zero\n" * 5 + AFTER
    with pytest.raises(DiffError, match="at line 1 stand there 2 times"):
        change.applied(b"zero\n" + BEFORE + BEFORE)
    with pytest.raises(DiffError, match="0 times"):
        change.applied(AFTER)


def test_a_diff_that_is_broken_off() -> None:
    text = unified("ring.txt", BEFORE, AFTER)
    with pytest.raises(DiffError, match=r"broken off|no line of a diff"):
        read_diff(text[: len(text) // 2].rpartition("\n")[0])


def test_the_lines_that_a_change_touched(tmp_path: Path) -> None:
    """What it wrote; where it only removed, what stands around: a fault there is one of the change."""

    def git(*words: str) -> str:
        whole = ["git", "-c", "user.name=x", "-c", "user.email=x@x", *words]
        return subprocess.run(whole, cwd=tmp_path, check=True, capture_output=True, text=True).stdout

    git("init", "-q")
    (tmp_path / "ring.txt").write_bytes(BEFORE)
    (tmp_path / "größe.txt").write_bytes(BEFORE)
    (tmp_path / "gone.txt").write_bytes(BEFORE)
    git("add", ".")
    git("commit", "-qm", "x")
    (tmp_path / "ring.txt").write_bytes(AFTER)
    (tmp_path / "größe.txt").write_bytes(BEFORE.replace(b"four\nfive\n", b""))
    (tmp_path / "gone.txt").unlink()
    (tmp_path / "new.txt").write_bytes(b"-- x\n++ y\n")
    git("add", "-N", ".")
    assert touched(git("diff", "-U0", "HEAD")) == {
        "ring.txt": {2, 8, 9},
        "größe.txt": {3, 4},
        "new.txt": {1, 2},
    }


def fault(source: bytes) -> Fault:
    at = source.index(b"two")
    return Fault("constant-1", "constant", "ring.txt", 2, at, at + 3, "two", "zwei", "two")


def test_a_fault_is_planted_where_it_was_found_or_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "ring.txt").write_bytes(BEFORE)
    one = fault(BEFORE)
    one.plant(tmp_path)
    assert (tmp_path / "ring.txt").read_bytes() == BEFORE.replace(b"two", b"zwei")
    with pytest.raises(FaultError, match=r"ring\.txt:2: 'two' stands there no more(.|\n)*--anew"):
        one.plant(tmp_path)
    assert "-two\n+zwei\n" in one.diff(BEFORE)


def test_a_patch_of_ones_own(tmp_path: Path) -> None:
    """Several files, a new one, one that goes; above it the scenario that should find it."""
    texts = [
        unified("ring.txt", BEFORE, AFTER),
        unified("new.txt", b"", b"new\n").replace("--- a/new.txt", "--- /dev/null"),
        unified("gone.txt", b"x\n", b"").replace("+++ b/gone.txt", "+++ /dev/null"),
    ]
    (tmp_path / "ring.txt").write_bytes(BEFORE)
    (tmp_path / "gone.txt").write_bytes(b"x\n")
    patch = Patch.of("three", f"Drops a token.\nScenario: 4.2\n\n{''.join(texts)}")
    assert (patch.finder, patch.files) == ("4.2", ("ring.txt", "new.txt", "gone.txt"))
    patch.plant(tmp_path)
    assert {one.name: one.read_bytes() for one in tmp_path.iterdir()} == {"ring.txt": AFTER, "new.txt": b"new\n"}
    (tmp_path / "ring.txt").write_bytes(BEFORE)
    with pytest.raises(FaultError, match=r"three: new\.txt is there already"):
        patch.plant(tmp_path)
    (tmp_path / "new.txt").unlink()
    with pytest.raises(FaultError, match=r"three: there is no file gone\.txt"):
        patch.plant(tmp_path)


def test_a_patch_that_does_not_fit_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_bytes(BEFORE)
    (tmp_path / "two.txt").write_bytes(AFTER)
    patch = Patch.of("half", unified("one.txt", BEFORE, AFTER) + unified("two.txt", BEFORE, AFTER))
    with pytest.raises(DiffError, match=r"two\.txt: the lines"):
        patch.plant(tmp_path)
    assert (tmp_path / "one.txt").read_bytes() == BEFORE


@pytest.mark.parametrize("path", ["../out.txt", "link/out.txt"])
def test_a_patch_stays_in_the_project(tmp_path: Path, path: str) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "out.txt").write_bytes(BEFORE)
    (inside / "link").symlink_to(tmp_path)
    with pytest.raises(FaultError, match="leads out of the project"):
        Patch.of("out", unified(path, BEFORE, AFTER)).plant(inside)
    assert (tmp_path / "out.txt").read_bytes() == BEFORE


@pytest.mark.parametrize("text", ["", "words\n", "--- a/x\n+++ b/x\n"])
def test_a_file_that_is_no_patch(text: str) -> None:
    with pytest.raises(ConfigurationError, match="none: no unified diff"):
        Patch.of("none", text)


def test_a_finder_is_named_above_the_diff_only() -> None:
    text = unified("ring.txt", b"Scenario: 1.1\n", b"x\n")
    assert Patch.of("x", text).finder == ""
