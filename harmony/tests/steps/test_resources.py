"""Resources of a scenario: whose they are, what a label means, and that they are given back."""

from __future__ import annotations

import asyncio
import socket
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harmony.errors import CleanupError, ConversionError
from harmony.model import ScenarioStart
from harmony.process import places, ports
from harmony.steps.context import ScenarioContext
from harmony.steps.conversion import Converters
from harmony.steps.injection import Injector, Providers
from harmony.steps.resources import Directory, Label, Port, SocketPath, resolved, resource

KINDS = [Port, Directory, SocketPath]


@pytest.fixture(autouse=True)
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Let each test have this machine for itself."""
    made = Path(tempfile.mkdtemp(prefix="h", dir="/tmp"))  # a short one, for paths of sockets
    with monkeypatch.context() as patch:
        patch.setattr(places, "TEMPORARY", made)
        patch.setattr(ports, "_DIRECTORY", made / "ports")
        yield made
        for cell in ("1_2", "1_3"):
            places.clear(cell)
    made.rmdir()


def context(role: str, feature: int = 2) -> ScenarioContext:
    return ScenarioContext(ScenarioStart(role, "local", "1.1 x", 1, feature))


def with_roles(work: Callable[[ScenarioContext, ScenarioContext, ScenarioContext], Awaitable[None]]) -> None:
    """Have two roles of one cell, and one of another."""

    async def body() -> None:
        contexts = context("a"), context("b"), context("a", 3)
        await work(*contexts)
        for one in contexts:
            await one.close()

    asyncio.run(body())


@pytest.mark.parametrize("kind", KINDS)
def test_a_constructor_is_given_one_of_its_own(kind: type, temporary: Path) -> None:
    async def work(a: ScenarioContext, b: ScenarioContext, other: ScenarioContext) -> None:
        injector = Injector(Providers(), a)
        mine = await injector.get(kind)
        assert type(mine) is kind
        assert await injector.get(kind) is mine
        second = context("a")  # a second process of the same role
        others = [await Injector(Providers(), one).get(kind) for one in (second, b, other)]
        assert len({mine, *others}) == 4
        await second.close()

    with_roles(work)
    assert [one for one in temporary.rglob("*") if one.is_file() and one.parent.name != "ports"] == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_label_means_the_same_for_all_roles_of_a_cell_and_for_no_other(kind: type) -> None:
    async def work(a: ScenarioContext, b: ScenarioContext, other: ScenarioContext) -> None:
        first = resource(kind, a, "x")
        assert resource(kind, a, "x") == first
        assert resource(kind, b, "x") == first
        assert len({first, resource(kind, a, "y"), resource(kind, other, "x"), resource(kind, a)}) == 4

    with_roles(work)


def test_all_are_given_back_with_the_scenario_whatever_is_in_them(temporary: Path) -> None:
    async def work(a: ScenarioContext, b: ScenarioContext, other: ScenarioContext) -> None:
        del b, other
        resource(Port, a), resource(Port, a, "x")
        directory, labelled = resource(Directory, a), resource(Directory, a, "x")
        (directory / "inner").mkdir()
        (directory / "inner" / "file").touch()
        (labelled / "file").touch()
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(str(resource(SocketPath, a)))

    with_roles(work)
    left = [one for one in temporary.rglob("*") if one.is_file()]
    assert [one.parent.name for one in left] == ["x"]  # another role may be using it, until the cell ends
    assert places.clear("1_2") == []
    assert list(temporary.iterdir()) == []


def test_a_directory_that_cannot_be_removed_fails_the_scenario(monkeypatch: pytest.MonkeyPatch) -> None:
    async def body() -> None:
        one = context("a")
        directory = resource(Directory, one)
        with monkeypatch.context() as patch:
            patch.setattr(places, "remove", lambda path: [f"{path}: busy"])
            with pytest.raises(CleanupError, match=f"cannot be removed: {directory}: busy"):
                await one.close()

    asyncio.run(body())


def test_a_socket_path_is_short_and_too_long_a_one_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    one = context("a role whose name is longer than any socket's would have to be " * 3)
    assert len(str(resource(SocketPath, one, "a label " * 30))) < 100
    assert len(str(resource(SocketPath, one))) < 100
    asyncio.run(one.close())
    with monkeypatch.context() as patch:
        (tmp_path / ("x" * 80)).mkdir()
        patch.setattr(places, "TEMPORARY", tmp_path / ("x" * 80))
        with pytest.raises(places.PlaceError, match="too long for a socket"):
            resource(SocketPath, context("b"), "x")


def test_a_text_becomes_a_label_and_that_a_resource() -> None:
    convert = Converters().convert
    assert convert("a", Port) == Label(Port, "a")
    assert convert("a", Port | None) == Label(Port, "a")
    assert convert("a, b", list[Port]) == [Label(Port, "a"), Label(Port, "b")]
    with pytest.raises(ConversionError, match="is no Directory"):
        convert(" ", Directory)

    async def work(a: ScenarioContext, b: ScenarioContext, other: ScenarioContext) -> None:
        del b, other
        several: Any = resolved([Label(Port, "a"), Label(Port, "b")], a)
        assert [type(one) for one in several] == [Port, Port]
        assert several[0] == resolved(Label(Port, "a"), a) != several[1]
        assert resolved("a", a) == "a"
        assert several[0].address == f"127.0.0.1:{int(several[0])}"

    with_roles(work)
