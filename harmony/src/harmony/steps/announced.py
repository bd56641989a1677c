"""Whether somebody knows the sentences of a project that has no step definitions of its own. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping

from harmony.spec.gherkin import Feature, Step
from harmony.spec.routing import done_by_harmony
from harmony.spec.sentence import normalised
from harmony.steps.lint import Problem
from harmony.wire.step_contract import Discovery


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
                yield Problem(
                    step.place, "unannounced", f"{step}: no worker announces it ({asked})", _way_out(step, catalogues)
                )


def _way_out(step: Step, catalogues: Mapping[str, Discovery]) -> str:
    text = normalised(step.text)
    patterns = [entry.pattern for catalogue in catalogues.values() for entry in catalogue.steps]
    close = difflib.get_close_matches(text, patterns, 1)
    return f"did you mean {close[0]!r}?" if close else "correct the sentence, or give a worker a step definition for it"
