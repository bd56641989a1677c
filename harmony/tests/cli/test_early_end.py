"""Before anything runs: finds a traceback of what a ^C meets, a ^C lost on the way, and a warning that ends the run."""

from __future__ import annotations

from pathlib import Path

import pytest

from harmony.cli import writing
from sandbox import run_python

BECOME = """
import os, signal, sys
from harmony import early_end
early_end.hand_over()
os.kill(os.getpid(), signal.SIGTERM)
os.execv(sys.executable, [sys.executable, "-m", "harmony.pytest_plugin.start"])
"""


@pytest.mark.parametrize("words", [("-m", "harmony.pytest_plugin.start"), ("-c", BECOME)], ids=["loading", "becoming"])
def test_a_run_that_is_interrupted_while_it_loads_says_so_in_a_line(tmp_path: Path, words: tuple[str, ...]) -> None:
    (tmp_path / "pytest.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n", "utf-8")
    done = run_python(tmp_path, *words)
    assert (done.returncode, done.stderr, done.stdout) == (2, "harmony: broken off\n", "")


def test_a_run_loads_where_warnings_are_errors(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n", "utf-8")
    done = run_python(tmp_path, "-m", "harmony.pytest_plugin.start", "--collect-only", "-q")
    assert "cannot be rewritten" not in done.stderr


def test_lines_are_as_wide_as_the_terminal_and_those_of_a_file_always_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert (writing.width_for(None), writing.width_for(Path("report.txt"))) == (80, 120)
