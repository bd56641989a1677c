"""Verbs that are written once: the client that is made of a signature, and what is said of one that is wrong."""

from __future__ import annotations

import asyncio
import datetime as dt
import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Literal, Protocol

import pytest
from pydantic import BaseModel, BeforeValidator, Field

from harmony.run.role_driver import RoleDriver
from harmony.wire.contract_text import json_schema
from harmony.wire.driver import client_of
from harmony.wire.driver_contract import Contract, Driver, Identity
from harmony.wire.verb import Carrier, ContractError, ContractViolationError, Verb, verb
from sandbox import Sandbox


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True)
class Stamp:
    colour: Colour
    day: dt.date


class Letter(BaseModel):
    to: str
    stamps: tuple[Stamp, ...] = ()


Asked = tuple[str, Mapping[str, Any], float]
Hex = Annotated[str, Field(pattern="^([0-9a-f]{2})*$")]
Bytes = Annotated[bytes, BeforeValidator(bytes.fromhex)]


class Post(Driver, Protocol):
    @verb
    async def send(
        self, letter: Letter, urgent: bool = False, *, copies: Sequence[int] = (), timeout: float = 2.0
    ) -> Letter | None:
        """Send a letter."""
        ...

    @verb
    async def count(self) -> int:
        """Count."""
        ...

    @verb(needs="stamps")
    async def stamps(self, *, sort: Literal["old", "new"] = "new") -> list[Stamp]:
        """List stamps."""
        ...

    @verb(wire=Hex)
    async def peek(self) -> Bytes:
        """Look."""
        ...

    @verb
    async def kill(  # noqa: PLR0917 - these names are what is tested
        self,
        params: int,
        verb: str,
        self_: int,
        arguments: int,
        named: int,
        call: int,
        json: int,
        model_config: int,
        _under: int,
    ) -> str:
        """Have names that others use."""
        ...

    @verb
    async def current(self) -> int:
        """Have the name of what else plays a role."""
        ...


class Answering(Carrier):
    """Answers each verb with what it is given, and notes what it was asked."""

    def __init__(self, answer: Any = None) -> None:
        self.answer = answer
        self.asked: list[Asked] = []
        self.ended = False

    async def call(self, verb: str, params: Mapping[str, Any], timeout: float) -> Any:
        self.asked.append((verb, params, timeout))
        return self.answer

    async def end(self) -> None:
        self.ended = True


def asked(work: Callable[[Post], Awaitable[Any]], answer: Any = None) -> tuple[Any, Asked]:
    """Ask one verb; return its value, and what was carried."""
    carrier = Answering(answer)

    async def body() -> Any:
        return await work(client_of(Post, carrier))

    value = asyncio.run(body())
    (one,) = carrier.asked
    return value, one


STAMP = Stamp(Colour.RED, dt.date(2020, 1, 2))
PLAIN = {"colour": "red", "day": "2020-01-02"}


def test_arguments_are_carried_by_name_as_plain_data() -> None:
    value, one = asked(lambda post: post.send(Letter(to="me", stamps=(STAMP,)), copies=(1, 2)))
    letter = {"to": "me", "stamps": [PLAIN]}
    assert one == ("send", {"letter": letter, "urgent": False, "copies": [1, 2], "timeout": 2.0}, 2.0)
    assert value is None


def test_an_answer_becomes_what_the_method_says() -> None:
    value, _ = asked(lambda post: post.send(Letter(to="me"), timeout=3.0), {"to": "you", "stamps": [PLAIN]})
    assert value == Letter(to="you", stamps=(STAMP,))
    value, one = asked(lambda post: post.stamps(sort="old"), [PLAIN, PLAIN])
    assert value == [STAMP, STAMP]
    assert one[1]["sort"] == "old"
    assert asked(lambda post: post.peek(), "00ff")[0] == b"\x00\xff"


def test_every_verb_has_a_deadline_and_its_schema_says_so() -> None:
    anyhow: Any = client_of(Post, Answering(1))
    assert asked(lambda post: post.count(), 1) == (1, ("count", {"timeout": 5.0}, 5.0))
    assert asyncio.run(anyhow.count(timeout=0.5)) == 1
    schema = json_schema(Contract("Post", "1", Post))["$defs"]["count.params"]
    assert schema["required"] == ["timeout"]


def test_names_are_the_persons_own() -> None:
    """Each of these is a name in the harness, in pydantic or in what plays a role, and was the wrong one."""
    carrier = Answering("alive")
    values = (1, "v", 3, 4, 5, 6, 7, 8, 9)

    async def body() -> None:
        async def start() -> Carrier:
            return carrier

        post = client_of(Post, RoleDriver(start))
        assert await post.kill(*values) == "alive"
        assert await post.kill(*values[:1], **dict(zip(_NAMES[1:], values[1:], strict=True))) == "alive"  # type: ignore[arg-type]
        carrier.answer = 7
        assert await post.current() == 7

    asyncio.run(body())
    assert not carrier.ended
    assert all(list(params.values()) == [*values, 5.0] for _, params, _ in carrier.asked[:2])
    assert Contract("Post", "1", Post).verbs["kill"].params.json_schema()["required"] == [*_NAMES, "timeout"]


_NAMES = ("params", "verb", "self_", "arguments", "named", "call", "json", "model_config", "_under")


@pytest.mark.parametrize(
    ("work", "answer", "named"),
    [
        (lambda post: post.count(), "many", "the answer to count .* the result: Input should be a valid integer"),
        (lambda post: post.stamps(), [PLAIN, {"colour": "blue"}], r"1\.colour: .*red.*1\.day: Field required"),
        (lambda post: post.peek(), "0g", "the answer to peek .* pattern"),
        (lambda post: post.hello(), {"pid": 0}, r"protocol: Field required.*pid: .*greater than or equal to 1"),
    ],
)
def test_a_wrong_answer_breaks_the_contract(work: Callable[[Post], Awaitable[Any]], answer: Any, named: str) -> None:
    with pytest.raises(ContractViolationError, match=named):
        asked(work, answer)


def test_what_others_add_to_an_answer_does_not_matter() -> None:
    who = {"protocol": "1", "language": "c", "implementation": "x", "version": "1", "pid": 7, "mood": "good"}
    value, _ = asked(lambda post: post.hello(), who)
    assert isinstance(value, Identity)
    assert asked(lambda post: post.stamps(), [{**PLAIN, "more": 1}])[0] == [STAMP]


def test_wrong_arguments_are_an_error_of_the_caller_which_names_the_verb() -> None:
    anyhow: Any = client_of(Post, Answering())
    with pytest.raises(TypeError, match=r"Post\.send\(\): missing a required argument: 'letter'"):
        asyncio.run(anyhow.send())
    with pytest.raises(TypeError, match="'colour'"):
        asyncio.run(anyhow.count(colour="red"))


def test_a_client_ends_what_carries_it_and_looks_like_its_port() -> None:
    carrier = Answering()
    post = client_of(Post, carrier)
    asyncio.run(post.end())
    assert carrier.ended
    assert inspect.iscoroutinefunction(post.send)
    assert list(inspect.signature(post.send).parameters) == ["letter", "urgent", "copies", "timeout"]


# What is wrong with a verb.


def _plain(self: Any) -> None:
    """Be no coroutine."""


async def _bodied(self: Any, cups: int) -> int:
    """Do something by itself."""
    return cups + 1


async def _silent(self: Any) -> None: ...


async def _untyped(self: Any, cups, *, lid):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
    """Have no types."""


async def _several(self: Any, *cups: int, **more: int) -> None:
    """Take anything."""


async def _unknown(self: Any, cup: Cup) -> None:  # type: ignore[name-defined] # noqa: F821
    """Name what is not there."""


async def _raw(self: Any, data: bytes) -> bytes:
    """Carry bytes."""


async def health(self: Any) -> bool:
    """Be there already."""


async def call(self: Any) -> bool:
    """Be there already."""


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (_plain, ["_plain is no `async def`"]),
        (_bodied, ["_bodied has a body; the harness makes the client, so it is `...`"]),
        (_silent, ["_silent has no docstring"]),
        (_untyped, ["type of its parameter 'cups'", "type of its parameter 'lid'", "does not say what it returns"]),
        (_several, ["takes *cups", "takes **more"]),
        (_unknown, ["_unknown has an annotation that cannot be read: name 'Cup' is not defined"]),
        (_raw, ["has bytes as 'data'", "has bytes as 'return'"]),
        (health, ["health has a name that every driver has already"]),
        (call, ["call has a name that every driver has already"]),
    ],
)
def test_a_verb_that_is_written_wrong_is_named_with_all_that_is_wrong(function: Any, said: Sequence[str]) -> None:
    port = type("Wrong", (Driver, Protocol), {function.__name__: verb(function)})
    with pytest.raises(ContractError) as refused:
        Contract("Wrong", "1", port)
    assert all(text in refused.value.message for text in said), refused.value.message
    assert refused.value.message.count("Wrong.") == len(said), refused.value.message
    assert "`@verb`" in refused.value.hint


def test_a_verb_without_its_mark_is_missed() -> None:
    """It would return nothing and carry nothing."""
    port = type("Wrong", (Driver, Protocol), {"_silent": _silent, "_bodied": _bodied})
    with pytest.raises(ContractError, match=r"^\w+\.Wrong\._silent is not marked with `@verb`\n"):
        Contract("Wrong", "1", port)


def test_a_port_is_a_driver() -> None:
    with pytest.raises(ContractError, match=r"object is no subclass of harmony\.Driver"):
        Contract("Wrong", "1", object)


@pytest.mark.parametrize(("verb", "named"), [("forget", "has no verb 'forget'"), ("kill", "kill takes more than")])
def test_what_resets_is_a_verb_that_takes_nothing(verb: str, named: str) -> None:
    with pytest.raises(ContractError, match=named):
        Contract("Post", "1", Post, reset=verb)


def test_what_is_no_json_is_named_when_it_is_needed() -> None:
    class Odd:
        pass

    async def odd(self: Any, one: Odd) -> None:
        """Carry it."""

    odd.__annotations__["one"] = Odd
    with pytest.raises(ContractError, match="odd: Unable to generate pydantic-core schema"):
        _ = Verb("odd", "", (), odd, None).params


def test_lint_says_what_is_wrong_with_a_verb(tmp_path: Any) -> None:
    project = Sandbox(tmp_path)
    project.write("harmony.toml", 'steps = []\nfeatures = "features"\n[driver]\ncontract = "till:CONTRACT"\n')
    project.write("features/01-till.feature", "Feature: Till\n")
    project.write(
        "till.py",
        '''
        from typing import Protocol

        from harmony import Contract, Driver, verb


        class Till(Driver, Protocol):
            @verb
            async def pay(self, coins) -> int:
                """Pay."""
                return int(await self._ask("pay", coins=coins))


        CONTRACT = Contract("Till", "1.0", Till)
        ''',
    )
    done = project.harmony("lint")
    assert done.returncode == 7, done.stdout + done.stderr
    said = " ".join((done.stdout + done.stderr).split())
    assert "till.Till.pay has a body; the harness makes the client, so it is `...`" in said
    assert "Till.pay does not say the type of its parameter 'coins'" in said
