"""What a campaign is about: in which sources of which platform faults are planted, and with whom it plays."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from itertools import chain
from pathlib import Path, PurePath
from typing import Final, Self

from harmony.errors import ConfigurationError
from harmony.mutate.record import state_of
from harmony.plan.touched import Ground, fits, made_from
from harmony.project import Project
from harmony.project_file import PROJECT_FILE
from harmony.run.building import missing_tools
from harmony.run.pool import filled_in, unavailable
from harmony.suggestion import did_you_mean

ALL: Final = "all"
"""The word for every partner that can play here."""


@dataclass(frozen=True, slots=True)
class Target:
    """One platform, and what plays with it.

    Attributes:
        project: The project.
        platform: In which faults are planted.
        partners: The others.
        tags: Opt-in tags whose scenarios play, too.
        assignments: Settings of the command line.
        whole: Whether each fault meets every cell.
    """

    project: Project
    platform: str
    partners: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    assignments: tuple[str, ...] = ()
    whole: bool = False

    @classmethod
    def of(
        cls,
        project: Project,
        platform: str,
        partners: Sequence[str] = (),
        *,
        tags: Sequence[str] = (),
        assignments: Sequence[str] = (),
        whole: bool = False,
    ) -> Self:
        """Return the target that some words name; without a partner, the first other platform that can play here.

        Raises:
            ConfigurationError: A word names no platform, or one that cannot play here.
        """
        every = project.settings.platforms
        for name in (platform, *(one for one in partners if one != ALL)):
            if name not in every:
                raise ConfigurationError(f"there is no platform {name!r}", hint=did_you_mean(name, sorted(every)))
            if reason := absent(project, name):
                raise ConfigurationError(f"{name} cannot play here: {reason}")
        others = [name for name in every if name != platform]
        if ALL in partners:
            chosen = [name for name in others if not absent(project, name)]
        else:
            named = [name for name in others if name in partners]
            chosen = named or [name for name in others if not partners and not absent(project, name)][:1]
        return cls(project, platform, tuple(chosen), tuple(tags), tuple(assignments), whole)

    @property
    def words(self) -> list[str]:
        """What `harmony run` is told in every run."""
        return [
            *(f"--platform={name}" for name in (self.platform, *self.partners)),
            *(f"--with-tag={tag}" for tag in self.tags),
            *(f"--set={one}" for one in self.assignments),
            "--no-build",
            "--seed=1",
        ]

    @property
    def sources(self) -> list[str]:
        """The files in which faults are planted, in a fixed order.

        Raises:
            ConfigurationError: There are none.
        """
        root = self.project.root
        patterns, left_out = self._patterns, self.project.settings.platforms[self.platform].mutation.leave_out
        found = (path.relative_to(root).as_posix() for one in patterns for path in root.glob(one) if path.is_file())
        names = sorted({name for name in found if not any(fits(PurePath(name), one) for one in left_out)})
        if not names:
            raise ConfigurationError(
                f"{self.platform}: no file fits {', '.join(patterns) or 'its sources'}",
                hint=f"name them: sources = [...] below [platforms.{self.platform}.mutation]",
            )
        return names

    @property
    def state(self) -> str:
        """What tells one state of all that decides what comes of a fault from another."""
        settings = self.project.settings
        ground = Ground.of(settings, self.project.root)
        # Of the project file counts what it says; what is asked of the result says nothing of it.
        shared = [ground.features, *(pattern for pattern in ground.shared if pattern != PROJECT_FILE)]
        played = chain.from_iterable(ground.platforms[name] for name in (self.platform, *self.partners))
        said = settings.model_dump_json(exclude={"gates"})
        words = [version("harmony-conformance"), *self.words, json.dumps(self.whole), said]
        return state_of(words, self.project.root, (*shared, *played, *self._patterns))

    @property
    def _patterns(self) -> tuple[str, ...]:
        entry = self.project.settings.platforms[self.platform]
        return entry.mutation.sources or made_from(entry)


def absent(project: Project, name: str) -> str:
    """Say why a platform cannot play in a copy, in which all is built anew; empty if it can."""
    entry = project.settings.platforms[name]
    if not entry.build:
        return unavailable(name, entry, project.root)
    if missing := missing_tools(entry):
        return f"there is no {', '.join(missing)} here"
    program = filled_in(entry.build, project.root)[0]
    here = program if os.sep not in program else str(project.root / Path(program))
    return "" if shutil.which(here) else f"there is no {program} here"
