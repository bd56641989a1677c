"""Methods for sentences that have no meaning yet, as step classes to start from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harmony.model import StepType
from harmony.spec.gherkin import Feature
from harmony.spec.routing import done_by_harmony
from harmony.spec.sentence import Wording, exclusive, normalised, shape_of
from harmony.steps.registry import StepRegistry


@dataclass(frozen=True, slots=True)
class Draft:
    """A step class to start from.

    Attributes:
        feature: The feature it belongs to.
        module: File name it might have.
        source: Its text; formatted, importable, and failing until somebody says what the sentences mean.
        count: How many sentences it holds.
    """

    feature: Feature
    module: str
    source: str
    count: int


def scaffold(features: Sequence[Feature], registry: StepRegistry) -> list[Draft]:
    """Return a draft for every feature with undefined sentences. What one pattern says is drafted once."""
    found: dict[int, list[Wording]] = {}
    for wording, index in undefined_wordings(features, registry):
        found.setdefault(index, []).append(wording)
    return [_draft(features[index], wordings) for index, wordings in found.items()]


def undefined_wordings(features: Sequence[Feature], registry: StepRegistry) -> Iterator[tuple[Wording, int]]:
    """Return what has no meaning yet, each with the first feature that says it."""
    first: dict[str, int] = {}
    undefined: dict[tuple[str, ...], Wording] = {}
    defined: list[tuple[StepType, str]] = []
    for index, feature in enumerate(features):
        for step in (step for scenario in feature.scenarios for step in scenario.steps):
            text = normalised(step.text)
            if done_by_harmony(text):
                continue
            if registry.matches(step.type, text):
                defined.append((step.type, text))
                continue
            first.setdefault(text, index)
            wording = undefined.setdefault(shape_of(text), Wording([], set(), set(), set()))
            if text not in wording.sentences:
                wording.sentences.append(text)
            wording.types.add(step.type)
            wording.tables.add(step.table is not None)
            wording.doc_strings.add(step.doc_string is not None)
    for wording in exclusive(undefined.values(), defined):
        yield wording, first[wording.sentences[0]]


def _draft(feature: Feature, wordings: Sequence[Wording]) -> Draft:
    stem = re.sub(r"[^a-z0-9]+", "_", re.sub(r"^\d+[-_ ]*", "", feature.path.stem.lower())).strip("_") or "feature"
    taken: set[str] = set()
    blocks = [wording.method(_unique(wording.name, taken)) for wording in wordings]
    used = sorted({type_.value for wording in wordings for type_ in wording.types})
    tables = any(True in wording.tables for wording in wordings)
    parsers = any("parsers." in block for block in blocks)
    names = [*(["DataTable"] if tables else []), *used, *(["parsers"] if parsers else [])]
    imports = [f"from harmony import {', '.join(sorted(names, key=lambda name: (name.islower(), name)))}"]
    name = "".join(word.capitalize() for word in stem.split("_"))
    source = "\n".join(
        [
            f'"""Sentences of {feature.path.name}."""',
            "",
            "from __future__ import annotations",
            "",
            *imports,
            "",
            "",
            f"class {name}Steps:",
            f'    """{feature.title}."""',
            "",
            "\n".join(blocks).rstrip(),
            "",
        ]
    )
    return Draft(feature, f"{stem}.py", source, len(wordings))


def _unique(name: str, taken: set[str]) -> str:
    number, unique = 1, name
    while unique in taken:
        number += 1
        unique = f"{name}_{number}"
    taken.add(unique)
    return unique


def write_draft(draft: Draft, directory: Path) -> Path:
    """Write a draft into a directory, which is made where it is missing, beside what is there already.

    Returns:
        The file that was written.
    """
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / draft.module
    number = 1
    while path.exists():
        number += 1
        path = directory / f"{Path(draft.module).stem}_{number}.py"
    path.write_text(draft.source, encoding="utf-8")
    return path
