from __future__ import annotations

import pytest

from harmony import given, parsers
from harmony.steps.human_form import human_form
from harmony.steps.registry import StepRegistry


def form(pattern: object) -> str:
    class Steps:
        @given(pattern)  # type: ignore[arg-type]
        def perform(self, process: str, count: int, name: str = "", datatable: str = "") -> None:
            raise NotImplementedError

    (definition,) = StepRegistry.of_classes(Steps).definitions
    return human_form(definition)


@pytest.mark.parametrize(
    ("pattern", "sentence"),
    [
        ("it costs (nothing) [yet]?", "it costs (nothing) [yet]?"),
        (
            parsers.parse("the '{process}' process writes {count:d} frames"),
            "the '<process>' process writes <count> frames",
        ),
        (parsers.cfparse("{} writes {count:d}"), "<process> writes <count>"),
        (
            parsers.re(r"the '(?P<process>[^']+)' process writes (?P<count>\d+) frames"),
            "the '<process>' process writes <count> frames",
        ),
        (parsers.re(r"the '[^']+' process has (\d+) of (\w+)"), "the '<process>' process has <process> of <count>"),
        (
            parsers.re(r"^(?:the|a new) bell rings(?: (?P<count>\d+) times?)?$"),
            "the/a new bell rings[ <count> time[s]]",
        ),
        (parsers.re(r"it is (?P<name>red|(?:light )?blue) \(or so\)"), "it is <name> (or so)"),
        (parsers.re(r"(?P<count>\d+)?\ of ((\w+) bells?)"), "[<count>] of <process>"),
        (parsers.re(r"((\w+) bells?) of (\w+)"), "<process> of <name>"),
        (parsers.re(r"it rains|it pours"), "it rains/it pours"),
        (parsers.parse("{{it}} costs {count:d}"), "{it} costs <count>"),
        (parsers.re(r"(?i)it isn\'t \d+% full\.(?! really)"), "it isn't …% full."),
    ],
    ids=lambda value: getattr(value, "name", value) if not isinstance(value, str) else "",
)
def test_a_pattern_reads_as_a_sentence(pattern: object, sentence: str) -> None:
    assert form(pattern) == sentence
