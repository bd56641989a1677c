"""The small services a step class can ask for: naming, expected errors, performance, logs, telemetry."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from harmony.errors import CleanupError, StepClassError
from harmony.logs import LEVELS, scenario_logger
from harmony.model import LogRecord, ScenarioStart
from harmony.steps.context import ScenarioContext, current_context, make_current
from harmony.steps.expected_errors import ExpectedErrors
from harmony.steps.naming import Naming
from harmony.steps.performance import PerformanceMonitor
from harmony.steps.thresholds import performance_critical

START = ScenarioStart("writer", "local", "1.1 x", 12, 34)


class CodedError(Exception):
    def __init__(self, code: str) -> None:
        super().__init__(f"it was {code}")
        self.code = code


def test_names_belong_to_a_run_and_are_the_same_in_all_its_processes() -> None:
    assert Naming.of_scenario(START).name("kettle") == "kettle_12_34"


@pytest.fixture
def context() -> ScenarioContext:
    return ScenarioContext(START, show_logs=6)


def test_an_expected_error_is_kept_until_its_code_is_asked_for(context: ScenarioContext) -> None:
    errors = ExpectedErrors(context)
    with errors.capture():
        raise CodedError("kettle_full")
    assert isinstance(errors.take("kettle_full"), CodedError)
    with pytest.raises(AssertionError, match="the operation succeeded"):
        errors.take("kettle_full")


def test_another_code_is_not_the_expected_one(context: ScenarioContext) -> None:
    errors = ExpectedErrors(context)
    with errors.capture():
        raise CodedError("timeout")
    with pytest.raises(AssertionError, match="expected the error 'kettle_full', seen 'timeout'"):
        errors.take("kettle_full")


def test_an_error_without_code_fails_at_once(context: ScenarioContext) -> None:
    with pytest.raises(ZeroDivisionError), ExpectedErrors(context).capture():
        _ = 1 / 0


@pytest.mark.parametrize("how", ["none", "capture", "end"])
def test_an_error_that_nobody_asks_for_is_no_success(context: ScenarioContext, how: str) -> None:
    errors = ExpectedErrors(context)
    with errors.capture():
        raise CodedError("timeout")
    if how == "none":
        with pytest.raises(AssertionError, match="no step expected: timeout"):
            errors.none()
    elif how == "capture":
        with pytest.raises(AssertionError, match="no step expected"), errors.capture():
            pass
    else:
        with pytest.raises(CleanupError, match="no step expected"):
            asyncio.run(context.close())


def test_statistics() -> None:
    monitor = PerformanceMonitor()
    for milliseconds in range(1, 101):
        monitor.record("write", milliseconds / 1000)
    found = monitor.statistics("write")
    assert (found.count, found.min, found.max) == (100, 0.001, 0.1)
    assert found.mean == pytest.approx(0.0505)
    assert found.median == pytest.approx(0.0505)
    assert found.p95 == pytest.approx(0.09505)
    assert found.p99 == pytest.approx(0.09901)
    assert "median=50.500ms" in str(found)
    with pytest.raises(KeyError):
        monitor.statistics("read")


def test_one_measurement_has_statistics_too() -> None:
    monitor = PerformanceMonitor()
    with pytest.raises(ZeroDivisionError), monitor.measure("fail"):
        _ = 1 / 0
    found = monitor.statistics("fail")
    assert (found.count, found.p99) == (1, found.max)
    assert monitor.operations == ("fail",)


class Worker:
    @performance_critical(threshold_ms=1)
    def slow(self) -> str:
        """Sleep."""
        time.sleep(0.005)
        return "done"

    @performance_critical(threshold_ms=60_000)
    async def quick(self) -> str:
        """Return."""
        return "done"


@pytest.fixture
def current(context: ScenarioContext) -> Any:
    token = make_current(context)
    yield context
    token.var.reset(token)


def test_what_exceeds_its_threshold_warns_and_does_not_fail(current: ScenarioContext) -> None:
    assert Worker().slow() == "done"
    assert asyncio.run(Worker().quick()) == "done"
    warnings = [record for record in current.logs.records() if record.level == LEVELS["warning"]]
    assert len(warnings) == 1
    assert "Worker.slow" in warnings[0].message
    assert set(current.performance.operations) == {"Worker.slow", "Worker.quick"}


def test_a_timed_method_works_outside_of_a_scenario() -> None:
    assert current_context() is None
    assert Worker().slow() == "done"
    assert Worker.slow.__doc__ == "Sleep."


def test_a_threshold_is_positive() -> None:
    with pytest.raises(StepClassError):
        performance_critical(0)


def test_logs_are_structured_bound_kept_and_shown_from_a_level_on(capsys: pytest.CaptureFixture[str]) -> None:
    kept: list[LogRecord] = []
    logger = scenario_logger(kept.append, show=LEVELS["warning"], scenario="1.1 x", role="writer")
    logger.info("wrote", size=5)
    logger.warning("slow", ms=7)
    try:
        _ = 1 / 0
    except ZeroDivisionError:
        logger.exception("broken")
    assert [(record.level, record.message.partition("\n")[0]) for record in kept][:2] == [
        (2, "wrote size=5"),
        (3, "slow ms=7"),
    ]
    assert "ZeroDivisionError" in kept[2].message
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "wrote" not in shown.err
    assert "slow" in shown.err
    assert "role=writer" in shown.err


def test_spans_per_scenario_and_step() -> None:
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor  # noqa: PLC0415
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter  # noqa: PLC0415

    from harmony.model import Verdict  # noqa: PLC0415
    from harmony.run.telemetry import OpenTelemetry  # noqa: PLC0415
    from harmony.spec.gherkin import parse_feature  # noqa: PLC0415

    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    from pathlib import Path  # noqa: PLC0415

    scenario = parse_feature("Feature: F\n  Scenario: 1.1 S\n    Then x\n", Path("f.feature")).scenarios[0]
    telemetry = OpenTelemetry(provider.get_tracer("test"))
    with telemetry.scenario(scenario) as ended:
        with telemetry.step(scenario.steps[0]) as step_ended:
            step_ended(Verdict.FAILED, "wrong")
        ended(Verdict.PASSED, "")
    step, whole = exporter.get_finished_spans()
    assert step.parent is not None
    assert whole.context is not None
    assert step.parent.span_id == whole.context.span_id
    assert (step.name, whole.name) == ("Then x", "scenario 1.1 S")
    assert (step.status.is_ok, whole.status.is_ok) == (False, True)
    assert (step.attributes or {})["harmony.verdict"] == "failed"
