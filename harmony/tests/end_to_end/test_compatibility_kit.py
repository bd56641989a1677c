"""Gherkin's own examples: every feature of the compatibility kit that applies goes through our parser and registry."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cucumber_compatibility_kit
import pytest
from pytest_bdd import parsers

from harmony.model import DataTable, StepType, Verdict
from harmony.run.local_runner import LocalRunner
from harmony.spec.gherkin import Scenario, parse_feature
from harmony.steps.library import StepLibrary
from harmony.steps.registry import StepRegistry, given, then, when
from harmony.verdict.result import ScenarioResult

KIT = Path(cucumber_compatibility_kit.__file__).parent / "features"

RUN = {
    "backgrounds",
    "data-tables",
    "doc-strings",
    "empty",
    "examples-tables",
    "minimal",
    "multiple-features",
    "rules",
    "rules-backgrounds",
    "undefined",
    "ambiguous",
    "unused-steps",
    "examples-tables-undefined",
    "cdata",
}
"""Run to a verdict with our steps, and compared with the kit's."""

PARSED = {
    "all-statuses",
    "data-tables-doc-strings",
    "data-tables-with-expression",
    "doc-strings-with-expression",
    "examples-tables-undefined-multiple",
    "failedish-combinations",
    "multiple-features-reversed",
    "parameter-types",
    "pending",
    "pending-exception",
    "regular-expression",
    "skipped",
    "skipped-exception",
    "stack-traces",
    "undefined-multiple",
    "unknown-parameter-type",
    "attachments",
    "examples-tables-attachment",
    "global-hooks",
    "global-hooks-afterall-error",
    "global-hooks-attachments",
    "global-hooks-beforeall-error",
    "hooks",
    "hooks-attachment",
    "hooks-conditional",
    "hooks-named",
    "hooks-skipped",
    "hooks-undefined",
    "skipped-failing-hook",
    "test-run-exception",
}
"""Parsed and compared pickle by pickle; what they are about (hooks, attachments, cucumber expressions) is not ours."""

LEFT_OUT = {
    "markdown": "Gherkin in Markdown; features here are plain Gherkin",
    "retry": "retries are excluded by the issue: a verdict is never repeated away",
    "retry-ambiguous": "retries",
    "retry-pending": "retries",
    "retry-undefined": "retries",
}

FEATURES = sorted(path for name in RUN | PARSED for path in (KIT / name).glob("*.feature"))


def messages(path: Path) -> list[dict[str, Any]]:
    """Return the recorded messages of a feature's example."""
    (record,) = path.parent.glob("*.ndjson")
    found = [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()]
    sources = [one["source"]["uri"] for one in found if "source" in one]
    assert sources
    return found


def pickles_of(path: Path) -> list[Mapping[str, Any]]:
    return [one["pickle"] for one in messages(path) if one.get("pickle", {}).get("uri", "").endswith(path.name)]


def test_every_example_of_the_kit_is_run_or_parsed_or_left_out_with_a_reason() -> None:
    known = RUN | PARSED | set(LEFT_OUT)
    assert {path.name for path in KIT.iterdir() if path.is_dir()} == known
    assert not RUN & PARSED


@pytest.mark.parametrize("path", FEATURES, ids=lambda path: path.stem)
def test_our_scenarios_are_the_kits_pickles(path: Path) -> None:
    feature = parse_feature(path.read_text(encoding="utf-8"), path)
    pickles = pickles_of(path)
    assert len(feature.scenarios) == len(pickles) > 0
    types = {"Context": StepType.GIVEN, "Action": StepType.WHEN, "Outcome": StepType.THEN}
    for scenario, pickle in zip(feature.scenarios, pickles, strict=True):
        assert scenario.title == pickle["name"]
        assert scenario.tags == tuple(tag["name"].removeprefix("@") for tag in pickle["tags"])
        assert scenario.place.line == pickle["location"]["line"]
        assert [step.text for step in scenario.steps] == [step["text"] for step in pickle["steps"]]
        for step, wanted in zip(scenario.steps, pickle["steps"], strict=True):
            assert step.type is types.get(wanted["type"], step.type)
            argument = wanted.get("argument", {})
            rows = [[cell["value"] for cell in row["cells"]] for row in argument.get("dataTable", {}).get("rows", ())]
            table = step.table
            assert ([list(table.headers), *map(list, table.rows)] if table else []) == rows
            assert (step.doc_string.content if step.doc_string else None) == argument.get("docString", {}).get(
                "content"
            )


class KitSteps:
    """What the sentences of the kit mean."""

    def __init__(self) -> None:
        self.cucumbers = 0
        self.friends = 0
        self.money = 0
        self.stock = False
        self.sold = False
        self.orders: list[str] = []
        self.table = DataTable((), ())

    @given(parsers.parse('an order for "{thing}"'))
    def order(self, thing: str) -> None:
        self.orders.append(thing)

    @when("an action")
    def action(self) -> None:
        assert self.orders[:3] == ["eggs", "milk", "bread"]

    @then("an outcome")
    def outcome(self) -> None:
        assert len(self.orders) >= 3

    @when("the following table is transposed:")
    def transpose(self, datatable: DataTable) -> None:
        rows = list(zip(datatable.headers, *datatable.rows, strict=True))
        self.table = DataTable(rows[0], tuple(rows[1:]))

    @then("it should be:")
    def is_table(self, datatable: DataTable) -> None:
        assert datatable == self.table

    @given("a doc string:")
    def doc_string(self, docstring: str) -> None:
        assert docstring

    @given(parsers.parse("there are {count:d} cucumbers"))
    def there_are(self, count: int) -> None:
        self.cucumbers = count

    @given(parsers.parse("there are {count:d} friends"))
    def there_are_friends(self, count: int) -> None:
        self.friends = count

    @when(parsers.parse("I eat {count:d} cucumbers"))
    def eat(self, count: int) -> None:
        self.cucumbers -= count

    @then(parsers.parse("I should have {count:d} cucumbers"))
    def should_have(self, count: int) -> None:
        assert self.cucumbers == count

    @then(parsers.parse("each person can eat {count:d} cucumbers"))
    def share(self, count: int) -> None:
        assert self.cucumbers // (self.friends + 1) == count

    @given(parsers.re(r"I have (\d+) <!\[CDATA\[cukes\]\]> in my belly"))
    def cdata(self, count: int) -> None:
        assert count == 42

    @given(parsers.parse("I have {count:d} cukes in my belly"))
    def cukes(self, count: int) -> None:
        assert count

    @given(parsers.parse("the customer has {cents:d} cents"))
    def has_money(self, cents: int) -> None:
        self.money = cents

    @given("there are chocolate bars in stock")
    def in_stock(self) -> None:
        self.stock = True

    @given("there are no chocolate bars in stock")
    def out_of_stock(self) -> None:
        self.stock = False

    @when(parsers.parse("the customer tries to buy a {price:d} cent chocolate bar"))
    def buy(self, price: int) -> None:
        self.sold = self.stock and self.money >= price

    @then("the sale should not happen")
    def not_sold(self) -> None:
        assert not self.sold

    @then("the sale should happen")
    def is_sold(self) -> None:
        assert self.sold

    @given("a step that is used")
    @given("an implemented step")
    @given("a step that will be skipped")
    @given(parsers.re("an order for (?P<count>[0-9]+) things"))
    def used(self, count: int = 0) -> None:
        assert count == 0

    @given("a step with multiple definitions")
    def one_meaning(self) -> None:
        assert self

    @given(parsers.re("a step with multiple definitions"))
    def another_meaning(self) -> None:
        assert self


VERDICTS = {
    "PASSED": Verdict.PASSED,
    "FAILED": Verdict.FAILED,
    "UNDEFINED": Verdict.UNDEFINED,
    "AMBIGUOUS": Verdict.AMBIGUOUS,
}


def run(scenario: Scenario) -> ScenarioResult:
    return LocalRunner(StepLibrary(StepRegistry.of_classes(KitSteps))).run(scenario).result


def recorded_verdicts(path: Path) -> list[Verdict]:
    """Return the verdict that the kit expects for each pickle of a file, in their order."""
    found = messages(path)
    case_of = {one["testCase"]["id"]: one["testCase"]["pickleId"] for one in found if "testCase" in one}
    started = {
        one["testCaseStarted"]["id"]: one["testCaseStarted"]["testCaseId"] for one in found if "testCaseStarted" in one
    }
    worst: dict[str, Verdict] = {}
    for one in found:
        if "testStepFinished" in one:
            pickle = case_of[started[one["testStepFinished"]["testCaseStartedId"]]]
            status = one["testStepFinished"]["testStepResult"]["status"]
            if status in VERDICTS and worst.get(pickle, Verdict.PASSED) is Verdict.PASSED:
                worst[pickle] = VERDICTS[status]
    return [worst.get(pickle["id"], Verdict.PASSED) for pickle in pickles_of(path)]


@pytest.mark.parametrize("path", [path for path in FEATURES if path.parent.name in RUN], ids=lambda path: path.stem)
def test_the_kits_scenarios_end_as_the_kit_says(path: Path) -> None:
    feature = parse_feature(path.read_text(encoding="utf-8"), path)
    assert [run(scenario).verdict for scenario in feature.scenarios] == recorded_verdicts(path)


def test_some_verdict_of_every_kind_is_compared() -> None:
    seen = {verdict for path in FEATURES if path.parent.name in RUN for verdict in recorded_verdicts(path)}
    assert seen == {Verdict.PASSED, Verdict.FAILED, Verdict.UNDEFINED, Verdict.AMBIGUOUS}
