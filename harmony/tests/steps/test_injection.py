from __future__ import annotations

import asyncio
import types
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any, Protocol

import pytest

from harmony.errors import CleanupError, ConfigurationError, InjectionError, StepClassError
from harmony.logs import Logger
from harmony.model import ScenarioStart
from harmony.steps.context import ScenarioContext
from harmony.steps.injection import Injector, Providers, needs_of, provider
from harmony.steps.naming import Naming
from harmony.steps.performance import PerformanceMonitor

START = ScenarioStart("writer", "local", "1.1 x", 12, 34, seed=5)


class Port(Protocol):
    def speak(self) -> str: ...


class Device:
    def __init__(self) -> None:
        self.events: list[str] = []

    def speak(self) -> str:
        return "hello"


@dataclass
class Shared:
    items: list[str] = field(default_factory=list)


class First:
    def __init__(self, shared: Shared, port: Port) -> None:
        self.shared, self.port = shared, port


class Second:
    def __init__(self, shared: Shared, size: int = 3) -> None:
        self.shared, self.size = shared, size


EVENTS: list[str] = []


def port() -> Iterator[Port]:
    EVENTS.append("open port")
    yield Device()
    EVENTS.append("close port")


async def resource(port: Port) -> AsyncIterator[Device]:
    EVENTS.append("open device")
    yield Device()
    EVENTS.append("close device")


async def number() -> int:
    return 42


PROVIDERS = Providers({Port: port, Device: resource, int: number})


def test_one_object_per_type_and_scenario() -> None:
    async def run() -> None:
        context = ScenarioContext(START)
        injector = Injector(PROVIDERS, context)
        first, second = await injector.get(First), await injector.get(Second)
        assert first.shared is second.shared
        assert first.port.speak() == "hello"
        assert second.size == 42, "a parameter with a default is injected if somebody provides its type"
        assert await injector.get(First) is first
        await context.close()

    EVENTS.clear()
    asyncio.run(run())
    assert EVENTS == ["open port", "close port"]


def test_two_who_ask_at_once_get_the_same_and_no_circle_is_seen() -> None:
    async def slow(shared: Shared) -> Device:
        await asyncio.sleep(0.01)
        return Device()

    async def run() -> list[Any]:
        injector = Injector(Providers({Device: slow}), ScenarioContext(START))
        return await asyncio.gather(*(injector.get(Device) for _ in range(5)))

    assert len({id(device) for device in asyncio.run(run())}) == 1


def test_a_fresh_scenario_shares_nothing() -> None:
    async def run() -> tuple[Any, Any]:
        contexts = ScenarioContext(START), ScenarioContext(START)
        made = [await Injector(PROVIDERS, context).get(Shared) for context in contexts]
        return made[0], made[1]

    one, other = asyncio.run(run())
    assert one is not other


def test_what_is_made_is_released_in_reverse_order() -> None:
    async def run() -> None:
        context = ScenarioContext(START)
        await Injector(PROVIDERS, context).get(Device)
        await context.close()

    EVENTS.clear()
    asyncio.run(run())
    assert EVENTS == ["open port", "open device", "close device", "close port"]


@pytest.mark.parametrize("type_", [ScenarioContext, ScenarioStart, Logger, Naming, Random, PerformanceMonitor])
def test_what_harmony_provides(type_: Any) -> None:
    assert asyncio.run(Injector(Providers(), ScenarioContext(START)).get(type_)) is not None


def test_random_numbers_depend_on_the_seed_and_the_role_alone() -> None:
    def draw(seed: int, role: str) -> float:
        context = ScenarioContext(ScenarioStart(role, "p", "s", 1, 1, seed=seed))
        return context.random.random()

    assert draw(5, "writer") == draw(5, "writer")
    assert len({draw(5, "writer"), draw(6, "writer"), draw(5, "reader")}) == 3


class Wanting:
    def __init__(self, text: str) -> None: ...


class Deep:
    def __init__(self, wanting: Wanting) -> None: ...


class Hen:
    def __init__(self, egg: Egg) -> None: ...


class Egg:
    def __init__(self, hen: Hen) -> None: ...


class Unannotated:
    def __init__(self, thing) -> None: ...  # type: ignore[no-untyped-def]  # noqa: ANN001


@pytest.mark.parametrize(
    ("type_", "reason"),
    [(Port, "nobody provides Port"), (Deep, "Deep -> Wanting -> str: nobody"), (Hen, "Hen -> Egg -> Hen: a circle")],
)
def test_what_is_missing_is_known_before_anything_is_made(type_: Any, reason: str) -> None:
    assert any(reason in line for line in Providers().missing(type_))
    with pytest.raises(InjectionError):
        asyncio.run(Injector(Providers(), ScenarioContext(START)).get(type_))


def test_nothing_is_missing_where_all_is_provided() -> None:
    assert PROVIDERS.missing(First) == []
    assert PROVIDERS.missing(Second) == []


def test_a_parameter_without_annotation_is_refused() -> None:
    with pytest.raises(StepClassError, match="'thing' has no annotation"):
        needs_of(Unannotated)


def _module(**functions: Any) -> str:
    import sys  # noqa: PLC0415

    module = types.ModuleType("harmony_made_by_test")
    for name, function in functions.items():
        function.__module__ = module.__name__
        setattr(module, name, function)
    sys.modules[module.__name__] = module
    return module.__name__


def test_two_providers_of_one_type_are_refused() -> None:
    @provider
    def one() -> int:
        return 1

    @provider
    def two() -> int:
        return 2

    with pytest.raises(StepClassError, match="both provide int"):
        Providers.of_modules([_module(one=one, two=two)])


def test_a_provider_says_what_it_provides() -> None:
    @provider
    def nothing():  # type: ignore[no-untyped-def]  # noqa: ANN202
        return 1

    with pytest.raises(StepClassError, match="without a return annotation"):
        Providers.of_modules([_module(nothing=nothing)])
    with pytest.raises(ConfigurationError):
        Providers.of_modules(["no_such_module"])


def test_every_clean_up_is_tried_and_every_error_reported() -> None:
    events: list[str] = []

    async def run() -> None:
        context = ScenarioContext(START)
        context.on_cleanup(lambda: events.append("first"))

        async def later() -> None:
            events.append("second")
            raise OSError("disk")

        context.on_cleanup(later)
        context.on_cleanup(lambda: 1 / 0)
        await context.close()

    with pytest.raises(CleanupError) as caught:
        asyncio.run(run())
    assert events == ["second", "first"]
    assert [type(cause) for cause in caught.value.causes] == [ZeroDivisionError, OSError]


def test_a_diagnosis_that_fails_does_not_replace_the_failure() -> None:
    context = ScenarioContext(START)
    context.on_failure("good", lambda: "fine")
    context.on_failure("bad", lambda: str(1 / 0))
    assert context.diagnose()["good"] == "fine"
    assert "ZeroDivisionError" in context.diagnose()["bad"]
