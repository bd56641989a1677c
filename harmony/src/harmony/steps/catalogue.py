"""The sentences a project understands: as text, as JSON, as a page."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from harmony.errors import UnknownSelectionError
from harmony.model import StepType
from harmony.own_code import own_place
from harmony.spec.routing import OWN_SENTENCES
from harmony.steps.binding import parameters_of
from harmony.steps.conversion import describe
from harmony.steps.human_form import human_form
from harmony.steps.lint import SentenceUse
from harmony.suggestion import did_you_mean
from harmony.wire.step_contract import Discovery

_FEWER: Final = "take fewer words, or see all: `harmony steps`"


class Entry(BaseModel):
    """One sentence of the catalogue.

    Attributes:
        types: Given, When, Then.
        sentence: The pattern as a person reads it, with ``<name>`` for each argument.
        pattern: As written in the step class.
        kind: Kind of pattern: string, parse, cfparse or re.
        parameters: Name and type of each argument.
        summary: First line of the method's docstring.
        method: ``Class.method``.
        defined: ``file:line`` of the method.
        file: The file of the method, relative to the project file.
        line: The line in it.
        used: ``file:line`` of every use.
        background: Whether other roles go on meanwhile.
    """

    model_config = ConfigDict(frozen=True)

    types: tuple[str, ...]
    sentence: str
    pattern: str
    kind: str
    parameters: dict[str, str]
    summary: str
    method: str
    defined: str
    file: str
    line: int
    used: tuple[str, ...]
    background: bool


def catalogue(usages: Iterable[SentenceUse], root: Path) -> list[Entry]:
    """Return an entry per definition, by class and line. Places are relative to ``root``."""

    def file_of(file: Path) -> Path:
        return own_place(file) or (file.relative_to(root) if file.is_relative_to(root) else file)

    def shown(file: Path, line: int) -> str:
        return f"{file_of(file)}:{line}"

    ordered = sorted(usages, key=lambda usage: (usage.definition.place, usage.definition.pattern))
    return [
        Entry(
            types=tuple(type_.value for type_ in sorted(usage.definition.types)),
            sentence=human_form(usage.definition),
            pattern=usage.definition.pattern,
            kind=usage.definition.kind,
            parameters={
                parameter.name: describe(parameter.annotation) for parameter in parameters_of(usage.definition)
            },
            summary=usage.definition.summary,
            method=usage.definition.qualified_name,
            defined=shown(usage.definition.place.file, usage.definition.place.line),
            file=file_of(usage.definition.place.file).as_posix(),
            line=usage.definition.place.line,
            used=tuple(shown(step.place.file, step.place.line) for step in usage.steps),
            background=usage.definition.background,
        )
        for usage in ordered
    ]


def announced_entries(catalogues: Mapping[str, Discovery]) -> list[Entry]:
    """Return an entry per sentence that workers announce, with the names of their platforms in place of a method."""
    by_step: dict[tuple[str, str], list[str]] = defaultdict(list)
    for platform, discovery in catalogues.items():
        for step in discovery.steps:
            by_step[step.type, step.pattern].append(platform)
    return [
        Entry(
            types=(type_.lower(),),
            sentence=pattern,
            pattern=pattern,
            kind="announced",
            parameters={},
            summary="",
            method=", ".join(platforms),
            defined="by its worker",
            file="",
            line=0,
            used=(),
            background=False,
        )
        for (type_, pattern), platforms in sorted(by_step.items())
    ]


def matching(entries: Sequence[Entry], words: Sequence[str]) -> list[Entry]:
    """Return the entries in which every word stands: in the sentence, the method, or what is said of it.

    Raises:
        UnknownSelectionError: There is none.
    """
    wanted = [word.lower() for word in words]
    texts = {id(entry): f"{entry.sentence} {entry.method} {entry.summary}".lower() for entry in entries}
    found = [entry for entry in entries if all(word in texts[id(entry)] for word in wanted)]
    if not found:
        known = sorted({word for text in texts.values() for word in re.findall(r"[a-z]{3,}", text)})
        hint = "; ".join(did_you_mean(word, known, "") for word in wanted if word not in known)
        raise UnknownSelectionError(f"no sentence has {' and '.join(map(repr, words))}", hint=hint or _FEWER)
    return found


def as_text(entries: Sequence[Entry], most_uses: int = 0) -> str:
    """Return the catalogue for a terminal.

    Args:
        entries: What is shown.
        most_uses: How many places of use are shown of each.
    """
    lines: list[str] = []
    for entry in entries:
        arguments = ", ".join(f"{name}: {type_}" for name, type_ in entry.parameters.items())
        lines += [
            f"{'/'.join(entry.types) if len(entry.types) < len(StepType) else 'any':10} {entry.sentence}",
            f"           {entry.method}({arguments})  {entry.defined}  used {len(entry.used)}x",
            *(f"             {place}" for place in list(dict.fromkeys(entry.used))[:most_uses]),
        ]
    return "\n".join(lines)


def own_sentences() -> str:
    """Return what harmony does by itself, for a terminal."""
    return "\n".join(f"{'any':10} {sentence}\n           harmony itself" for sentence in OWN_SENTENCES)


def as_json(entries: Sequence[Entry]) -> str:
    """Return the catalogue for programs."""
    document: dict[str, Any] = {
        "steps": [entry.model_dump(mode="json") for entry in entries],
        "done_by_harmony": list(OWN_SENTENCES),
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def as_markdown(entries: Sequence[Entry]) -> str:
    """Return the catalogue as a page of the documentation."""
    by_class: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        by_class[entry.method.partition(".")[0]].append(entry)
    lines = ["# The sentences", "", "Made by `harmony steps --format markdown`; do not edit.", ""]
    for owner, steps in by_class.items():
        lines += [
            f"## {owner}",
            "",
            "| type | sentence | arguments | meaning | defined | used |",
            "|---|---|---|---|---|---|",
        ]
        for entry in steps:
            arguments = ", ".join(f"{name}: {type_}" for name, type_ in entry.parameters.items())
            cells = (
                "/".join(entry.types),
                f"`{entry.sentence}`",
                arguments,
                entry.summary,
                f"`{entry.defined}`",
                str(len(entry.used)),
            )
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        lines.append("")
    lines += ["## Done by harmony itself", "", *(f"- `{sentence}`" for sentence in OWN_SENTENCES), ""]
    return "\n".join(lines)
