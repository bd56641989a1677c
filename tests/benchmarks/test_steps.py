"""What a step costs is judged round by round, so that one round on a busy machine decides nothing."""

import pytest

from benchmarks.steps import BOUNDS, Bound, judged


@pytest.mark.parametrize(("times", "reached"), [(2.9, True), (3.1, False)])
def test_the_median_of_the_ratios_is_held_to_the_bound(times: float, reached: bool) -> None:
    found = {"step": [times, 40.0 * times, 9.0], "echo": [1.0, 40.0, 1.0]}
    (one,) = judged(found, [Bound("step", "echo", 3.0)])
    assert (round(one.measured, 6), one.reached) == (times, reached)


def test_each_bound_has_a_yardstick_of_its_own_run() -> None:
    assert all(bound.subject != bound.yardstick and bound.times > 1 for bound in BOUNDS)
