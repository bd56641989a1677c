"""The words of a worker, read without what reads any command line: that takes longer to load than all else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

SHORTEST_TIMEOUT: Final = 0.001
_READ: Final[Mapping[str, Callable[[str], Any]]] = {
    "--project": Path,
    "--listen": Path,
    "--replay": Path,
    "--step-timeout": float,
}


def plain_options(words: Sequence[str]) -> dict[str, Any] | None:
    """Return the options of `harmony serve`; nothing where the words are not pairs of an option and a proper value."""
    pairs = dict(zip(words[::2], words[1::2], strict=False))
    if len(words) != 2 * len(pairs) or any(value[:1] in {"", "-"} for value in pairs.values()):
        return None
    try:
        options = {name.removeprefix("--").replace("-", "_"): _READ[name](value) for name, value in pairs.items()}
    except (KeyError, ValueError):
        return None
    return options if options.get("step_timeout", SHORTEST_TIMEOUT) >= SHORTEST_TIMEOUT else None
