"""OpenTelemetry spans per scenario and step, where the extra is installed and switched on; nothing otherwise."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

from harmony.errors import ConfigurationError
from harmony.model import Verdict
from harmony.spec.gherkin import Scenario, Step

Report = Callable[[Verdict, str], None]
"""Called once inside a span with how it ended."""


class Telemetry:
    """Makes no spans."""

    @contextlib.contextmanager
    def scenario(self, scenario: Scenario) -> Iterator[Report]:
        """Span a scenario."""
        del scenario
        yield _nothing

    @contextlib.contextmanager
    def step(self, step: Step) -> Iterator[Report]:
        """Span a step; a child of the scenario's span."""
        del step
        yield _nothing


class OpenTelemetry(Telemetry):
    """Makes spans with a tracer.

    Args:
        tracer: An OpenTelemetry tracer; that of the globally configured provider by default.

    Raises:
        ConfigurationError: OpenTelemetry is not installed.
    """

    def __init__(self, tracer: Any = None) -> None:
        if tracer is None:
            try:
                from opentelemetry import trace  # noqa: PLC0415 - an extra
            except ImportError as error:
                raise ConfigurationError(
                    "telemetry is switched on, but OpenTelemetry is not installed",
                    hint="install the extra `otel`, or switch it off: HARMONY_TELEMETRY=0",
                ) from error
            tracer = trace.get_tracer("harmony")
        self._tracer = tracer

    @contextlib.contextmanager
    def scenario(self, scenario: Scenario) -> Iterator[Report]:
        """Span a scenario."""
        attributes = {
            "harmony.scenario": scenario.id,
            "harmony.feature": scenario.feature,
            "harmony.tags": list(scenario.tags),
            "code.filepath": str(scenario.place.file),
            "code.lineno": scenario.place.line,
        }
        with self._tracer.start_as_current_span(f"scenario {scenario.id}", attributes=attributes) as span:
            yield functools.partial(_ended, span)

    @contextlib.contextmanager
    def step(self, step: Step) -> Iterator[Report]:
        """Span a step; a child of the scenario's span."""
        attributes = {"harmony.step": step.text, "harmony.step_type": step.type.value, "code.lineno": step.place.line}
        with self._tracer.start_as_current_span(f"{step.keyword} {step.text}", attributes=attributes) as span:
            yield functools.partial(_ended, span)


def _nothing(verdict: Verdict, error: str) -> None:
    del verdict, error


def _ended(span: Any, verdict: Verdict, error: str) -> None:
    from opentelemetry.trace import Status, StatusCode  # noqa: PLC0415 - an extra

    span.set_attribute("harmony.verdict", verdict.value)
    span.set_status(Status(StatusCode.OK) if verdict is Verdict.PASSED else Status(StatusCode.ERROR, error))
