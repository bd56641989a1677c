"""``harmony completion``: what a shell asks while a command line is typed. It loads as little as it can."""

from __future__ import annotations

import itertools
import os
import re
import sys
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from harmony.cli.commands import COMMANDS
from harmony.project_file import NUMBER, PROJECT_FILE, find_project_file

ASKED: Final = "_HARMONY_COMPLETE"
"""A shell asks by this variable: which of the words is being typed, the command's own name being the first, 0."""

SCRIPTS: Final = {
    "bash": """\
_harmony_completion() {
    local line
    COMPREPLY=()
    while IFS= read -r line; do
        COMPREPLY+=("${line%%$'\\t'*}")
    done < <(_HARMONY_COMPLETE=$COMP_CWORD "${COMP_WORDS[0]}" "${COMP_WORDS[@]:1}" 2>/dev/null)
}
complete -o default -F _harmony_completion harmony
""",
    "zsh": """\
#compdef harmony
_harmony() {
    local -a answers
    local line value
    while IFS= read -r line; do
        value=${line%%$'\\t'*}
        answers+=("${value//:/\\\\:}:${line#*$'\\t'}")
    done < <(_HARMONY_COMPLETE=$((CURRENT - 1)) "${words[1]}" "${(@)words[2,-1]}" 2>/dev/null)
    if (( ${#answers} )); then _describe harmony answers; else _files; fi
}
compdef _harmony harmony
""",
    "fish": """\
function __harmony_completion
    set -l words (commandline -opc) (commandline -ct)
    _HARMONY_COMPLETE=(math (count $words) - 1) $words[1] $words[2..-1] 2>/dev/null
end
complete -c harmony -a '(__harmony_completion)'
""",
}
_SCENARIOS: Final = frozenset({"run", "watch", "explain", "plan", "scenarios"})
_PLATFORMS: Final = frozenset({"build", "doctor", "up"})
_OF_OPTION: Final = {
    "--platform": "platforms",
    "--pairing": "pairings",
    "--scenario": "scenarios",
    "--tag": "tags",
    "-m": "tags",
    "--with-tag": "tags",
}
_WITH_OTHER_VALUES: Final = frozenset(
    {
        *("--events", "--expectations", "--jobs", "--min-pass-rate", "--output", "--plan", "--project", "--record"),
        *("--report", "--role", "--seed", "--set", "--shard", "--shards", "-j", "-o"),
    }
)
_TITLE: Final = re.compile(r"^[ \t]*[^\s:#|@][^:\n|]*:[ \t]*(.+?)[ \t]*$", re.MULTILINE)


def answer() -> None:
    """Print what may stand where a shell is asked to complete, a line each, with what it means behind a tab."""
    number = os.environ[ASKED]
    index = int(number) if number.isdecimal() else len(sys.argv)
    words = [*sys.argv, ""]
    typed = words[index] if index < len(words) else ""
    for text, meaning in candidates(words[1:index], typed):
        sys.stdout.write(f"{text}\t{meaning}\n" if meaning else f"{text}\n")


def candidates(before: Sequence[str], typed: str) -> Iterator[tuple[str, str]]:
    """Yield what begins as a word that is typed, with its meaning.

    Args:
        before: The words before it, without the name of the command line.
        typed: What is there of the word.
    """
    for text, meaning in _all(before, typed):
        if text.startswith(typed):
            yield text, meaning


def _all(before: Sequence[str], typed: str) -> Iterator[tuple[str, str]]:
    if not before:
        yield from ((name, meaning) for name, (_, meaning) in COMMANDS.items())
        return
    command, last = before[0], before[-1]
    if typed.startswith("-"):
        yield from _options(command)
    elif last in _OF_OPTION:
        yield from _Project.of(before).named(_OF_OPTION[last], typed)
    elif command == "completion":
        yield from ((shell, "") for shell in SCRIPTS)
    elif command in _PLATFORMS:
        yield from _Project.of(before).named("platforms", typed)
    elif command in _SCENARIOS and last not in _WITH_OTHER_VALUES:
        project = _Project.of(before)
        kinds = ("scenarios",) if command == "scenarios" else ("scenarios", "pairings")
        for kind in kinds:
            yield from project.named(kind, typed)
        if command in {"run", "watch"} and typed.startswith("@"):
            yield from ((f"@{tag}", meaning) for tag, meaning in project.named("tags", typed))


def _options(command: str) -> Iterator[tuple[str, str]]:
    if command in COMMANDS:
        from harmony.cli.app import loaded  # noqa: PLC0415 - the command itself knows its options

        for parameter in loaded(command).params:
            long = [name for name in parameter.opts if name.startswith("--")]
            yield from ((name, getattr(parameter, "help", None) or "") for name in long)


class _Project:
    """What a project file and the feature files say, as far as their text alone tells it."""

    def __init__(self, file: Path | None) -> None:
        self._root = file.parent if file else Path()
        self._said: dict[str, Any] = {}
        if file is not None:
            try:
                self._said = tomllib.loads(file.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                self._said = {}

    @classmethod
    def of(cls, words: Sequence[str]) -> _Project:
        """Return the project that some words name, or that of the working directory."""
        named = [word for flag, word in itertools.pairwise(words) if flag == "--project"]
        named += [word.removeprefix("--project=") for word in words if word.startswith("--project=")]
        place = Path(named[-1]).absolute() if named else Path.cwd()
        return cls(place if place.name == PROJECT_FILE and place.is_file() else find_project_file(place))

    def named(self, kind: str, typed: str) -> Iterator[tuple[str, str]]:
        """Yield the scenarios, platforms, pairings or tags."""
        platforms = sorted(self._said.get("platforms", {}))
        match kind:
            case "scenarios":
                yield from self._scenarios()
            case "tags":
                yield from self._said.get("tags", {}).items()
            case "platforms" | "pairings":
                yield from ((name, "") for name in platforms)
        if kind == "pairings":
            # A platform after the other: all of them at once were too many to look at.
            begun = max((name for name in platforms if typed.startswith(f"{name}_")), key=len, default="")
            before = typed.rpartition("_")[0] if begun else ""
            yield from ((f"{before}_{name}", "") for name in platforms if before)

    def _scenarios(self) -> Iterator[tuple[str, str]]:
        try:
            number = re.compile(self._said.get("number", NUMBER))
        except (re.error, TypeError):
            return
        if not self._said.get("numbered", True) or not number.groups:
            return
        for file in sorted((self._root / str(self._said.get("features", "features"))).rglob("*.feature")):
            for title in _TITLE.findall(file.read_text(encoding="utf-8", errors="replace")):
                found = number.match(title)
                if found:
                    yield found[1], title[found.end() :]
