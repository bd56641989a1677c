"""What all tests share."""

from __future__ import annotations

import hypothesis
import pytest

# Time decides no test: an example may be kept from its core for as long as it likes.
hypothesis.settings.register_profile(
    "unhurried", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow], print_blob=True
)
hypothesis.settings.load_profile("unhurried")

MEASURED = ("library", "steps")
KILLED = ("test_faults.py",)  # its processes die before they could say what they ran


@pytest.fixture(autouse=True)
def measured_processes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Count the coverage of processes only where they are there for the library: starting to count takes its time."""
    place = request.path.relative_to(request.config.rootpath / "tests")
    if place.parts[0] not in MEASURED or place.name in KILLED:
        monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
