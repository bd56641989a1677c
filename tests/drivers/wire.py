"""The driver contract, message by message: what a driver answers, refuses and survives, and how it ends.

See `docs/contract.md` for what each test asks, and `tests/drivers/exchange.py` for how a language takes them over.
"""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from typing import Any, Final

import pytest

from harmony import Identity
from harmony.wire import framing
from step_definitions.observer import BufferView, objects_of_run
from step_definitions.patterns import Pattern, Payload, digest, ramp
from step_definitions.port import CONTRACT
from tests.drivers.conversation import (
    ENDS_WITHIN,
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    PARSE_ERROR,
    REFUSED,
    Conversation,
    message,
    most_memory,
    refusal,
)
from tests.drivers.subject import PATIENCE, Subject

HANGS: Final = 60.0
SIMPLE: Final = asdict(Payload(Pattern.SIMPLE, 100))
FRAME: Final = asdict(Payload(Pattern.FRAME, 100))


class Wire(Subject):
    """The driver alone with the tests."""

    def talk(self) -> Conversation:
        """Start it."""
        return Conversation(self.language.words)

    # ---- who it is, and what it is doing

    def test_it_says_who_it_is_and_how_it_sees_the_memory(self) -> None:
        with self.talk() as driver:
            seen = driver.ask("hello")
            assert (seen["language"], seen["pid"]) == (self.language.said or self.language.name, driver.process.pid)
            assert seen["protocol"] == CONTRACT.version
            assert self.language.capabilities <= set(seen["capabilities"]) <= CONTRACT.capabilities.keys()
            identity = Identity.model_validate(seen)
            CONTRACT.check_identity(identity)
            assert dict(identity.layout) == dict(CONTRACT.layout)

    def test_it_is_healthy_and_tells_what_it_does_while_verbs_wait(self, name: str) -> None:
        with self.talk() as driver:
            reader = driver.ask("create", name=name, metadata=0, payload=1024)
            waiting = [driver.send("read", handle=reader, timeout=HANGS) for _ in range(3)]
            waiting.append(driver.send("read", identifier="a text", handle=reader, timeout=HANGS))
            assert driver.ask("health", timeout=1.0) is True
            deadline = time.monotonic() + PATIENCE
            while True:
                seen = driver.ask("dump", timeout=1.0)
                requests = {request["id"]: request for request in seen["requests"]}
                assert len(requests) == len(seen["requests"])
                if requests.keys() == set(waiting) or time.monotonic() > deadline:
                    break
            assert requests.keys() == set(waiting)
            assert {request["verb"] for request in requests.values()} == {"read"}
            again = {request["id"]: request["seconds"] for request in driver.ask("dump")["requests"]}
            assert all(again[number] > requests[number]["seconds"] for number in waiting)
            assert all(again[number] < PATIENCE for number in waiting)
            assert all(thread["name"] and thread["stack"] for thread in seen["threads"])
            assert seen["threads"]
            driver.ask("close", handle=reader)
            for number in waiting:
                assert refusal(driver.answer(number), REFUSED)["data"]["code"] == "closed"
            assert driver.ask("dump")["requests"] == []

    # ---- what it answers

    def test_each_answer_has_the_form_of_the_contract(self, name: str) -> None:
        numbers: list[int] = []

        def opened(number: int) -> int:
            numbers.append(number)
            return number

        with self.talk() as driver:
            reader = opened(driver.ask("create", name=name, metadata=256, payload=4096))
            writer = opened(driver.ask("connect", name=name))
            driver.ask("write_metadata", handle=writer, payload=SIMPLE)
            assert driver.ask("read_metadata", handle=reader) == {"size": 100, "digest": digest(ramp(100))}
            wrote = driver.ask("write", handle=writer, payload=FRAME, count=3, sizes=[5, 6], interval=0.001)
            assert (wrote["frames"], wrote["bytes"], wrote["runs"]) == (3, 16, [[5, 1], [6, 1], [5, 1]])
            assert (wrote["first"], wrote["last"], wrote["breaks"], wrote["digest"]) == (1, 3, 0, 0)
            frame = driver.ask("read", handle=reader)
            assert (frame["sequence"], frame["size"], frame["digest"]) == (1, 5, digest(ramp(5, 1)))
            assert driver.ask("peek", frame=opened(frame["frame"]), offset=1, length=2) == "0203"
            read = driver.ask("read_many", handle=reader, count=2, delay=0.001, idle=1.0, look=False)
            assert (read["frames"], read["first"], read["last"], read["digest"]) == (2, 2, 3, 0)
            none = driver.ask("read_many", handle=reader, count=None, delay=0.0, idle=0.01, look=True)
            assert {**none, "seconds": 0, "cpu_seconds": 0} == {
                **dict.fromkeys(("frames", "bytes", "first", "last", "breaks", "digest", "seconds", "cpu_seconds"), 0),
                "runs": [],
            }
            driver.ask("release", frame=frame["frame"])
            driver.ask("release", frame=frame["frame"])
            slot = opened(driver.ask("acquire", handle=writer, size=10))
            driver.ask("put", slot=slot, payload={**FRAME, "size": 10}, offset=0)
            assert driver.ask("commit", slot=slot) == 4
            driver.ask("abandon", slot=opened(driver.ask("acquire", handle=writer, size=10)))
            other = opened(driver.ask("create", name=f"2{name}", metadata=0, payload=1024))
            target = opened(driver.ask("connect", name=f"2{name}"))
            assert driver.ask("relay", source=reader, target=target, count=1)["digest"] != 0
            assert driver.ask("read", handle=other)["digest"] == digest(ramp(10, 4))
            full = driver.ask("fill", handle=writer, payload={**SIMPLE, "size": 1000}, patience=0.01)
            assert full["bytes"] == 1000 * full["frames"] > 0
            server = opened(driver.ask("serve", name=f"3{name}", metadata=0, payload=1024))
            driver.ask("handle", handle=server, handler="double", delay=0.0)
            client = opened(driver.ask("dial", name=f"3{name}", metadata=0, payload=1024))
            for in_place in (False, True):
                driver.ask("send", handle=client, payload=SIMPLE, in_place=in_place)
                assert driver.ask("receive", handle=client) == {"size": 200, "digest": digest(ramp(100) * 2)}
            assert len(driver.ask("ping", handle=client, payload=SIMPLE, count=3)) == 3
            assert driver.ask("service", handle=server) == {"requests": 5, "refused_changes": 0}
            for number in (client, server, target, other, writer, reader):
                driver.ask("close", handle=number)
            assert opened(driver.ask("create", name=name, metadata=0, payload=64)) not in numbers[:-1]
            assert len(set(numbers)) == len(numbers)

    def test_recipes_are_followed(self, name: str) -> None:
        recipes = [
            Payload(Pattern.FRAME, 300, sequence=7),
            Payload(Pattern.SIMPLE, 300, mask=0x55),
            Payload(Pattern.SIMPLE, 3, repeat=5),
            Payload(Pattern.TEXT, 0, text="ÄÖ 𝄞"),
            Payload(Pattern.TEXT, 0, text="ab", mask=1, repeat=2),
        ]
        with self.talk() as driver:
            reader = driver.ask("create", name=name, metadata=0, payload=4096)
            writer = driver.ask("connect", name=name)
            for recipe in recipes:
                driver.ask("write", handle=writer, payload=asdict(recipe), count=1, sizes=[], interval=0.0)
                assert driver.ask("read", handle=reader)["digest"] == digest(recipe.content())

    # ---- what it refuses

    @pytest.mark.parametrize(
        ("verb", "params", "key"),
        [
            ("connect", {}, "name"),
            ("connect", {"name": 7}, "name"),
            ("connect", {"name": None}, "name"),
            ("create", {"name": "x", "metadata": 0}, "payload"),
            ("create", {"name": "x", "metadata": "64", "payload": 64}, "metadata"),
            ("create", {"name": "x", "metadata": 0, "payload": 1.5}, "payload"),
            ("create", {"name": "x", "metadata": 0, "payload": [64]}, "payload"),
            ("create", {"name": "x", "metadata": 0, "payload": 64, "timeout": "soon"}, "timeout"),
            ("create", {"name": "x", "metadata": 0, "payload": 0}, "payload"),
            ("read", {}, "handle"),
            ("read", {"handle": "1"}, "handle"),
            ("commit", {}, "slot"),
            ("peek", {"frame": {}, "offset": 0, "length": 1}, "frame"),
            ("arm", {"point": "writer.done", "passage": 1}, "then"),
            ("arm", {"point": "writer.done", "passage": 1, "then": "sing"}, "then"),
        ],
    )
    def test_parameters_that_are_missing_or_ill_typed(self, verb: str, params: Mapping[str, Any], key: str) -> None:
        with self.talk() as driver:
            assert key in driver.refused(verb, INVALID_PARAMS, **params)["message"]
            assert driver.ask("health") is True

    @pytest.mark.parametrize(
        ("key", "value"), [("pattern", "plaid"), ("pattern", None), ("size", "1"), ("text", 3), ("repeat", [])]
    )
    def test_recipes_that_are_none(self, key: str, value: Any, name: str) -> None:
        with self.talk() as driver:
            driver.ask("create", name=name, metadata=0, payload=1024)
            writer = driver.ask("connect", name=name)
            for payload in ({**SIMPLE, key: value}, "simple"):
                driver.refused("write_metadata", INVALID_PARAMS, handle=writer, payload=payload)

    def test_keys_that_nobody_knows_are_ignored(self, name: str) -> None:
        with self.talk() as driver:
            assert driver.ask("create", name=name, metadata=0, payload=64, colour="red", depth=None) >= 1

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            (b"{", PARSE_ERROR),
            (b'{"jsonrpc":"2.0","id":1,"method":"health","params":[{"timeout":1,"note":"\xff"}]}', PARSE_ERROR),
            (b"", PARSE_ERROR),
            (b"[]", INVALID_REQUEST),
            (b'[{"jsonrpc":"2.0","id":1,"method":"health","params":[{"timeout":1}]}]', INVALID_REQUEST),
            (b'"health"', INVALID_REQUEST),
            (b"7", INVALID_REQUEST),
            (b'{"jsonrpc":"2.0","id":null}', INVALID_REQUEST),
            (b'{"jsonrpc":"2.0","id":null,"method":7}', INVALID_REQUEST),
        ],
    )
    def test_what_is_no_request_is_said_so_and_passed_over(self, body: bytes, code: int) -> None:
        with self.talk() as driver:
            driver.say(framing.encode(body))
            refusal(driver.answer(None), code)
            assert driver.ask("health") is True
            driver.close()
            assert driver.ended() == 0
            assert driver.silent()

    def test_what_wants_no_answer_gets_none(self) -> None:
        with self.talk() as driver:
            driver.say(message({"jsonrpc": "2.0", "method": "health", "params": [{"timeout": 1}]}))
            driver.say(message({"jsonrpc": "2.0", "method": "sing", "params": [{"timeout": 1}]}))
            assert driver.ask("health") is True
            driver.close()
            assert driver.ended() == 0
            assert driver.silent()

    @pytest.mark.parametrize("params", [7, "x", [7], [{}, {}]])
    def test_parameters_that_are_no_object(self, params: Any) -> None:
        with self.talk() as driver:
            driver.say(message({"jsonrpc": "2.0", "id": "odd", "method": "connect", "params": params}))
            # To JSON-RPC, what is neither a list nor an object is no request at all: some say so.
            refusal(driver.answer("odd"), INVALID_PARAMS, *([] if isinstance(params, list) else [INVALID_REQUEST]))

    def test_a_verb_that_it_has_not_got(self) -> None:
        with self.talk() as driver:
            assert "whistle" in driver.refused("whistle", METHOD_NOT_FOUND)["message"]
            assert driver.ask("health") is True

    def test_nothing_is_open_under_a_wrong_number(self, name: str) -> None:
        recipe: dict[str, Any] = {"payload": SIMPLE, "count": 1, "sizes": [], "interval": 0.0}
        by_handle: dict[str, dict[str, Any]] = {
            **{verb: {} for verb in ("close", "read", "read_metadata", "service", "receive")},
            "write": recipe,
            "fill": {"payload": SIMPLE, "patience": 0.0},
            "acquire": {"size": 1},
            "read_many": {"count": 1, "delay": 0.0, "idle": 0.0, "look": True},
            "write_metadata": {"payload": SIMPLE},
            "handle": {"handler": "echo", "delay": 0.0},
            "send": {"payload": SIMPLE, "in_place": False},
            "ping": {"payload": SIMPLE, "count": 1},
        }
        with self.talk() as driver:
            reader = driver.ask("create", name=name, metadata=0, payload=1024)
            writer = driver.ask("connect", name=name)
            driver.ask("write", handle=writer, **{**recipe, "payload": FRAME})
            frame, slot = driver.ask("read", handle=reader)["frame"], driver.ask("acquire", handle=writer, size=1)
            wrong = 1_000_000
            for verb, params in by_handle.items():
                assert driver.code(verb, handle=wrong, **params) == "closed", verb
            for verb in ("commit", "abandon"):
                assert driver.code(verb, slot=wrong) == "closed"
            assert driver.code("put", slot=wrong, payload=SIMPLE, offset=0) == "closed"
            assert driver.code("release", frame=wrong) == "closed"
            assert driver.code("peek", frame=wrong, offset=0, length=1) == "closed"
            assert driver.code("relay", source=wrong, target=writer, count=1) == "closed"
            assert driver.code("relay", source=reader, target=wrong, count=1) == "closed"
            driver.ask("release", frame=frame)
            assert driver.code("peek", frame=frame, offset=0, length=1) == "frame_released"
            driver.ask("abandon", slot=slot)
            assert driver.code("commit", slot=slot) == "closed"
            driver.ask("close", handle=reader)
            for verb, number in (("close", reader), ("read", reader)):
                assert driver.code(verb, handle=number) == "closed"
            assert driver.code("peek", frame=frame, offset=0, length=1) == "closed"

    def test_a_number_of_another_kind_is_wrong_too(self, name: str) -> None:
        with self.talk() as driver:
            reader = driver.ask("create", name=name, metadata=0, payload=1024)
            writer = driver.ask("connect", name=name)
            slot = driver.ask("acquire", handle=writer, size=1)
            assert driver.code("read", handle=writer) == "closed"
            assert driver.code("acquire", handle=reader, size=1) == "closed"
            assert driver.code("service", handle=reader) == "closed"
            assert driver.code("peek", frame=slot, offset=0, length=1) == "closed"
            assert driver.code("commit", slot=writer) == "closed"
            assert driver.code("close", handle=slot) == "closed"
            assert driver.ask("commit", slot=slot) == 1

    def test_refusals_tell_the_values_involved(self, name: str) -> None:
        with self.talk() as driver:
            reader = driver.ask("create", name=name, metadata=0, payload=1024)
            writer = driver.ask("connect", name=name)

            def write(size: int) -> dict[str, Any]:
                payload = {**FRAME, "size": size}
                return {"handle": writer, "payload": payload, "count": 1, "sizes": [], "interval": 0.0, "timeout": 0.05}

            for _ in range(2):
                driver.ask("write", **write(192))
            error = driver.refused("write", REFUSED, **write(700))["data"]
            assert error["code"] == "frame_unwritable"
            assert {"always_fits": 496, "fits_now": 592}.items() <= error["details"].items()
            error = driver.refused("write", REFUSED, **write(2000))["data"]
            assert error["code"] == "frame_too_large"
            driver.ask("write", **write(400))
            assert driver.code("write", **write(190)) == "buffer_full"
            assert driver.code("write", **write(0)) == "invalid_frame_size"
            slot = driver.ask("acquire", handle=writer, size=10)
            assert driver.code("write", **write(10)) == "busy"
            driver.ask("abandon", slot=slot)
            BufferView(name).overwrite_frame_header(208, 192, 9)
            driver.ask("read", handle=reader)
            error = driver.refused("read", REFUSED, handle=reader)["data"]
            assert error["code"] == "sequence_error"
            assert {"expected": 2, "seen": 9}.items() <= error["details"].items()
            assert driver.code("create", name=name, metadata=0, payload=64) == "buffer_in_use"
            assert driver.code("connect", name=name) == "writer_exists"
            assert driver.code("connect", name=f"9{name}") == "not_found"
            assert driver.code("create", name="a/b", metadata=0, payload=64) == "invalid_name"
            assert driver.code("read_metadata", handle=reader) == "no_metadata"

    def test_a_series_that_takes_too_long_tells_how_far_it_came_and_the_limit_of_all(self, name: str) -> None:
        with self.talk() as driver:
            reader = driver.ask("create", name=name, metadata=0, payload=1024)
            writer = driver.ask("connect", name=name)
            driver.ask("create", name=f"2{name}", metadata=0, payload=1024)
            target = driver.ask("connect", name=f"2{name}")
            driver.ask("serve", name=f"3{name}", metadata=0, payload=1024)
            client = driver.ask("dial", name=f"3{name}", metadata=0, payload=1024)
            writes: dict[str, Any] = {"handle": writer, "payload": FRAME, "sizes": [], "interval": 0.0}
            reads: dict[str, Any] = {"handle": reader, "delay": 0.0, "idle": 0.0}
            alike = {**writes, "payload": SIMPLE}
            series: list[tuple[str, str, dict[str, Any]]] = [
                ("write", "buffer_full", {**writes, "count": 99}),
                ("read_many", "timeout", {**reads, "count": 99, "look": True}),
                ("write", "buffer_full", {**alike, "count": 99}),
                ("read_many", "timeout", {**reads, "count": 99, "look": False}),
                ("relay", "timeout", {"source": reader, "target": target, "count": 99}),
            ]
            moved = []
            for verb, code, params in series:
                if verb == "relay":
                    driver.ask("write", **writes, count=2)
                error = driver.refused(verb, REFUSED, **params, timeout=0.25)
                found = re.match(r"after (\d+) frames: [^:]+ within 0\.25 s", error["message"])
                assert found, error
                moved.append(int(found[1]))
                assert (error["data"]["code"], error["data"]["details"].get("seconds", 0.25)) == (code, 0.25)
            assert 0 < moved[0] == moved[1] < 99
            assert 0 < moved[2] == moved[3] < 99
            assert moved[4] == 2
            error = driver.refused("ping", REFUSED, handle=client, payload=SIMPLE, count=3, timeout=0.25)
            assert re.match(r"after 0 answers: [^:]+ within 0\.25 s", error["message"]), error

    # ---- what it survives

    @pytest.mark.parametrize(
        "noise",
        [
            b"these are no headers\r\n\r\n",
            b"Content-Length: soon\r\n\r\n",
            b"Content-Length: -5\r\n\r\n",
            b"Content-Type: text/plain\r\n\r\n",
            b"Content-Length: 16777217\r\n\r\n",
            b"Content-Length: 99999999999999999999999\r\n\r\n",
        ],
    )
    def test_what_is_no_message_is_said_so(self, noise: bytes) -> None:
        with self.talk() as driver:
            driver.ask("health")
            driver.say(noise)
            refusal(driver.answer(None), PARSE_ERROR)
            # It goes on with the next header, or it gives up and says why.
            with suppress(OSError):
                number = driver.send("health")
                with suppress(AssertionError):
                    assert driver.answer(number, ENDS_WITHIN)["result"] is True
                    return
            assert driver.ended() != 0
            assert driver.silent()
            assert driver.said

    def test_nothing_is_made_of_what_a_header_merely_announces(self) -> None:
        announced, sent = framing.MAX_MESSAGE, 1 << 20
        with self.talk() as driver:
            driver.ask("health")
            before = most_memory(driver.process.pid)
            # More than a pipe takes: once all is sent, most of it has been read, and the header long before.
            driver.say(b"Content-Length: %d\r\n\r\n" % announced + b" " * sent)
            assert most_memory(driver.process.pid) - before < announced // 2

    # ---- how it ends

    @pytest.mark.parametrize("end", ["stdin", "SIGTERM"])
    def test_it_ends_at_once_and_releases_everything_although_verbs_wait(self, end: str, name: str) -> None:
        with self.talk() as driver:
            writes: dict[str, Any] = {"payload": SIMPLE, "count": 2, "sizes": [], "interval": 0.0, "timeout": HANGS}
            empty, held, _ = (
                driver.ask("create", name=f"{number}{name}", metadata=0, payload=256) for number in range(3)
            )
            to_held, to_full = (driver.ask("connect", name=f"{number}{name}") for number in (1, 2))
            driver.ask("write", handle=to_held, **writes)
            server = driver.ask("serve", name=f"s{name}", metadata=0, payload=1024)
            driver.ask("handle", handle=server, handler="echo", delay=HANGS)
            client = driver.ask("dial", name=f"s{name}", metadata=0, payload=1024)
            driver.ask("send", handle=client, payload=SIMPLE, in_place=False)
            driver.ask("read", handle=held)
            waiting = {
                driver.send("read", handle=empty, timeout=HANGS),
                driver.send("read_many", handle=held, count=None, delay=HANGS, idle=HANGS, look=True, timeout=HANGS),
                driver.send("write", handle=to_full, **{**writes, "count": 9}),
                driver.send("write", handle=to_held, **{**writes, "interval": HANGS}),
                driver.send("receive", handle=client, timeout=HANGS),
            }
            deadline = time.monotonic() + PATIENCE
            while {request["id"] for request in driver.ask("dump")["requests"]} != waiting:
                assert time.monotonic() < deadline
            assert objects_of_run(name) != []
            if end == "stdin":
                driver.close()
            else:
                driver.process.send_signal(signal.SIGTERM)
            assert driver.ended() == 0
            assert objects_of_run(name) == []
