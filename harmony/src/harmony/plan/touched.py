"""Which cells a change of files touches: those of some features, of some platforms, or all. Pure."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import chain
from pathlib import Path, PurePath
from typing import Final, Self

from harmony.config import Settings
from harmony.plan.cells import Cell
from harmony.platform_settings import Platform
from harmony.project_file import PROJECT_FILE

_EXPECTATIONS: Final = "expectations.toml"
_FEATURE: Final = "feature"
_PLATFORM: Final = "platform"
DEEP: Final = "**"
"""Stands in a pattern for any number of directories."""


@dataclass(frozen=True, slots=True)
class Touched:
    """What is to run after a change.

    Attributes:
        features: Files whose scenarios are.
        platforms: Whose cells are.
        everything: Whether all cells are.
    """

    features: frozenset[Path] = frozenset()
    platforms: frozenset[str] = frozenset()
    everything: bool = False

    def __bool__(self) -> bool:
        """Whether there is anything to run."""
        return bool(self.features or self.platforms or self.everything)

    def __or__(self, other: Touched) -> Touched:
        """Return what either of two changes touches."""
        return Touched(
            self.features | other.features, self.platforms | other.platforms, self.everything or other.everything
        )

    def __str__(self) -> str:
        """Return what is to run, for a person."""
        if self.everything:
            return "everything"
        return ", ".join([*sorted(file.name for file in self.features), *sorted(self.platforms)])

    def has(self, cell: Cell) -> bool:
        """Whether a cell is to run."""
        return (
            self.everything
            or cell.scenario.place.file in self.features
            or not self.platforms.isdisjoint(cell.pairing.platforms.values())
        )

    def words(self) -> list[str]:
        """Return it as words of a command line; none for everything."""
        if self.everything:
            return []
        return [
            *(f"{_FEATURE}:{file}" for file in sorted(self.features)),
            *(f"{_PLATFORM}:{name}" for name in sorted(self.platforms)),
        ]

    @classmethod
    def of_words(cls, words: Iterable[str]) -> Self:
        """Read such words again."""
        said = [word.partition(":")[::2] for word in words]
        return cls(
            frozenset(Path(value) for kind, value in said if kind == _FEATURE),
            frozenset(value for kind, value in said if kind == _PLATFORM),
            not said,
        )


@dataclass(frozen=True, slots=True)
class Ground:
    """Which files matter to whom, as patterns from the root on.

    Attributes:
        root: The directory of the project file.
        features: Of the feature files.
        shared: Of what every cell depends on.
        platforms: Of what each platform is made from.
    """

    root: Path
    features: str
    shared: tuple[str, ...]
    platforms: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: Settings, root: Path) -> Self:
        """Return the ground of a project."""
        platforms = settings.platforms
        modules = (*settings.steps, *settings.providers, settings.driver.contract, *settings.leaks.probes)
        probes = chain.from_iterable(platform.leaks.probes for platform in platforms.values())
        tops = sorted({name.partition(":")[0].partition(".")[0] for name in (*modules, *probes) if name})
        return cls(
            root,
            f"{settings.features.as_posix()}/{DEEP}/*.feature",
            (PROJECT_FILE, _EXPECTATIONS, *(f"{top}{end}" for top in tops for end in (".py", f"/{DEEP}/*.py"))),
            {name: made_from(platform) for name, platform in platforms.items()},
        )

    def patterns(self) -> list[str]:
        """Return every pattern."""
        return [self.features, *self.shared, *chain.from_iterable(self.platforms.values())]

    def touched(self, changed: Iterable[Path], gone: Iterable[Path] = ()) -> Touched:
        """Return which cells a change touches.

        A feature that is gone touches everything: which cells it had, nobody can tell any more.

        Args:
            changed: Files that are new, or not what they were.
            gone: Files that are not there any more.
        """
        removed = set(gone)
        found = Touched()
        for file in {*changed, *removed}:
            name = PurePath(os.path.relpath(file, self.root))
            feature = fits(name, self.features)
            found |= Touched(
                frozenset({file}) if feature else frozenset(),
                frozenset(one for one, patterns in self.platforms.items() if any(fits(name, it) for it in patterns)),
                any(fits(name, it) for it in self.shared) or (feature and file in removed),
            )
        return found


def fits(name: PurePath, pattern: str) -> bool:
    """Whether a path has a pattern, in which ``**`` stands for any number of directories."""
    return _fits(name.parts, PurePath(pattern).parts)


def _fits(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    if not pattern:
        return not parts
    if pattern[0] == DEEP:
        return any(_fits(parts[begin:], pattern[1:]) for begin in range(len(parts) + 1))
    return bool(parts) and fnmatchcase(parts[0], pattern[0]) and _fits(parts[1:], pattern[1:])


def made_from(platform: Platform) -> tuple[str, ...]:
    """Return patterns of what a platform is made from; where it does not say so, of what stands beside its program."""
    if platform.sources:
        return platform.sources
    words = [word for word in chain(*platform.commands, platform.driver) if not word.startswith(("-", "/", "{"))]
    files = [platform.directory / word for word in words]
    beside = [file.parent / "*" for file in files if file.parent != Path()]
    return tuple(dict.fromkeys(file.as_posix() for file in (*files, *beside)))
