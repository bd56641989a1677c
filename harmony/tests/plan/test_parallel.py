"""Workers are started where they pay."""

from __future__ import annotations

import pytest

from harmony.plan.parallel import workers_that_pay


@pytest.mark.parametrize(
    ("count", "past", "cores", "per_core", "expected"),
    [
        (0, {}, 2, 3, 0),
        (12, {}, 2, 3, 0),
        (12, dict.fromkeys(range(12), 0.1), 2, 3, 0),
        (12, dict.fromkeys(range(12), 2.0), 2, 3, 6),
        (12, {0: 30.0}, 2, 3, 0),
        (12, {0: 3.0, 1: 3.0}, 2, 3, 2),
        (200, {}, 2, 3, 6),
        (200, dict.fromkeys(range(200), 2.0), 2, 6, 12),
        (200, {}, 16, 3, 18),
        (3, dict.fromkeys(range(3), 30.0), 16, 3, 0),
    ],
    ids=[
        "none",
        "a dozen never seen",
        "a dozen quick ones",
        "a dozen slow ones",
        "one that is longer than the rest",
        "two slow ones",
        "many never seen",
        "many that rather wait",
        "many cores",
        "less than two each",
    ],
)
def test_as_many_as_pay(count: int, past: dict[int, float], cores: int, per_core: int, expected: int) -> None:
    took = {str(cell): seconds for cell, seconds in past.items()}
    assert workers_that_pay([str(cell) for cell in range(count)], took, cores, per_core) == expected
