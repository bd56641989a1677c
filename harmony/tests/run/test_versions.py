"""The version of an implementation that its driver cannot tell."""

from __future__ import annotations

from pathlib import Path

import pytest

from harmony.platform_settings import Platform
from harmony.run.versions import version_of

USAGE = "echo usage: hub; echo hub version 2.0.11-rc.1 \\(built 2024-01-31 with 3.0\\) >&2; exit 3"


@pytest.mark.parametrize(
    ("command", "pattern", "version"),
    [
        (["sh", "-c", USAGE], {}, "2.0.11-rc.1"),
        (["sh", "-c", USAGE], {"pattern": r"with (\d\.\d)"}, "3.0"),
        (["sh", "-c", USAGE], {"pattern": "hub .{9}"}, "hub version 2"),
        (["sh", "-c", "echo hub"], {}, "unknown: no version in what sh prints"),
        (["sh", "-c", "echo $AT in $(basename $PWD)"], {"pattern": ".+"}, "7.1 in place"),
        (["no-such-program"], {}, "unknown: no-such-program cannot be started: No such file or directory"),
    ],
)
def test_it_is_what_a_command_prints_wherever_and_however_it_ends(
    tmp_path: Path, command: list[str], pattern: dict[str, str], version: str
) -> None:
    (tmp_path / "place").mkdir()
    entry = {
        "command": ["x"],
        "directory": "place",
        "environment": {"AT": "7.1"},
        "version": {"command": command, **pattern},
    }
    assert version_of(Platform.model_validate(entry), tmp_path).startswith(version)
