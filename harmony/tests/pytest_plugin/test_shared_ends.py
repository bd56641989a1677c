"""A worker of pytest-xdist knows how the cells of the others have ended."""

from __future__ import annotations

from pathlib import Path

from harmony.model import Verdict
from harmony.pytest_plugin.shared_ends import Feed, Follower
from harmony.verdict.events import Event
from synthetic_results import result


def test_what_the_controller_writes_is_heard_once(tmp_path: Path) -> None:
    heard: list[Event] = []
    feed, follower = Feed(tmp_path / "ends"), Follower(heard.append, tmp_path / "ends")
    follower.catch_up()
    first = result("1.2[host=gas]", Verdict.TIMED_OUT, report="long", timed_out=["gas"])
    second = result("1.3[host=gas]")
    feed(first)
    follower.catch_up()
    feed(second)
    follower.catch_up()
    follower.catch_up()
    assert heard == [first.model_copy(update={"report": ""}), second]
    feed.close()


def test_half_a_line_waits_for_its_end(tmp_path: Path) -> None:
    heard: list[Event] = []
    feed, follower = Feed(tmp_path / "all"), Follower(heard.append, tmp_path / "part")
    feed(result("1.2[host=gas]"))
    feed.close()
    whole = (tmp_path / "all").read_bytes()
    (tmp_path / "part").write_bytes(whole[:50])
    follower.catch_up()
    assert heard == []
    (tmp_path / "part").write_bytes(whole)
    follower.catch_up()
    assert len(heard) == 1


def test_on_another_machine_nothing_is_heard(tmp_path: Path) -> None:
    heard: list[Event] = []
    Follower(heard.append, tmp_path / "elsewhere").catch_up()
    Follower(heard.append).catch_up()
    assert heard == []
