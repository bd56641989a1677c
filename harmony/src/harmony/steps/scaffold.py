"""Methods for sentences that have no meaning yet, as step classes to start from."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harmony.model import StepType
from harmony.spec.gherkin import Feature, Step
from harmony.spec.routing import done_by_harmony
from harmony.spec.sentence import snippet
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
    """Return a draft for every feature with undefined sentences. A sentence of several features is drafted once."""
    drafts: list[Draft] = []
    known: set[str] = set()
    for feature in features:
        methods: dict[str, tuple[set[StepType], Step]] = {}
        for scenario in feature.scenarios:
            for step in scenario.steps:
                if done_by_harmony(step.text) or registry.matches(step.type, step.text):
                    continue
                body = _body(step, step.type)
                key = body.partition("\n")[2]
                if key not in known:
                    methods.setdefault(key, (set(), step))[0].add(step.type)
        if methods:
            known.update(methods)
            drafts.append(_draft(feature, list(methods.values())))
    return drafts


def _body(step: Step, type_: StepType) -> str:
    return snippet(type_, step.text, table=step.table is not None, doc_string=step.doc_string is not None)


def _draft(feature: Feature, methods: Sequence[tuple[set[StepType], Step]]) -> Draft:
    stem = re.sub(r"[^a-z0-9]+", "_", re.sub(r"^\d+[-_ ]*", "", feature.path.stem.lower())).strip("_") or "feature"
    blocks: list[str] = []
    taken: set[str] = set()
    for types, step in methods:
        ordered = sorted(types)
        body = _body(step, ordered[-1])
        more = "".join(_body(step, type_).splitlines(keepends=True)[0] for type_ in ordered[:-1])
        blocks.append(more + _unique(body, taken))
    used = sorted({type_.value for types, _ in methods for type_ in types})
    tables = any(step.table is not None for _, step in methods)
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
    return Draft(feature, f"{stem}.py", source, len(methods))


def _unique(body: str, taken: set[str]) -> str:
    found = re.search(r"async def (\w+)\(", body)
    name = found[1] if found else "step"
    number, unique = 1, name
    while unique in taken:
        number += 1
        unique = f"{name}_{number}"
    taken.add(unique)
    return body.replace(f"def {name}(", f"def {unique}(").replace(f'("{name}")', f'("{unique}")')


def write_draft(draft: Draft, directory: Path) -> Path:
    """Write a draft into a directory, beside what is there already.

    Returns:
        The file that was written.
    """
    path = directory / draft.module
    number = 1
    while path.exists():
        number += 1
        path = directory / f"{Path(draft.module).stem}_{number}.py"
    path.write_text(draft.source, encoding="utf-8")
    return path
