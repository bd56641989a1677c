"""The languages in whose sources faults are found: one table each."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Final

from harmony.mutate.language import Language
from harmony.mutate.languages.c import C
from harmony.mutate.languages.cpp import CPP
from harmony.mutate.languages.csharp import CSHARP
from harmony.mutate.languages.go import GO
from harmony.mutate.languages.java import JAVA
from harmony.mutate.languages.javascript import JAVASCRIPT, TSX, TYPESCRIPT
from harmony.mutate.languages.python import PYTHON
from harmony.mutate.languages.rust import RUST

LANGUAGES: Final = (C, CPP, CSHARP, GO, JAVA, JAVASCRIPT, TYPESCRIPT, TSX, PYTHON, RUST)


def language_of(file: str) -> Language | None:
    """Return the language of a file, by its suffix; none if it is not among them."""
    suffix = PurePosixPath(file).suffix.lower()
    return next((one for one in LANGUAGES if suffix in one.suffixes), None)
