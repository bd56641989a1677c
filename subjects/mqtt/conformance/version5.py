"""What the raw peer says and hears of version 5 alone: packets with properties."""

from __future__ import annotations

from typing import Final

from drivers.wire.packets import Kind, Packet, Properties

from harmony import UnsupportedError, expect_equal, parsers, step

from .patience import QUIET
from .raw import PEER, Raw
from .rows import Asked, Beside, Granted, Leaving, Numbered

_FAILURE = 0x80
_IN_USE = 0x91
_MANY = 100
"""Messages that a peer sends at most to have too many under way."""
_REFUSALS: Final = frozenset({*range(1, 6), *range(0x80, 0x8B), 0x8C, 0x90, 0x95, 0x97, *range(0x99, 0x9E), 0x9F})
"""Reasons of CONNACK: of 3.1.1, with which who does not speak version 5 refuses it, and of 5.0."""
_UNSUBACK_REASONS = frozenset({0x00, 0x11, 0x80, 0x83, 0x87, 0x8F, 0x91})


class SayingSteps:
    """What the peer says in version 5."""

    def __init__(self, raw: Raw) -> None:
        self._raw = raw

    @step(parsers.re(rf"{PEER} dials and says CONNECT with"))
    async def dials_with(self, datatable: Asked) -> None:
        """Connect with what the table says; the connection before is closed without a word. ``nobody`` has no name."""
        await self._raw.dial()
        await self._raw.say(datatable.packet())

    @step(parsers.re(rf"{PEER} says DISCONNECT with"))
    async def says_disconnect(self, datatable: Leaving) -> None:
        """Leave."""
        expiry = datatable.session_expiry
        properties = {} if expiry is None else {"session_expiry": expiry}
        await self._raw.say(Packet(Kind.DISCONNECT, reason=datatable.reason, properties=properties))

    @step(parsers.re(rf"{PEER} says SUBSCRIBE to '(?P<name>[^']+)' with"))
    async def says_subscribe(self, name: str, datatable: Numbered) -> None:
        """Subscribe under identifier 1 with what the table says."""
        one = datatable
        options = one.qos | one.no_local << 2 | one.retain_as_published << 3 | one.retain_handling << 4
        number = one.subscription_id
        properties: Properties = {} if number is None else {"subscription_id": [number]}
        await self._raw.say(Packet(Kind.SUBSCRIBE, packet_id=1, filters=[(name, options)], properties=properties))

    @step(parsers.re(rf"{PEER} says SUBSCRIBE to each of '(?P<names>[^']+)' with one of QoS '(?P<levels>[^']+)'"))
    async def says_subscribe_each(self, names: list[str], levels: list[int]) -> None:
        """Subscribe to several filters in one packet, under identifier 1."""
        await self._raw.say(Packet(Kind.SUBSCRIBE, packet_id=1, filters=list(zip(names, levels, strict=True))))

    @step(
        parsers.re(
            rf"{PEER} says SUBSCRIBE to '(?P<name>[^']+)' with QoS '(?P<qos>[012])',"
            r" under the identifier of '(?P<topic>[^']+)'"
        )
    )
    async def says_subscribe_under(self, name: str, qos: int, topic: str) -> None:
        """Subscribe under the identifier that the broker has given a message."""
        await self._raw.say(Packet(Kind.SUBSCRIBE, packet_id=self._raw.noted(topic), filters=[(name, qos)]))

    @step(parsers.re(rf"{PEER} says UNSUBSCRIBE from each of '(?P<names>[^']+)'"))
    async def says_unsubscribe(self, names: list[str]) -> None:
        """Unsubscribe from filters in one packet, under identifier 2."""
        await self._raw.say(Packet(Kind.UNSUBSCRIBE, packet_id=2, filters=[(name, 0) for name in names]))

    @step(parsers.re(rf"{PEER} says PUBLISH '(?P<text>[^']*)' to '(?P<topic>[^']*)' with"))
    async def says_publish(self, text: str, topic: str, datatable: Beside) -> None:
        """Publish with what the table says."""
        await self._raw.say(
            Packet(
                Kind.PUBLISH,
                topic=topic,
                payload=text.encode(),
                qos=datatable.qos or 0,
                packet_id=datatable.number or 0,
                retain=bool(datatable.retain),
                properties=datatable.properties(),
            )
        )

    @step(parsers.re(rf"{PEER} publishes under the highest alias that the broker takes, first to '(?P<topic>[^']+)'"))
    async def publishes_under_highest(self, topic: str) -> None:
        """Publish under an alias, and under the alias alone; then let it stand for another topic."""
        alias = self._raw.granted.get("alias_maximum", 0)
        if not alias:
            raise UnsupportedError("the broker takes no topic alias: its CONNACK says so")
        for number, name in enumerate((topic, "", f"{topic}/more", ""), 1):
            payload = str(number).encode()
            await self._raw.say(Packet(Kind.PUBLISH, topic=name, payload=payload, properties={"alias": alias}))

    @step(parsers.re(rf"{PEER} publishes under an alias above those that the broker takes"))
    async def publishes_above(self) -> None:
        """Publish to a topic under an alias that is too high, if there is one."""
        alias = self._raw.granted.get("alias_maximum", 0) + 1
        if alias > 0xFFFF:
            raise UnsupportedError("the broker takes every alias that there is")
        await self._raw.say(Packet(Kind.PUBLISH, topic="colour/sky", payload=b"blue", properties={"alias": alias}))

    @step(parsers.re(rf"{PEER} begins one message of QoS 2 more than the broker takes at once"))
    async def begins_too_many(self) -> None:
        """Publish so many, and release none of them."""
        limit = self._raw.granted.get("receive_maximum", 0xFFFF)
        if limit > _MANY:
            raise UnsupportedError(f"the broker takes {limit} messages at once, which is too many to be tried")
        for number in range(1, limit + 2):
            await self._raw.say(Packet(Kind.PUBLISH, topic="colour/sky", payload=b"blue", qos=2, packet_id=number))

    @step(
        parsers.re(
            rf"{PEER} says (?P<kind>PUBACK|PUBREC) for the identifier of '(?P<topic>[^']+)',"
            r" with reason '(?P<reason>\d+)'"
        )
    )
    async def refuses(self, kind: str, topic: str, reason: int) -> None:
        """Refuse a PUBLISH that it has heard."""
        await self._raw.say(Packet(Kind[kind], packet_id=self._raw.noted(topic), reason=reason))

    @step(parsers.re(rf"{PEER} says PINGREQ"))
    async def pings(self) -> None:
        """Ask whether the other side is there."""
        await self._raw.say(Packet(Kind.PINGREQ))

    @step(parsers.re(rf"{PEER} answers CONNECT with"))
    async def answers(self, datatable: Granted) -> None:
        """Answer each CONNECT from now on with what the table says."""
        said = {name: value for name, value in vars(datatable).items() if value is not None}
        present = said.pop("session_present")
        packet = Packet(Kind.CONNACK, session_present=present, properties=said)
        await self._raw.answer(packet)


class HearingSteps:
    """What the peer hears in version 5."""

    def __init__(self, raw: Raw) -> None:
        self._raw = raw
        self._names: list[str] = []
        self._aliases: dict[int, str] = {}

    @step(parsers.re(rf"{PEER} should hear CONNACK '0', and have found (?P<which>its|no) session"))
    async def should_have_found(self, which: str) -> None:
        """Compare Session Present."""
        heard = await self._accepted()
        expect_equal(which == "its", heard.session_present, f"Session Present of {heard}")

    @step(parsers.re(rf"{PEER} should hear CONNACK '0' without '(?P<names>[^']+)'"))
    async def should_hear_without(self, names: list[str]) -> None:
        """See that properties are absent."""
        heard = await self._accepted()
        _are_absent(names, heard)

    @step(parsers.re(rf"{PEER} should hear CONNACK '0' with a name that nobody has"))
    async def should_hear_name(self) -> None:
        """Take the name that the broker gives, which it may refuse to do; it gives none twice."""
        heard = await self._raw.hear("CONNACK")
        if heard.reason >= _FAILURE:
            raise UnsupportedError(f"the broker names nobody, which it need not: {heard}")
        name = heard.properties.get("assigned_client_id")
        expect_equal(True, bool(name), f"whether the broker tells the name that it gives: {heard}")
        expect_equal(False, name in self._names, f"whether another session has the name that the broker gives: {heard}")
        self._names.append(str(name))

    @step(parsers.re(rf"{PEER} should be refused, if it is answered at all"))
    async def should_be_refused(self) -> None:
        """Take a CONNACK that refuses, or the end of the connection alone."""
        if (heard := await self._raw.hear_if_any("CONNACK")) is not None:
            expect_equal(False, heard.reason == 0, f"whether the broker accepts: {heard}")
            expect_equal(False, heard.session_present, f"Session Present of a refusal: {heard}")
            expect_equal(True, heard.reason in _REFUSALS, f"whether its reason is one of the tables: {heard}")

    @step(parsers.re(rf"{PEER} should hear SUBACK with one of QoS '(?P<levels>[^']+)'"))
    async def should_hear_granted(self, levels: list[int]) -> None:
        """Compare what is granted for each filter; a broker may grant less, or refuse."""
        heard = await self._raw.hear("SUBACK")
        expect_equal(len(levels), len(heard.reasons), f"how many reasons there are: {heard}")
        for asked, reason in zip(levels, heard.reasons, strict=True):
            expect_equal(True, reason <= asked or reason >= _FAILURE, f"whether {asked} may become {reason}: {heard}")
            expect_equal(False, reason == _IN_USE, f"whether the identifier is in use: {heard}")
        if heard.reasons != levels:
            raise UnsupportedError(f"the broker grants less: {heard}")

    @step(parsers.re(rf"{PEER} should hear UNSUBACK with '(?P<count>\d+)' reasons"))
    async def should_hear_unsuback(self, count: int) -> None:
        """See that there is a reason for each filter, and that each is one that there is."""
        heard = await self._raw.hear("UNSUBACK")
        expect_equal(count, len(heard.reasons), f"how many reasons there are: {heard}")
        strange = [reason for reason in heard.reasons if reason not in _UNSUBACK_REASONS]
        expect_equal([], strange, f"the reasons that there are not: {heard}")

    @step(parsers.re(rf"{PEER} should hear PUBLISH '(?P<text>[^']*)' of '(?P<topic>[^']+)' with"))
    async def should_hear_with(self, text: str, topic: str, datatable: Beside) -> None:
        """Take a message, and compare what the table says; note its identifier."""
        heard = await self._message(text, topic)
        datatable.compare(heard)
        self._raw.note(heard)

    @step(parsers.re(rf"{PEER} should hear PUBLISH '(?P<text>[^']*)' of '(?P<topic>[^']+)' without '(?P<names>[^']+)'"))
    async def should_hear_message_without(self, text: str, topic: str, names: list[str]) -> None:
        """Take a message, and see that properties are absent; note its identifier."""
        heard = await self._message(text, topic)
        _are_absent(names, heard)
        self._raw.note(heard)

    @step(parsers.re(rf"{PEER} should hear PUBLISH '(?P<text>[^']*)' of '(?P<topic>[^']+)' as retained, or nothing"))
    async def should_hear_at_most(self, text: str, topic: str) -> None:
        """Take a retained message that may be gone, and no other."""
        if (heard := await self._raw.hear_if_any("PUBLISH", timeout=QUIET)) is not None:
            seen = (heard.topic, heard.payload, heard.retain)
            expect_equal((topic, text.encode(), True), seen, f"topic, payload and RETAIN of {heard}")

    @step(parsers.re(rf"{PEER} should hear (?P<what>nothing|'[^']*') '(?P<topic>[^']+)' as retained"))
    async def should_hear_retained(self, what: str, topic: str) -> None:
        """Take a retained message, or see that there is none."""
        if what == "nothing":
            if (heard := await self._raw.hear_if_any("PUBLISH", timeout=QUIET)) is not None:
                expect_equal("nothing", str(heard), "what comes")
            return
        packet = await self._raw.hear("PUBLISH")
        seen = (packet.topic, packet.payload, packet.retain)
        expect_equal((topic, what.strip("'").encode(), True), seen, f"topic, payload and RETAIN of {packet}")

    @step(parsers.re(rf"{PEER} should hear PUBLISH of '(?P<topic>[^']+)' once or twice, once with QoS '(?P<qos>[12])'"))
    async def should_hear_highest(self, topic: str, qos: int) -> None:
        """Take a message of which there may be a copy for each filter, one of them with the highest QoS."""
        heard = await self._raw.hear("PUBLISH")
        copies = [heard]
        if heard.qos != qos and (other := await self._raw.hear_if_any("PUBLISH", timeout=QUIET)) is not None:
            copies.append(other)
        expect_equal({topic}, {one.topic for one in copies}, "the topics")
        expect_equal(qos, max(one.qos for one in copies), f"the highest QoS of {[str(one) for one in copies]}")

    @step(parsers.re(rf"{PEER} should hear PUBLISH '(?P<text>[^']*)' of '(?P<topic>[^']+)' next, and no PUBREL"))
    async def should_hear_next(self, text: str, topic: str) -> None:
        """Take a message before which nothing is released."""
        heard = await self._raw.hear("PUBLISH", "PUBREL")
        expect_equal("PUBLISH", heard.kind.name, f"what comes: {heard}")
        expect_equal((topic, text.encode()), (heard.topic, heard.payload), f"topic and payload of {heard}")

    @step(parsers.re(rf"{PEER} should hear PUBLISH of '(?P<topic>[^']+)' for the subscriptions '(?P<numbers>[^']+)'"))
    async def should_hear_numbers(self, topic: str, numbers: list[int]) -> None:
        """Take one copy that has all numbers, or a copy for each of them."""
        found: list[int] = []
        while len(found) < len(numbers):
            heard = await self._raw.hear("PUBLISH")
            expect_equal(topic, heard.topic, f"the topic of {heard}")
            told = heard.properties.get("subscription_id", [])
            expect_equal(True, bool(told), f"whether there is a number of a subscription: {heard}")
            found += told
            expect_equal(True, len(told) in {1, len(numbers)}, f"whether all numbers are there, or one: {heard}")
        expect_equal(sorted(numbers), sorted(found), "the numbers of the subscriptions")

    @step(
        parsers.re(
            rf"{PEER} should hear PUBLISH of each of '(?P<topics>[^']+)', under aliases up to '(?P<highest>\d+)'"
        )
    )
    async def should_hear_aliases(self, topics: list[str], highest: int) -> None:
        """Take messages, whatever aliases the broker uses; topics have no order among each other."""
        names: list[str] = []
        for _ in topics:
            heard = await self._raw.hear("PUBLISH")
            alias = heard.properties.get("alias")
            if alias is not None:
                expect_equal(True, 0 < alias <= highest, f"whether the peer takes the alias of {heard}")
                if heard.topic:
                    self._aliases[alias] = heard.topic
            names.append(heard.topic or self._aliases.get(alias or 0, ""))
        expect_equal(sorted(topics), sorted(names), "the topics that they stand for")

    @step(parsers.re(rf"{PEER} should hear (?P<kind>PUBACK|SUBACK|UNSUBACK) without '(?P<names>[^']+)'"))
    async def should_hear_answer_without(self, kind: str, names: list[str]) -> None:
        """See that properties are absent from an answer."""
        heard = await self._raw.hear(kind)
        _are_absent(names, heard)

    @step(parsers.re(rf"{PEER} should hear PINGRESP"))
    async def should_hear_pong(self) -> None:
        """See that the other side is there."""
        await self._raw.hear("PINGRESP")

    @step(parsers.re(rf"{PEER} should hear PINGRESP, and no PUBLISH before"))
    async def should_hear_pong_alone(self) -> None:
        """See that the other side is there, and has sent no message until now."""
        heard = await self._raw.hear("PINGRESP", "PUBLISH")
        expect_equal("PINGRESP", heard.kind.name, f"what comes: {heard}")

    @step(parsers.re(rf"{PEER} should hear PINGREQ within '(?P<seconds>\d+)' seconds"))
    async def should_hear_ping(self, seconds: int) -> None:
        """See that a client shows that it is there."""
        if await self._raw.hear_if_any("PINGREQ", timeout=seconds) is None:
            expect_equal("a PINGREQ", "nothing", f"what comes within {seconds} s")

    @step(parsers.re(rf"{PEER} should hear DISCONNECT for one of '(?P<reasons>[^']+)'"))
    async def should_hear_disconnect(self, reasons: list[str]) -> None:
        """See that the other side says why it leaves; reasons are hexadecimal."""
        heard = await self._raw.hear_if_any("DISCONNECT", "CONNACK")
        if heard is None:
            expect_equal(f"DISCONNECT for one of {', '.join(reasons)}", "nothing", "what comes before the end")
        else:
            expect_equal(True, f"{heard.reason:#04x}" in reasons, f"whether the reason is one of {reasons}: {heard}")

    async def _message(self, text: str, topic: str) -> Packet:
        heard = await self._raw.hear("PUBLISH")
        expect_equal((topic, text.encode()), (heard.topic, heard.payload), f"topic and payload of {heard}")
        return heard

    async def _accepted(self) -> Packet:
        heard = await self._raw.hear("CONNACK")
        expect_equal(0, heard.reason, f"the reason of {heard}")
        return heard


def _are_absent(names: list[str], heard: Packet) -> None:
    expect_equal([], [name for name in names if name in heard.properties], f"what is absent from {heard}")
