"""What all tests of the harness share."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import hypothesis
import pytest

from harmony.process.system import Promise
from harmony.process.this_system import SYSTEM
from sandbox import SERVER, SETTINGS, Sandbox

# Time decides no test: an example may be kept from its core for as long as it likes.
hypothesis.settings.register_profile(
    "unhurried", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow], print_blob=True
)
hypothesis.settings.load_profile("unhurried")

# A shell that starts the tests in the background has ^C ignored, and so would all that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what proves a promise that this system does not give."""
    for mark in item.iter_markers("promise"):
        if Promise(mark.args[0]) in SYSTEM.lacks:
            pytest.skip(f"not promised by the {SYSTEM.name} form: {mark.args[0]}")


def pytest_sessionfinish() -> None:
    """Leave no process."""
    SERVER.close()


@pytest.fixture(autouse=True)
def measured_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Count the coverage of processes only where that is asked for: starting to count takes its time."""
    if "MEASURE_PROCESSES" not in os.environ:
        monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    """An empty project whose pytest has a configuration of its own."""
    box = Sandbox(tmp_path)
    box.write("harmony.toml", SETTINGS)
    box.write("pytest.ini", "[pytest]\naddopts = -p no:cacheprovider\nasyncio_default_fixture_loop_scope = function\n")
    return box
