"""The extras of the distribution, for its build."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_HARNESS = "harmony-conformance"


def dynamic_metadata(field: str, settings: Mapping[str, Any], project: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the extras as pyproject.toml lists them; where the harness lies beside the library, it is that one."""
    del field, settings, project
    root = Path.cwd()
    table = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["zerobuffer"]["extras"]
    beside = root / "harmony" / "pyproject.toml"
    where = f"{_HARNESS} @ {beside.parent.as_uri()}" if beside.is_file() else _HARNESS
    return {extra: [where if one == _HARNESS else one for one in needs] for extra, needs in table.items()}
