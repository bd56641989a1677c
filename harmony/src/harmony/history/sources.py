"""Which runs a word means: a number, a name, a commit, a file, a directory such as a downloaded artefact."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from harmony.errors import ConfigurationError, ExitCode, HarmonyError
from harmony.history.past_run import PastRun
from harmony.history.store import read_run
from harmony.state import read_whole
from harmony.verdict.events import Event, RunPlanned, read_file

_EVENTS: Final = ".ndjson"
_RUN: Final = ".json"
_BEGINS: Final = '{"harmony-run":'
_LEAST_OF_A_COMMIT: Final = 4


class NoSuchRunError(HarmonyError):
    """A word means no run, or more than one.

    Way out: take a number, a name or a commit of `harmony history`, or a file that `--events` has written.
    """

    code = "no_such_run"
    exit_code = ExitCode.USAGE


@dataclass
class Found:
    """Runs of a directory or of files.

    Attributes:
        runs: The newest first.
        files: By the name of a run that was read from files of events, these: events of many runs are too many to keep.
        passed_over: What is no run, and why.
    """

    runs: list[PastRun] = field(default_factory=list)
    files: dict[str, list[Path]] = field(default_factory=dict)
    passed_over: list[str] = field(default_factory=list)

    def add(self, run: PastRun, files: Iterable[Path] = ()) -> None:
        """Take a run, once."""
        if all(one.name != run.name for one in self.runs):
            self.runs.append(run)
        if named := list(files):
            self.files[run.name] = named

    def events(self, name: str) -> dict[str, list[Event]]:
        """Read the events of a run again."""
        return {str(file): read_file(file) for file in self.files.get(name, ())}


def runs_at(paths: Sequence[Path]) -> Found:
    """Return the runs of files and directories: each file of events, the shards of one plan together, each kept run.

    A file of a directory that is something else is passed over, and named; one that was asked for is an error.

    Raises:
        ConfigurationError: A file that was asked for is no run.
    """
    found = Found()
    for together in _together(_read(paths, found)):
        found.add(PastRun.of(together), map(Path, together))
    found.runs.sort(key=lambda run: run.name, reverse=True)
    return found


def _read(paths: Sequence[Path], found: Found) -> Iterator[tuple[str, list[Event]]]:
    """Give each file of events; take the runs that are kept."""
    for path in paths:
        for file in _files(path):
            try:
                if file.suffix == _RUN:
                    found.add(read_run(file))
                    continue
                events = read_file(file)
            except (ConfigurationError, OSError) as error:
                if file == path:
                    raise
                found.passed_over.append(f"passed over: {str(error).partition(chr(10))[0]}")
            else:
                yield str(file), events


def find_run(word: str, runs: Sequence[PastRun]) -> PastRun:
    """Return the run that a word means.

    Args:
        word: ``last``, a number of `harmony history`, the name of a run or its beginning, a commit or its beginning
            (the newest run of it, a whole one before a part), a file or a directory.
        runs: Those that are kept, the newest first.

    Raises:
        NoSuchRunError: It means none, or several.
    """
    path = Path(word)
    if path.exists():
        return _only(word, runs_at([path]).runs)
    if word == "last" or (word.isdecimal() and len(word) < _LEAST_OF_A_COMMIT):
        number = 1 if word == "last" else int(word)
        if 1 <= number <= len(runs):
            return runs[number - 1]
        kept = f"{len(runs)} are kept" if runs else "none is kept here"
        raise NoSuchRunError(f"there is no run {word}: {kept}", hint="run scenarios first, or give files of --events")
    if len(word) >= _LEAST_OF_A_COMMIT:
        named = [run for run in runs if run.name.startswith(word)]
        if named:
            return _only(word, named)
        of_commit = [run for run in runs if run.commit.startswith(word)]
        if of_commit:
            return next((run for run in of_commit if run.whole), of_commit[0])
    raise NoSuchRunError(
        f"{word!r} is no file, and no run that is kept here",
        hint="take a number, a name or a commit of `harmony history`, or a file that --events has written",
    )


def _only(word: str, runs: Sequence[PastRun]) -> PastRun:
    if len(runs) != 1:
        which = ", ".join(run.name for run in runs[:5]) or "none"
        raise NoSuchRunError(f"{word} has {len(runs)} runs, not one: {which}", hint="name the file of one of them")
    return runs[0]


def _files(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    for file in sorted(path.rglob("*")):
        if file.is_file() and (file.suffix == _EVENTS or (file.suffix == _RUN and _is_run(file))):
            yield file


def _is_run(file: Path) -> bool:
    """Whether a JSON file begins as a run that is kept: an artefact may have others."""
    try:
        return read_whole(file).startswith(_BEGINS)
    except (OSError, UnicodeDecodeError):
        return False


def _together(parts: Iterable[tuple[str, list[Event]]]) -> Iterator[dict[str, list[Event]]]:
    """Give the files of each run. Shards of a plan belong together until one of them is there a second time."""
    shards: dict[tuple[str, str], tuple[set[str], dict[str, list[Event]]]] = {}
    for name, events in parts:
        plan = next((event for event in events if isinstance(event, RunPlanned)), None)
        if plan is None or not plan.shard:
            yield {name: events}
            continue
        key = (plan.digest, plan.division)
        seen, files = shards.get(key, (set(), {}))
        if plan.shard in seen:
            yield files
            seen, files = set(), {}
        seen.add(plan.shard)
        files[name] = events
        shards[key] = (seen, files)
    yield from (files for _, files in shards.values())
