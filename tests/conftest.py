"""What all tests share."""

from __future__ import annotations

import pytest

MEASURED = ("library", "steps")
KILLED = ("test_faults.py",)  # its processes die before they could say what they ran


@pytest.fixture(autouse=True)
def measured_processes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Count the coverage of processes only where they are there for the library: starting to count takes its time."""
    place = request.path.relative_to(request.config.rootpath / "tests")
    if place.parts[0] not in MEASURED or place.name in KILLED:
        monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
