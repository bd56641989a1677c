"""A worker of pytest-xdist knows how the cells of the others have ended."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from harmony.model import Verdict
from harmony.pytest_plugin.shared_ends import Feed, Follower
from harmony.verdict.events import Event
from synthetic_results import result


class Interactor:
    """What pytest-xdist has in a worker, and the controller's side of it."""

    def __init__(self) -> None:
        self.own: list[Any] = []

    def handle_command(self, command: Any) -> None:
        self.own.append(command)

    def sendcommand(self, name: str, **values: object) -> None:
        self.handle_command((name, values))


class Ended:
    """The controller's side of a worker that has ended."""

    def sendcommand(self, name: str, **values: object) -> None:
        raise OSError(f"{name}: cannot send to a closed channel{values and ''}")


def followed(heard: list[Event]) -> tuple[Feed, Follower, Interactor]:
    feed, follower, worker = Feed(), Follower(heard.append), Interactor()
    manager = SimpleNamespace(get_plugins=lambda: {worker, "another plugin"})
    follower.follow(SimpleNamespace(pluginmanager=manager))  # type: ignore[arg-type]
    feed.add(Ended())
    feed.add(worker)
    return feed, follower, worker


def test_what_the_controller_says_is_heard_once() -> None:
    heard: list[Event] = []
    feed, follower, _ = followed(heard)
    follower.catch_up()
    first = result("1.2[host=gas]", Verdict.TIMED_OUT, report="long", timed_out=["gas"])
    second = result("1.3[host=gas]")
    feed(first)
    follower.catch_up()
    feed(second)
    follower.catch_up()
    follower.catch_up()
    assert heard == [first.model_copy(update={"report": ""}), second]


def test_commands_of_pytest_xdist_go_where_they_went() -> None:
    heard: list[Event] = []
    feed, follower, worker = followed(heard)
    worker.sendcommand("runtests", indices=[1])
    worker.handle_command("the end")
    feed(result("1.2[host=gas]"))
    follower.catch_up()
    assert worker.own == [("runtests", {"indices": [1]}), "the end"]
    assert len(heard) == 1
