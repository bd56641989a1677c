"""The languages in which a driver can be started."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from harmony.new_driver.cpp import CPP
from harmony.new_driver.csharp import CSHARP
from harmony.new_driver.go import GO
from harmony.new_driver.java import JAVA
from harmony.new_driver.language import Language
from harmony.new_driver.node import NODE
from harmony.new_driver.python import PYTHON
from harmony.new_driver.rust import RUST

LANGUAGES: Final[Mapping[str, Language]] = {
    language.name: language for language in (PYTHON, NODE, GO, RUST, CPP, CSHARP, JAVA)
}
