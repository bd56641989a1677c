"""A language that has a driver: where its sources are, how they are built, and how the driver is started."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Self

import pytest

from harmony.run.building import is_here
from tests.library import toolchain

DRIVERS: Final = Path(__file__).resolve().parents[2] / "drivers"


@dataclass(frozen=True)
class Language:
    """A language and its driver.

    Attributes:
        name: As its platform in harmony.toml, such as ``cpp``.
        folder: Where its sources are.
        command: The driver; the last word is what the build makes. Paths lie in the folder.
        sources: What makes the driver old when it changes, as patterns within the folder; none if nothing is built.
        build: Makes the driver for the tests of its mutants, in the folder.
        tools: What that takes, and how to get it on Debian.
        environment: Variables that the driver and its tests want, on top of ours.
        said: How it names itself in ``hello``, where that is not the name.
        capabilities: What it must claim.
    """

    name: str
    folder: Path
    command: tuple[str | Path, ...]
    sources: tuple[str, ...]
    build: tuple[str, ...] = ()
    tools: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    said: str = ""
    capabilities: frozenset[str] = frozenset({"duplex", "linux", "points"})

    @property
    def words(self) -> list[str]:
        """The command for a process."""
        return [str(word) for word in self.command]

    @property
    def needs_tools(self) -> pytest.MarkDecorator:
        """Skips, visibly, what cannot be built here."""
        missing = [f"no {tool} (Debian: {remedy})" for tool, remedy in self.tools.items() if not is_here(tool)]
        return pytest.mark.skipif(bool(missing), reason=f"{self.name}: {', '.join(missing)}")

    def obstacle(self) -> str:
        """Say why its driver cannot be tried, or nothing."""
        if not self.sources:
            return ""
        program = Path(self.command[-1])
        remedy = f"run harmony build {self.name}"
        if not program.exists():
            return f"{self.name}: not built — {remedy}"
        if missing := [word for word in self.words[:-1] if not word.startswith("-") and not shutil.which(word)]:
            return f"{self.name}: needs {missing[0]} to run"
        sources = [path for pattern in self.sources for path in self.folder.glob(pattern)]
        times = [path.stat().st_mtime for path in sources if "_test." not in path.name]
        if not times:
            return f"{self.name}: no sources like {self.sources} in {self.folder.name}"
        return (
            f"{self.name}: built before its sources changed — {remedy}" if program.stat().st_mtime < max(times) else ""
        )

    def copied(self, target: Path) -> Self:
        """Copy the sources; what is returned is the language with its driver there, once that is built."""
        what_is_built = shutil.ignore_patterns("bin", "obj", "build", "target", ".*")
        folder = Path(shutil.copytree(self.folder, target / self.folder.name, ignore=what_is_built))
        moved = (folder / word.relative_to(self.folder) if isinstance(word, Path) else word for word in self.command)
        return replace(self, folder=folder, command=tuple(moved))

    def run(self, *words: str | Path, folder: Path | None = None, limit: float = 280) -> str:
        """Run a command that must succeed, in the folder of the sources or another; return what it prints."""
        place = folder or self.folder
        return toolchain.run(*words, cwd=place, environment=self.environment, deadline=limit)
