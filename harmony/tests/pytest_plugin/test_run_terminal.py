"""Where a run is drawn: finds a drawing that goes into a pipe, a log, or a terminal that cannot show it."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any, cast

import pytest

from harmony.pytest_plugin.run_terminal import is_drawn

GIVEN = {"--no-progress": False, "--harmony-run": "harmony", "capture": "fd", "collectonly": False}


@pytest.mark.parametrize(
    ("terminal", "variables", "options", "drawn"),
    [
        (True, {}, {}, True),
        (True, {"NO_COLOR": "1"}, {}, True),
        (False, {}, {}, False),
        (True, {"TERM": "dumb"}, {}, False),
        (True, {"TERM": ""}, {}, False),
        (True, {"CI": "true"}, {}, False),
        (True, {}, {"--no-progress": True}, False),
        (True, {}, {"capture": "no"}, False),
    ],
)
def test_it_is_drawn_on_a_terminal_that_can_show_it(
    monkeypatch: pytest.MonkeyPatch,
    terminal: bool,
    variables: dict[str, str],
    options: dict[str, Any],
    drawn: bool,
) -> None:
    monkeypatch.setattr(sys, "stdout", SimpleNamespace(isatty=lambda: terminal))
    for name, value in {"TERM": "xterm", "CI": "", **variables}.items():
        monkeypatch.setenv(name, value)
    config = SimpleNamespace(getoption={**GIVEN, **options}.__getitem__, option=SimpleNamespace(verbose=0))
    assert is_drawn(cast("pytest.Config", config)) is drawn
