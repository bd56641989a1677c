"""Examines a driver: everything the contract demands of it, one check after the other, each with its remedy.

`check` says what a check is, `driver_probe` is the process that is examined, and `check_context` is where a check has
its drivers, and what a project adds about its verbs. `examination` runs them, and `rendering` writes what was found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harmony.lazy import loaded

if TYPE_CHECKING:
    from harmony.doctor.check_context import BlockingVerb as BlockingVerb
    from harmony.doctor.check_context import CheckContext as CheckContext
    from harmony.doctor.check_context import DriverCheck as DriverCheck
    from harmony.doctor.check_context import DriverChecks as DriverChecks
    from harmony.doctor.check_context import driver_check as driver_check
    from harmony.doctor.check_context import refusal as refusal
    from harmony.doctor.driver_probe import DriverProbe as DriverProbe
    from harmony.doctor.driver_probe import request as request
    from harmony.doctor.finding import WrongError as WrongError
    from harmony.doctor.finding import expect as expect
    from harmony.doctor.finding import expect_all as expect_all
    from harmony.doctor.requests import expect_error as expect_error
    from harmony.doctor.samples import fitting as fitting
    from harmony.doctor.verbs import refused as refused

_PUBLIC = {
    "harmony.doctor.check_context": (
        *("BlockingVerb", "CheckContext", "DriverCheck", "DriverChecks", "driver_check", "refusal"),
    ),
    "harmony.doctor.driver_probe": ("DriverProbe", "request"),
    "harmony.doctor.finding": ("WrongError", "expect", "expect_all"),
    "harmony.doctor.requests": ("expect_error",),
    "harmony.doctor.samples": ("fitting",),
    "harmony.doctor.verbs": ("refused",),
}
__all__ = sorted(name for names in _PUBLIC.values() for name in names)  # noqa: PLE0605 - it is a list of names


def __getattr__(name: str) -> Any:
    return loaded(__name__, _PUBLIC, name)
