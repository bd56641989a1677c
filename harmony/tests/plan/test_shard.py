"""The division of a plan, and the durations it is balanced by."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmony.errors import ConfigurationError
from harmony.plan.durations import read_durations, write_durations
from harmony.plan.shards import Division, ShardError, divide, parse_shard, read_plan, write_plan

PLANS = st.dictionaries(st.text("abc.[=]123", min_size=1), st.floats(0.001, 100.0), max_size=40)


@given(PLANS, st.integers(1, 7), st.data())
def test_shards_are_the_whole_plan_without_overlap(plan: dict[str, float], count: int, data: st.DataObject) -> None:
    known = {key: seconds for key, seconds in plan.items() if data.draw(st.booleans())}
    division = divide(list(plan), count, known)
    assert len(division.parts) == count
    assert division.cells == set(plan)
    assert sum(map(len, division.parts)) == len(plan)
    assert divide(list(reversed(plan)), count, known).fingerprint == division.fingerprint


@given(PLANS, st.integers(1, 7))
def test_no_shard_is_longer_than_it_must_be(plan: dict[str, float], count: int) -> None:
    loads = [sum(plan[key] for key in part) for part in divide(list(plan), count, plan).parts]
    longest = max(plan.values(), default=0.0)
    fair = sum(plan.values()) / count
    assert max(loads) <= fair + longest * (count - 1) / count + 1e-6


def test_balance_needs_durations() -> None:
    """Ten short ones and a long one: whoever counts cells alone gives the long one listener."""
    seconds = {"long": 10.0, **{f"short{number}": 1.0 for number in range(10)}}
    assert ("long",) in divide(list(seconds), 2, seconds).parts
    assert ("long",) not in divide(list(seconds), 2, {}).parts


@pytest.mark.parametrize("text", ["0/2", "3/2", "1/0", "1", "a/b", "-1/2", "1/2/3", ""])
def test_what_is_no_shard_is_refused(text: str) -> None:
    with pytest.raises(ShardError):
        parse_shard(text)


def test_durations_are_added_to_what_is_known(tmp_path: Path) -> None:
    file = tmp_path / "state" / "durations.json"
    assert read_durations(file) == {}
    write_durations(file, {"a": 1.0, "b": 2.0})
    write_durations(file, {"b": 3.00004})
    assert read_durations(file) == {"a": 1.0, "b": 3.0}
    assert [path.name for path in file.parent.iterdir()] == ["durations.json"]


def test_only_a_file_is_read(tmp_path: Path) -> None:
    """A pipe that nobody writes to would be waited for until the end of days."""
    file = tmp_path / "durations.json"
    os.mkfifo(file)
    with pytest.raises(ConfigurationError, match=r"durations\.json is no regular file"):
        read_durations(file)


@pytest.mark.parametrize("text", ["[]", "{", '{"a": "x"}', '{"a": null}'])
def test_a_broken_record_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "durations.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match="no durations"):
        read_durations(file)


def test_a_plan_is_read_as_it_was_written(tmp_path: Path) -> None:
    division = divide([f"1.{number}[a=ü]" for number in range(9)], 4, {})
    write_plan(tmp_path / "plan.json", division)
    assert read_plan(tmp_path / "plan.json") == division


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"harmony-plan": 2}',
        '{"harmony-plan": 1, "shards": {"1/2": []}, "fingerprint": ""}',
        '{"harmony-plan": 1, "shards": [], "fingerprint": ""}',
        '{"harmony-plan": 1, "shards": {"1/1": ["a"]}, "fingerprint": "0"}',
    ],
)
def test_what_is_no_plan_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "plan.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"no plan|has been changed") as caught:
        read_plan(file)
    assert "harmony plan" in caught.value.hint


def test_a_cell_in_two_parts_is_no_plan(tmp_path: Path) -> None:
    write_plan(tmp_path / "plan.json", Division((("a",), ("a", "b"))))
    with pytest.raises(ConfigurationError, match="has been changed"):
        read_plan(tmp_path / "plan.json")
