"""How long things took when they last ran, so that shards can be balanced."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from harmony.errors import ConfigurationError
from harmony.state import STATE_DIRECTORY, read_whole, write_whole

DURATIONS_FILE: Final = STATE_DIRECTORY / "durations.json"


def read_durations(file: Path) -> dict[str, float]:
    """Return seconds by name; nothing if nothing was recorded.

    Raises:
        ConfigurationError: The file is no record of durations.
    """
    try:
        recorded = json.loads(read_whole(file))
        return {str(name): float(seconds) for name, seconds in recorded.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise ConfigurationError(f"{file}: no durations: {error}", hint="delete it; the next run writes it") from error


def typical(past: Mapping[str, float]) -> float:
    """Return the median, as which one counts whose duration is not known; 0 if none is."""
    known = sorted(past.values())
    return known[len(known) // 2] if known else 0.0


def write_durations(file: Path, seconds: Mapping[str, float]) -> None:
    """Add what a run has measured to what is recorded."""
    merged = {**read_durations(file), **{name: round(value, 4) for name, value in seconds.items()}}
    write_whole(file, json.dumps(dict(sorted(merged.items())), indent=0) + "\n")
