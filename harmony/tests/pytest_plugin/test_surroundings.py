"""Where a run was, and of which commit."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from harmony.pytest_plugin.surroundings import Surroundings


def git(place: Path, *words: str) -> None:
    who = ("-c", "user.name=nobody", "-c", "user.email=nobody@localhost", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *who, *words], cwd=place, check=True, capture_output=True, timeout=60)


@pytest.mark.skipif(shutil.which("git") is None, reason="there is no git")
def test_a_change_that_is_not_committed_is_told(tmp_path: Path) -> None:
    """Two runs of one commit that differ would be called flaky else."""
    git(tmp_path, "init")
    (tmp_path / "harmony.toml").write_text("")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "first")
    git(tmp_path, "tag", "-a", "v1", "-m", "a tag says less than the commit")
    clean = Surroundings.of(tmp_path).commit
    assert len(clean) >= 12
    assert not set(clean) - set("0123456789abcdef")
    (tmp_path / "harmony.toml").write_text("changed")
    assert Surroundings.of(tmp_path).commit == f"{clean}-dirty"


def test_without_git_or_a_repository_there_is_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Surroundings.of(tmp_path).commit == ""
    monkeypatch.setenv("PATH", str(tmp_path))
    told = Surroundings.of(tmp_path)
    assert told.commit == ""
    assert " core" in told.machine
