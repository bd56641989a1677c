"""What a campaign has found out, kept so that it can be taken up again."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, Self

import pydantic

from harmony.errors import ConfigurationError
from harmony.mutate.fault import Planted
from harmony.mutate.judgement import Judgement
from harmony.state import STATE_DIRECTORY, write_whole

MUTANTS: Final = STATE_DIRECTORY / "mutants"
"""Where it is kept, in a directory for each platform."""
_JUDGEMENTS: Final = "judgements.ndjson"
_UNMUTATED: Final = "unmutated.json"


class _Unmutated(pydantic.BaseModel):
    """What a run without a fault has shown."""

    state: str = ""
    cells: dict[str, float] = {}


class Record:
    """The judgements of one platform, and how long its cells take without a fault.

    They hold for one state of the sources, features and words: those of another are forgotten.

    Args:
        directory: Where it is kept.
        state: What tells one state from another.
        anew: Whether to forget everything.
    """

    def __init__(self, directory: Path, state: str, *, anew: bool = False) -> None:
        self._directory = directory
        self._state = state
        self.cells: dict[str, float] = {}
        self._judged: dict[str, Judgement] = {}
        self.forgotten = 0
        """How many judgements of another state there were."""
        told = self._told()
        lines = list(self._lines())
        if told.state == state and not anew:
            self.cells = told.cells
            self._judged = {one.fault.name: one for one in lines}
        else:
            self.forgotten = len(lines)

    @classmethod
    @contextlib.contextmanager
    def opened(cls, directory: Path, state: str, *, anew: bool = False) -> Iterator[Self]:
        """Open a record, for one process at a time.

        Raises:
            ConfigurationError: Another one has it open.
        """
        directory.mkdir(parents=True, exist_ok=True)
        with (directory / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise ConfigurationError(
                    f"another `harmony mutate {directory.name}` runs", hint="wait for its end, or end it with ^C"
                ) from error
            yield cls(directory, state, anew=anew)

    def keep_cells(self, cells: Mapping[str, float]) -> None:
        """Begin with a run without a fault."""
        self.cells = dict(cells)
        told = _Unmutated(state=self._state, cells=self.cells)
        write_whole(self._directory / _UNMUTATED, f"{told.model_dump_json()}\n")
        self._write()

    def keep(self, judgement: Judgement) -> None:
        """Keep a judgement at once."""
        if not self._judged:
            self._write()
        self._judged[judgement.fault.name] = judgement
        with (self._directory / _JUDGEMENTS).open("a", encoding="utf-8") as stream:
            stream.write(f"{judgement.to_json()}\n")

    def of(self, fault: Planted) -> Judgement | None:
        """Return what is known of a fault."""
        found = self._judged.get(fault.name)
        return found if found is not None and found.fault == fault else None

    def judgements(self) -> Iterable[Judgement]:
        """Return all that is known."""
        return self._judged.values()

    def _write(self) -> None:
        write_whole(self._directory / _JUDGEMENTS, "".join(f"{one.to_json()}\n" for one in self._judged.values()))

    def _told(self) -> _Unmutated:
        try:
            return _Unmutated.model_validate_json((self._directory / _UNMUTATED).read_bytes())
        except (OSError, ValueError):
            return _Unmutated()

    def _lines(self) -> Iterator[Judgement]:
        try:
            lines = (self._directory / _JUDGEMENTS).read_text("utf-8").splitlines()
        except OSError:
            return
        for line in lines:
            # Whoever is killed while it writes leaves half a line.
            with contextlib.suppress(ConfigurationError):
                yield Judgement.from_json(line)


def state_of(words: Iterable[str], root: Path, patterns: Iterable[str]) -> str:
    """Return what tells one state of some files, and of what is done with them, from another."""
    whole = hashlib.sha256(json.dumps(list(words)).encode())
    files = {path for pattern in patterns for path in root.glob(pattern) if path.is_file()}
    for path in sorted(files):
        content = path.read_bytes()
        whole.update(f"{path.relative_to(root)} {len(content)}\n".encode())
        whole.update(content)
    return whole.hexdigest()
