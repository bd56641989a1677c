"""Names of a public face that are loaded when they are first used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any


def loaded(face: str, public: Mapping[str, Sequence[str]], name: str) -> Any:
    """Return a name of a public face.

    Args:
        face: The module that shows it.
        public: The names of each module that has some.
        name: Which.

    Raises:
        AttributeError: There is none.
    """
    for module, names in public.items():
        if name in names:
            return getattr(import_module(module), name)
    raise AttributeError(f"module {face!r} has no attribute {name!r}")
