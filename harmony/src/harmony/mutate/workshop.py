"""A copy of the project in which faults are planted and built. Nothing here writes into the project itself."""

from __future__ import annotations

import contextlib
import hashlib
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from harmony.errors import ExitCode, HarmonyError
from harmony.mutate.command import Done, run_command
from harmony.mutate.copying import copy_project
from harmony.mutate.fault import FaultError, Planted
from harmony.platform_settings import PlatformMutation
from harmony.project import Project
from harmony.run import building
from harmony.run.pool import filled_in

_LEAST: Final = 60.0
_TIMES: Final = 10.0
"""How long a build may take: so many times what the first one took, and so many seconds at least."""


class WorkshopError(HarmonyError):
    """A copy of the project cannot be made ready: what prepares it fails, or a platform does not build in it.

    Way out: read what the command says; what a copy lacks that git does not track, `prepare` of the
    platform's `mutation` makes. What `makes` names must be there after a build.
    """

    code = "workshop"
    exit_code = ExitCode.FAILED

    def __init__(self, message: str) -> None:
        super().__init__(
            message,
            hint="a copy has what git tracks; what else it takes, `prepare` of the mutation makes",
        )


@dataclass(frozen=True, slots=True)
class Unbuilt:
    """Why a build has made nothing.

    Attributes:
        why: The end of what it said.
        late: Whether it only did not end in time.
    """

    why: str
    late: bool = False


@dataclass(slots=True)
class Workshop:
    """One copy.

    Attributes:
        project: Of which project.
        root: Where it stands.
        platform: In which platform faults are planted.
        partners: Who else plays.
    """

    project: Project
    root: Path
    platform: str
    partners: Sequence[str] = ()
    _first_build: float = field(default=0.0, init=False)
    _made: Mapping[Path, str] = field(default_factory=dict, init=False)

    @property
    def file(self) -> Path:
        """Its project file."""
        return self.root / self.project.file.name

    @property
    def python(self) -> str:
        """Which Python runs it."""
        own = self._settings.python
        return str(self.root / own) if own else sys.executable

    async def make(self) -> None:
        """Copy, prepare and build.

        Raises:
            WorkshopError: Something of that fails.
        """
        self.root.mkdir(parents=True)
        await copy_project(self.project.root, self.root)
        if words := self._settings.prepare:
            done = await self._run(words, building.BUILD_TIMEOUT)
            if done.code != 0:
                raise WorkshopError(f"{' '.join(words)}: {_how(done)}")
        for name in (*self.partners, self.platform):
            if unbuilt := await self.build(name):
                raise WorkshopError(f"{name} is not built in a copy: {unbuilt.why}")
        self._made = self._makes()
        if self._settings.makes and not self._made:
            raise WorkshopError(f"{self.platform}: a build makes nothing that `makes` names")

    async def build(self, name: str = "") -> Unbuilt | None:
        """Build a platform, by default the one in which faults are planted; return why it is not made, or nothing."""
        name = name or self.platform
        entry = self.project.settings.platforms[name]
        words = self._settings.build if name == self.platform and self._settings.build else entry.build
        if not words:
            return None
        first = not self._first_build
        deadline = building.BUILD_TIMEOUT if first or name != self.platform else self._deadline
        state = building.digest(entry, self.root)
        done = await self._run(words, deadline)
        if name == self.platform and first:
            self._first_build = done.seconds
        if done.code != 0:
            return Unbuilt(_how(done), late=done.code is None)
        building.note_built(name, self.root, state)
        return None

    def is_as_made(self) -> bool:
        """Return whether what plays is, byte for byte, what it was without a fault; false where nothing names it."""
        return bool(self._made) and self._makes() == self._made

    @contextlib.contextmanager
    def planted(self, fault: Planted) -> Iterator[None]:
        """Hold a fault in the copy; both times each file gets the time of now, so that a build sees the change.

        Raises:
            FaultError: It cannot be planted.
        """
        before = {path: self._content(path) for path in fault.files}
        try:
            self._forget_compiled(before)
            fault.plant(self.root)
            yield
        finally:
            for path, content in before.items():
                if content is None:
                    (self.root / path).unlink(missing_ok=True)
                else:
                    (self.root / path).parent.mkdir(parents=True, exist_ok=True)
                    (self.root / path).write_bytes(content)
            self._forget_compiled(before)

    @property
    def _settings(self) -> PlatformMutation:
        return self.project.settings.platforms[self.platform].mutation

    @property
    def _deadline(self) -> float:
        return max(_LEAST, _TIMES * self._first_build)

    def _makes(self) -> dict[Path, str]:
        files = {file for pattern in self._settings.makes for file in self.root.glob(pattern) if file.is_file()}
        return {file: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}

    async def _run(self, words: Sequence[str], deadline: float) -> Done:
        return await run_command(filled_in(tuple(words), self.root, python=self.python), self.root, deadline)

    def _content(self, path: str) -> bytes | None:
        file = self.root / path
        if not file.resolve().is_relative_to(self.root.resolve()):
            raise FaultError(f"{path} leads out of the project")
        return file.read_bytes() if file.is_file() else None

    def _forget_compiled(self, paths: Iterable[str]) -> None:
        """Remove what Python has compiled: it tells sources apart by their size and the second of their change."""
        for file in (self.root / path for path in paths):
            for compiled in file.parent.glob(f"__pycache__/{file.stem}.*.pyc"):
                compiled.unlink(missing_ok=True)


def _how(done: Done) -> str:
    if done.code is None:
        return f"no end within {done.seconds:.0f} s"
    return f"exit {done.code}" + (f"\n{done.said}" if done.said else "")
