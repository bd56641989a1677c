"""Learns the version of an implementation that its driver cannot tell: from a command that prints it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Final

from harmony import patterns
from harmony.platform_settings import Platform
from harmony.run.pool import filled_in
from harmony.text import shown

TIMEOUT: Final = 10.0
_LONGEST: Final = 120
_MOST: Final = 65_536


def version_of(platform: Platform, root: Path) -> str:
    """Return the version that the platform's command prints, or why nobody knows it.

    Args:
        platform: Its entry in the project file, which has such a command.
        root: The directory of the project file.
    """
    assert platform.version is not None  # noqa: S101 - see above
    words = filled_in(platform.version.command, root)
    environment = {**os.environ, **platform.environment}
    try:
        done = subprocess.run(
            words,
            cwd=root / platform.directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=TIMEOUT,
            check=False,
        )
        text = done.stdout[:_MOST].decode(errors="replace")
        found = patterns.found(platform.version.pattern, text, group=True)
    except subprocess.TimeoutExpired:
        return f"unknown: {words[0]} did not end within {TIMEOUT:g} s"
    except OSError as error:
        return shown(f"unknown: {words[0]} cannot be started: {error.strerror}", _LONGEST)
    except patterns.PatternError as error:
        return shown(f"unknown: {error.message}", _LONGEST)
    if found is None:
        return shown(f"unknown: no version in what {words[0]} prints", _LONGEST)
    return shown(found, _LONGEST)
