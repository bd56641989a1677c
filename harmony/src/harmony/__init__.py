"""Cross-language conformance harness: one Gherkin specification, every pairing of implementations.

What a project imports stands here, in `harmony.doctor`, `harmony.driver_kit`, `harmony.network`, `harmony.perf` and
`harmony.wire`; all else is private. Names are loaded when they are first used.

PYTEST_DONT_REWRITE: `harmony run` imports this before pytest, which would warn that it comes too late.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from harmony.lazy import loaded

if TYPE_CHECKING:
    from harmony.errors import HarmonyError as HarmonyError
    from harmony.errors import UnsupportedError as UnsupportedError
    from harmony.logs import Logger as Logger
    from harmony.model import DataTable as DataTable
    from harmony.model import DocString as DocString
    from harmony.model import ProcessAction as ProcessAction
    from harmony.model import ScenarioStart as ScenarioStart
    from harmony.model import Verdict as Verdict
    from harmony.process.child import ProcessSpec as ProcessSpec
    from harmony.process.child import own_helper as own_helper
    from harmony.process.stacks import stacks_of as stacks_of
    from harmony.project import Project as Project
    from harmony.project import load_project as load_project
    from harmony.run.blocking import BlockingCalls as BlockingCalls
    from harmony.run.control import ProcessControl as ProcessControl
    from harmony.run.driver_process import DriverProcess as DriverProcess
    from harmony.run.role_driver import DriverProgram as DriverProgram
    from harmony.run.role_driver import RoleDriver as RoleDriver
    from harmony.steps import parsers as parsers
    from harmony.steps.context import ScenarioContext as ScenarioContext
    from harmony.steps.conversion import ByteSize as ByteSize
    from harmony.steps.conversion import Duration as Duration
    from harmony.steps.expected_errors import ExpectedErrors as ExpectedErrors
    from harmony.steps.injection import provider as provider
    from harmony.steps.naming import Naming as Naming
    from harmony.steps.performance import PerformanceMonitor as PerformanceMonitor
    from harmony.steps.registry import background as background
    from harmony.steps.registry import given as given
    from harmony.steps.registry import step as step
    from harmony.steps.registry import then as then
    from harmony.steps.registry import when as when
    from harmony.steps.resources import Directory as Directory
    from harmony.steps.resources import Port as Port
    from harmony.steps.resources import SocketPath as SocketPath
    from harmony.steps.shared_values import SharedValues as SharedValues
    from harmony.steps.thresholds import performance_critical as performance_critical
    from harmony.steps.waiting import until as until
    from harmony.verdict.comparison import MismatchError as MismatchError
    from harmony.verdict.comparison import expect_equal as expect_equal
    from harmony.wire.driver import DriverError as DriverError
    from harmony.wire.driver import client_of as client_of
    from harmony.wire.driver_contract import Contract as Contract
    from harmony.wire.driver_contract import Driver as Driver
    from harmony.wire.driver_contract import HandshakeError as HandshakeError
    from harmony.wire.driver_contract import Identity as Identity
    from harmony.wire.driver_contract import Structure as Structure
    from harmony.wire.verb import Carrier as Carrier
    from harmony.wire.verb import verb as verb

_PUBLIC = {
    "harmony.errors": ("HarmonyError", "UnsupportedError"),
    "harmony.logs": ("Logger",),
    "harmony.model": ("DataTable", "DocString", "ProcessAction", "ScenarioStart", "Verdict"),
    "harmony.process.child": ("ProcessSpec", "own_helper"),
    "harmony.process.stacks": ("stacks_of",),
    "harmony.project": ("Project", "load_project"),
    "harmony.run.blocking": ("BlockingCalls",),
    "harmony.run.control": ("ProcessControl",),
    "harmony.run.driver_process": ("DriverProcess",),
    "harmony.run.role_driver": ("DriverProgram", "RoleDriver"),
    "harmony.steps.context": ("ScenarioContext",),
    "harmony.steps.conversion": ("ByteSize", "Duration"),
    "harmony.steps.expected_errors": ("ExpectedErrors",),
    "harmony.steps.injection": ("provider",),
    "harmony.steps.naming": ("Naming",),
    "harmony.steps.performance": ("PerformanceMonitor",),
    "harmony.steps.registry": ("background", "given", "step", "then", "when"),
    "harmony.steps.resources": ("Directory", "Port", "SocketPath"),
    "harmony.steps.shared_values": ("SharedValues",),
    "harmony.steps.thresholds": ("performance_critical",),
    "harmony.steps.waiting": ("until",),
    "harmony.verdict.comparison": ("MismatchError", "expect_equal"),
    "harmony.wire.driver": ("DriverError", "client_of"),
    "harmony.wire.driver_contract": ("Contract", "Driver", "HandshakeError", "Identity", "Structure"),
    "harmony.wire.verb": ("Carrier", "verb"),
}
__all__ = sorted(["parsers", *(name for names in _PUBLIC.values() for name in names)])  # noqa: PLE0605 - names


def __getattr__(name: str) -> Any:
    return import_module("harmony.steps.parsers") if name == "parsers" else loaded(__name__, _PUBLIC, name)
