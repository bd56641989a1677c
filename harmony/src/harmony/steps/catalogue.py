"""The sentences a project understands: as text, as JSON, as a page."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from harmony.spec.routing import OWN_SENTENCES
from harmony.steps.binding import parameters_of
from harmony.steps.conversion import describe
from harmony.steps.lint import SentenceUse


class Entry(BaseModel):
    """One sentence of the catalogue.

    Attributes:
        types: Given, When, Then.
        pattern: As written in the step class.
        kind: Kind of pattern: string, parse, cfparse or re.
        parameters: Name and type of each argument.
        summary: First line of the method's docstring.
        method: ``Class.method``.
        defined: ``file:line`` of the method.
        used: ``file:line`` of every use.
        background: Whether other roles go on meanwhile.
    """

    model_config = ConfigDict(frozen=True)

    types: tuple[str, ...]
    pattern: str
    kind: str
    parameters: dict[str, str]
    summary: str
    method: str
    defined: str
    used: tuple[str, ...]
    background: bool


def catalogue(usages: Iterable[SentenceUse], root: Path) -> list[Entry]:
    """Return an entry per definition, by class and line. Places are relative to ``root``."""

    def shown(place_file: Path, line: int) -> str:
        return f"{place_file.relative_to(root) if place_file.is_relative_to(root) else place_file}:{line}"

    ordered = sorted(usages, key=lambda usage: (usage.definition.place, usage.definition.pattern))
    return [
        Entry(
            types=tuple(type_.value for type_ in sorted(usage.definition.types)),
            pattern=usage.definition.pattern,
            kind=usage.definition.kind,
            parameters={
                parameter.name: describe(parameter.annotation) for parameter in parameters_of(usage.definition)
            },
            summary=usage.definition.summary,
            method=usage.definition.qualified_name,
            defined=shown(usage.definition.place.file, usage.definition.place.line),
            used=tuple(shown(step.place.file, step.place.line) for step in usage.steps),
            background=usage.definition.background,
        )
        for usage in ordered
    ]


def as_text(entries: Sequence[Entry]) -> str:
    """Return the catalogue for a terminal."""
    lines: list[str] = []
    for entry in entries:
        types = "/".join(entry.types)
        arguments = ", ".join(f"{name}: {type_}" for name, type_ in entry.parameters.items())
        lines += [
            f"{types:10} {entry.pattern}",
            f"           {entry.method}({arguments})  {entry.defined}  used {len(entry.used)}x",
        ]
    lines += [f"{'any':10} {sentence}\n           harmony itself" for sentence in OWN_SENTENCES]
    return "\n".join(lines)


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
                f"`{entry.pattern}`",
                arguments,
                entry.summary,
                f"`{entry.defined}`",
                str(len(entry.used)),
            )
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        lines.append("")
    lines += ["## Done by harmony itself", "", *(f"- `{sentence}`" for sentence in OWN_SENTENCES), ""]
    return "\n".join(lines)
