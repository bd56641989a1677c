"""Whether somebody knows the sentences of a project that has no step definitions of its own. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from harmony.spec.gherkin import Feature
from harmony.spec.pieces import ANNOUNCED
from harmony.spec.routing import done_by_harmony
from harmony.spec.sentence import normalised, outline
from harmony.steps.lint import Problem
from harmony.steps.nearest import nearest
from harmony.wire.step_contract import Discovery


@dataclass(frozen=True, slots=True)
class _Pattern:
    """What a worker announces."""

    pattern: str
    worker: str
    kind: str = ANNOUNCED


_WAY_OUT: Final = "correct the sentence, or give a worker a step definition for it"


def unannounced(features: Iterable[Feature], catalogues: Mapping[str, Discovery]) -> list[Problem]:
    """Return a problem for each sentence that no worker announces, be it for another type: some do not look at it.

    Args:
        features: Of the project.
        catalogues: What the workers of all its platforms announce.
    """
    return sorted({problem for feature in features for problem in _of_feature(feature, catalogues)})


def _of_feature(feature: Feature, catalogues: Mapping[str, Discovery]) -> Iterator[Problem]:
    for scenario in feature.scenarios:
        for step in scenario.steps:
            text = normalised(step.text)
            known = done_by_harmony(text) or any(one.may_have(text) for one in catalogues.values())
            if not known:
                asked = ", ".join(sorted(catalogues)) or "there is none"
                said = f"{step}: no worker announces it ({asked})"
                near = nearest(text, _patterns(catalogues))
                hint = f"did you mean: {near[1]} ({near[0].worker})" if near else _WAY_OUT
                yield Problem(step.place, "unannounced", said, hint, cause=outline(text))


def _patterns(catalogues: Mapping[str, Discovery]) -> Iterator[_Pattern]:
    return (_Pattern(entry.pattern, name) for name, one in sorted(catalogues.items()) for entry in one.steps)
