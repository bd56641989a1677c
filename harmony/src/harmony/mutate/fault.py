"""What is planted: a small fault found in a source, or a patch of one's own. Pure, but for ``plant``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from harmony.errors import ConfigurationError, ExitCode, HarmonyError
from harmony.mutate.diffs import NOTHING, FileChange, read_diff, unified

_FINDER: Final = re.compile(r"^Scenario:\s*(\S+)\s*$", re.MULTILINE)


class FaultError(HarmonyError):
    """A fault cannot be planted: its source is not what it was when the fault was found.

    Way out: look for faults anew, with `harmony mutate PLATFORM --anew`.
    """

    code = "fault"
    exit_code: ClassVar[ExitCode] = ExitCode.CONFIGURATION

    def __init__(self, message: str) -> None:
        super().__init__(message, hint="look for faults anew: --anew")


@dataclass(frozen=True, slots=True)
class Fault:
    """One small fault.

    Attributes:
        name: Unique in the project, and the same in each run while its line does not change.
        operator: Its class.
        file: Its file, relative to the project's root, with ``/``.
        line: Its first line, from 1.
        start: The first byte that is replaced.
        end: The one behind the last.
        before: What stands there.
        after: What stands there then.
        text: Its first line, stripped.
    """

    name: str
    operator: str
    file: str
    line: int
    start: int
    end: int
    before: str
    after: str
    text: str

    @property
    def files(self) -> tuple[str, ...]:
        """The files that are changed."""
        return (self.file,)

    @property
    def place(self) -> str:
        """Where it stands."""
        return f"{self.file}:{self.line}"

    def planted(self, source: bytes) -> bytes:
        """Return the source with this fault.

        Raises:
            FaultError: It is not the source in which it was found.
        """
        if source[self.start : self.end] != self.before.encode():
            raise FaultError(f"{self.file}:{self.line}: {self.before!r} stands there no more")
        return source[: self.start] + self.after.encode() + source[self.end :]

    def diff(self, source: bytes) -> str:
        """Return the fault as a unified diff."""
        return unified(self.file, source, self.planted(source))

    def plant(self, root: Path) -> None:
        """Write it into a copy of the project."""
        file = root / self.file
        file.write_bytes(self.planted(file.read_bytes()))


@dataclass(frozen=True, slots=True)
class Patch:
    """A fault of one's own.

    Attributes:
        name: Of its file, without suffix.
        diff_text: A unified diff.
        finder: The number of the scenario that should find it; empty if none is told.
    """

    name: str
    diff_text: str
    finder: str = ""

    @classmethod
    def of(cls, name: str, text: str) -> Patch:
        """Return the patch that a file holds; a line ``Scenario: 4.2`` above the diff names the finder.

        Raises:
            ConfigurationError: It changes nothing.
        """
        head, mark, _ = text.partition("\n--- ") if not text.startswith("--- ") else ("", "--- ", "")
        patch = cls(name, text, found[1] if (found := _FINDER.search(head)) else "")
        if not mark or not any(one.hunks for one in patch.changes):
            raise ConfigurationError(f"{name}: no unified diff", hint="write it with `git diff`")
        return patch

    @property
    def changes(self) -> list[FileChange]:
        """What it does to each file."""
        return read_diff(self.diff_text)

    @property
    def files(self) -> tuple[str, ...]:
        """The files that are changed, made or removed."""
        return tuple(dict.fromkeys(path for one in self.changes for path in (one.before, one.after) if path != NOTHING))

    @property
    def place(self) -> str:
        """Where it stands."""
        return ", ".join(self.files)

    def plant(self, root: Path) -> None:
        """Write it into a copy of the project: all of it, or nothing.

        Raises:
            FaultError: A file is missing, or is there already, or leads out of the project.
            DiffError: A file is not as the diff says.
        """
        inside = root.resolve()
        for path in self.files:
            if not (root / path).resolve().is_relative_to(inside):
                raise FaultError(f"{self.name}: {path} leads out of the project")
        written: dict[str, bytes] = {}
        gone: set[str] = set()
        for one in self.changes:
            if one.before == NOTHING and (root / one.after).exists():
                raise FaultError(f"{self.name}: {one.after} is there already")
            if one.before != NOTHING and not (root / one.before).is_file():
                raise FaultError(f"{self.name}: there is no file {one.before}")
            there = written.get(one.before)
            source = b"" if one.before == NOTHING else (root / one.before).read_bytes() if there is None else there
            made = one.applied(source)
            gone |= {one.before} - {NOTHING}
            if one.after != NOTHING:
                written[one.after] = made
        for path in gone - written.keys():
            (root / path).unlink()
        for path, content in written.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(content)


Planted = Fault | Patch
"""Whatever is planted."""
