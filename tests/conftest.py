"""What all tests share."""

from __future__ import annotations

import pytest

MEASURED = ("library", "steps")


@pytest.fixture(autouse=True)
def measured_processes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Count the coverage of processes only where they are there for the library: starting to count takes its time."""
    if request.path.relative_to(request.config.rootpath / "tests").parts[0] not in MEASURED:
        monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
