"""Finds an error without a way out, two errors of one code, and a page of errors that is not what the classes say."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Final

import pytest

from harmony.cli import errors
from harmony.errors import HarmonyError
from sandbox import Sandbox

PAGE: Final = Path(__file__).parents[2] / "docs" / "troubleshooting.md"


def test_every_error_says_cause_and_way_out_under_a_code_of_its_own() -> None:
    every = errors.named()
    assert [one.name for one in every if not (one.cause and one.way_out)] == []
    assert [code for code, times in Counter(one.code for one in every).items() if times > 1] == []
    assert "harmony_error" not in {one.code for one in every}


def test_an_error_that_is_silent_about_the_way_out_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    class SilentError(HarmonyError):
        """Something."""

        code = "silent"

    monkeypatch.setattr(SilentError, "__module__", "harmony.silent")
    found = next(one for one in errors.named() if one.code == "silent")
    assert (found.cause, found.way_out) == ("Something.", "")


def test_the_page_is_what_the_classes_say(sandbox: Sandbox) -> None:
    done = sandbox.harmony("errors", "--format", "markdown")
    assert done.returncode == 0, done.stderr
    assert PAGE.read_text("utf-8") == done.stdout, "run `harmony errors --format markdown` and keep it as this page"


def test_one_error_is_explained_and_a_typo_gets_the_nearest(sandbox: Sandbox) -> None:
    done = sandbox.harmony("errors", "no_answer")
    assert done.stdout.startswith("no_answer  (NoAnswerError, exit code 3)\n    The deadline passed")
    assert done.stdout.count("way out: ") == 1
    done = sandbox.harmony("errors", "no_answr")
    assert (done.returncode, done.stdout) == (4, "")
    assert "did you mean 'no_answer'?" in done.stderr
