from __future__ import annotations

import types

import pytest
from pytest_bdd import parsers

from harmony.errors import AmbiguousStepError, ConfigurationError, StepClassError, UndefinedStepError
from harmony.model import StepType
from harmony.spec.sentence import normalised, snippet
from harmony.steps.registry import StepRegistry, background, definitions_of_module, given, step, then, when


class Shop:
    @given("a shop")
    async def shop(self) -> None: ...

    @when(parsers.parse("I buy {count:d} apples"))
    def buy(self, count: int) -> None: ...

    @when(parsers.cfparse("I pick {names:Word+}", extra_types={"Word": str}))
    def buy_names(self, names: list[str]) -> None: ...

    @then(parsers.re(r"I have '([^']+)' and (?P<coins>\d+) coins"))
    def have(self, thing: str, coins: int) -> None: ...

    @given(parsers.string("it rains"))
    @when(parsers.string("it rains"))
    @background
    def rains(self) -> None: ...

    @step("anything goes")
    def anything(self) -> None: ...


@pytest.fixture
def registry() -> StepRegistry:
    return StepRegistry.of_classes(Shop)


@pytest.mark.parametrize(
    ("type_", "sentence", "method"),
    [
        (StepType.GIVEN, "a shop", "shop"),
        (StepType.GIVEN, "  a shop ;", "shop"),
        (StepType.WHEN, "I buy 3 apples", "buy"),
        (StepType.WHEN, "I pick pears, plums", "buy_names"),
        (StepType.THEN, "I have 'an apple' and 2 coins", "have"),
        (StepType.GIVEN, "it rains", "rains"),
        (StepType.WHEN, "it rains", "rains"),
        (StepType.THEN, "anything goes", "anything"),
    ],
)
def test_a_sentence_finds_its_method(registry: StepRegistry, type_: StepType, sentence: str, method: str) -> None:
    assert registry.match(type_, sentence).definition.method == method


def test_arguments_come_by_name_and_by_position(registry: StepRegistry) -> None:
    raw = registry.match(StepType.THEN, "I have 'an apple' and 2 coins").raw
    assert (tuple(raw.positional), raw.named) == (("an apple",), {"coins": "2"})
    assert registry.match(StepType.WHEN, "I buy 3 apples").raw.named == {"count": 3}


@pytest.mark.parametrize("sentence", ["a shop and more", "not a shop", ""])
def test_only_the_whole_sentence_matches(registry: StepRegistry, sentence: str) -> None:
    with pytest.raises(UndefinedStepError):
        registry.match(StepType.GIVEN, sentence)


def test_the_type_of_a_step_matters_and_the_error_says_where_it_is_defined(registry: StepRegistry) -> None:
    with pytest.raises(UndefinedStepError) as caught:
        registry.match(StepType.THEN, "a shop")
    assert "Shop.shop" in caught.value.hint
    assert "test_registry.py:" in caught.value.hint
    assert "add @then there" in caught.value.hint


def test_two_meanings_are_an_error_that_names_both_places() -> None:
    class Other:
        @when(parsers.re(r"I buy \d+ apples"))
        def same(self) -> None: ...

    with pytest.raises(AmbiguousStepError) as caught:
        StepRegistry.of_classes(Shop, Other).match(StepType.WHEN, "I buy 3 apples")
    assert "Shop.buy (" in str(caught.value)
    assert "Other.same (" in str(caught.value)
    assert str(caught.value).count("test_registry.py:") == 2


def test_stacked_decorators_of_one_sentence_make_one_definition(registry: StepRegistry) -> None:
    rains = [definition for definition in registry.definitions if definition.method == "rains"]
    assert [definition.types for definition in rains] == [{StepType.GIVEN, StepType.WHEN}]
    assert rains[0].background
    assert not registry.match(StepType.GIVEN, "a shop").definition.background


def test_steps_of_a_base_class_belong_to_the_base_alone() -> None:
    class Derived(Shop):
        @given("a bigger shop")
        def bigger(self) -> None: ...

    registry = StepRegistry.of_classes(Shop, Derived)
    assert registry.match(StepType.GIVEN, "a shop").definition.owner is Shop


def test_a_step_outside_of_a_class_is_refused() -> None:
    @given("nobody")
    def lonely() -> None: ...

    module = types.ModuleType(__name__)
    module.lonely = lonely  # type: ignore[attr-defined]
    with pytest.raises(StepClassError, match="outside of a class"):
        definitions_of_module(module)


def test_a_decorator_on_something_that_is_no_method_is_refused() -> None:
    with pytest.raises(StepClassError, match="not a method"):
        given("a sentence")(staticmethod(lambda: None))  # type: ignore[type-var]


def test_a_module_that_cannot_be_imported_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"no_such_module\.steps"):
        StepRegistry.of_modules(["no_such_module.steps"])


def test_a_snippet_is_code_that_defines_its_sentence() -> None:
    sentence = "the 'reader' process reads '5' frames of 64 bytes (fast) into \"here\""
    namespace: dict[str, object] = {}
    body = snippet(StepType.WHEN, sentence)
    exec(  # the snippet is ours
        "from __future__ import annotations\nfrom pytest_bdd import parsers\nfrom harmony.steps.registry import when\n"
        f"class Made:\n{body}",
        namespace,
    )
    match = StepRegistry.of_classes(namespace["Made"]).match(StepType.WHEN, sentence)  # type: ignore[arg-type]
    assert match.raw.named == {"process": "reader", "number2": "5", "number3": "64", "value4": "here"}


@pytest.mark.parametrize(("raw", "clean"), [("a;", "a"), (" a ; ", "a"), ("a;b", "a;b"), ("a", "a")])
def test_normalised(raw: str, clean: str) -> None:
    assert normalised(raw) == clean
