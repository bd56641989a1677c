"""What the raw peer says and hears, packet by packet."""

from __future__ import annotations

from drivers.wire.packets import Kind, Packet

from harmony import UnsupportedError, expect_equal, parsers, step

from . import malformed
from .party import Party
from .patience import QUIET
from .raw import PEER, Raw

_NEVER = 0xFFFFFFFF
_SAYS = r"says PUBLISH '(?P<text>[^']*)' to '(?P<topic>[^']*)'"
_HEARS = r"should hear PUBLISH of '(?P<topic>[^']+)' with QoS '(?P<qos>[12])' and DUP '(?P<dup>[01])'"
_HEARS_NUMBERS = _HEARS.replace(" of '", " of the numbers to '(?P<count>\\d+)' on '")


class PeerSteps:
    """One of these for the raw peer in each scenario."""

    def __init__(self, party: Party, raw: Raw) -> None:
        self._party = party
        self._raw = raw
        self._identifiers: list[int] = []

    # --- what it says -----------------------------------------------------------------------------------------------

    @step(parsers.re(rf"{PEER} dials"))
    async def dials(self) -> None:
        """Connect to the broker without a word; the connection before is closed without one, too."""
        await self._raw.dial()

    @step(parsers.re(rf"{PEER} dials and says CONNECT, and keeps its session"))
    async def dials_for_long(self) -> None:
        """Connect to the session that there is, or to one that stays."""
        await self.dials()
        await self._connect({"session_expiry": _NEVER})

    @step(parsers.re(rf"{PEER} dials and says CONNECT with Receive Maximum '(?P<count>\d+)'"))
    async def dials_with_maximum(self, count: int) -> None:
        """Connect as one that takes so many messages at once."""
        await self.dials()
        await self._connect({"session_expiry": _NEVER, "receive_maximum": count})

    async def _connect(self, properties: dict[str, int]) -> None:
        await self._raw.say(
            Packet(Kind.CONNECT, client_id="peer", clean=False, keep_alive=60, properties=dict(properties))
        )

    @step(parsers.re(rf"{PEER} {_SAYS} with QoS '(?P<qos>[12])', identifier '(?P<number>\d+)' and DUP '(?P<dup>[01])'"))
    async def says_publish(self, text: str, topic: str, qos: int, number: int, dup: bool) -> None:
        """Publish, under an identifier of the scenario's choice."""
        await self._raw.say(
            Packet(Kind.PUBLISH, topic=topic, payload=text.encode(), qos=qos, packet_id=number, dup=dup)
        )

    @step(parsers.re(rf"{PEER} {_SAYS} with the alias '(?P<alias>\d+)'"))
    async def says_publish_with_alias(self, text: str, topic: str, alias: int) -> None:
        """Publish with QoS 0 under an alias; an empty topic is one that the alias stands for."""
        await self._raw.say(Packet(Kind.PUBLISH, topic=topic, payload=text.encode(), properties={"alias": alias}))

    @step(parsers.re(rf"{PEER} says PUBLISH to U\+FEFF before '(?P<topic>[^']+)'"))
    async def says_publish_marked(self, topic: str) -> None:
        """Publish with QoS 0 to a topic that begins with the letter that some take for a mark of the order of bytes."""
        await self._raw.say(Packet(Kind.PUBLISH, topic=f"\ufeff{topic}", payload=b"blue"))

    @step(parsers.re(rf"{PEER} says SUBSCRIBE to '(?P<name>[^']+)' with QoS '(?P<qos>[012])'"))
    async def says_subscribe(self, name: str, qos: int) -> None:
        """Subscribe, under identifier 1."""
        await self._raw.say(Packet(Kind.SUBSCRIBE, packet_id=1, filters=[(name, qos)]))

    @step(parsers.re(rf"{PEER} says (?P<kind>PUBREL) '(?P<number>\d+)'"))
    async def says_number(self, kind: str, number: int) -> None:
        """Answer under an identifier of its own choice."""
        await self._raw.say(Packet(Kind[kind], packet_id=number))

    @step(parsers.re(rf"{PEER} says (?P<kind>PUBACK|PUBREC|PUBCOMP) for the identifier of '(?P<topic>[^']+)'"))
    async def says_noted(self, kind: str, topic: str) -> None:
        """Answer a PUBLISH that it has heard."""
        await self._raw.say(Packet(Kind[kind], packet_id=self._raw.noted(topic)))

    @step(parsers.re(rf"{PEER} says what is malformed: (?P<what>.+)"))
    async def says_malformed(self, what: str) -> None:
        """Send bytes that no implementation would."""
        await self._party.driver.say(malformed.BYTES[self._party.version][what].hex())

    # --- what it hears ----------------------------------------------------------------------------------------------

    @step(parsers.re(rf"{PEER} should hear CONNACK '(?P<reason>\d+)'"))
    async def should_hear_connack(self, reason: int) -> None:
        """Take the answer to CONNECT."""
        heard = await self._raw.hear("CONNACK")
        expect_equal(reason, heard.reason, f"the reason of {heard}")
        expect_equal(False, bool(heard.reason) and heard.session_present, f"Session Present of a refusal: {heard}")

    @step(parsers.re(rf"{PEER} should hear (?P<kind>PUBACK|PUBREC|PUBCOMP|SUBACK|UNSUBACK) '(?P<number>\d+)'"))
    async def should_hear_number(self, kind: str, number: int) -> None:
        """Take an answer that is due."""
        heard = await self._raw.hear(kind)
        expect_equal(number, heard.packet_id, f"the identifier of {heard}")

    @step(parsers.re(rf"{PEER} {_HEARS}, and notes its identifier"))
    async def should_hear_publish(self, topic: str, qos: int, dup: bool) -> None:
        """Take a message for the first time."""
        heard = await self._raw.hear("PUBLISH")
        self._compare(heard, topic, qos, dup=dup)
        self._raw.note(heard)

    @step(parsers.re(rf"{PEER} should hear PUBLISH of U\+FEFF before '(?P<topic>[^']+)'"))
    async def should_hear_marked(self, topic: str) -> None:
        """Take a message whose topic has that letter still."""
        heard = await self._raw.hear("PUBLISH")
        expect_equal(ascii(f"\ufeff{topic}"), ascii(heard.topic), f"the topic of {heard}")

    @step(parsers.re(rf"{PEER} {_HEARS}, under the identifier noted"))
    async def should_hear_again(self, topic: str, qos: int, dup: bool) -> None:
        """Take a message again."""
        heard = await self._raw.hear("PUBLISH")
        self._compare(heard, topic, qos, dup=dup)
        expect_equal(self._raw.noted(topic), heard.packet_id, f"the identifier of {heard}")

    @step(parsers.re(rf"{PEER} {_HEARS_NUMBERS}, and notes their identifiers"))
    async def should_hear_numbers(self, count: int, topic: str, qos: int, dup: bool) -> None:
        """Take messages for the first time, in their order."""
        self._identifiers = await self._hear_numbers(count, topic, qos, dup=dup)

    @step(parsers.re(rf"{PEER} {_HEARS_NUMBERS}, under the identifiers noted"))
    async def should_hear_numbers_again(self, count: int, topic: str, qos: int, dup: bool) -> None:
        """Take messages again, in the order in which they came."""
        again = await self._hear_numbers(count, topic, qos, dup=dup)
        expect_equal(self._identifiers, again, "the identifiers of the numbers")

    @step(
        parsers.re(rf"{PEER} should hear PUBREL for the identifier of '(?P<topic>[^']+)'(?:, and no PUBLISH before)?")
    )
    async def should_hear_release(self, topic: str) -> None:
        """Take the release of a message; that message is published no more."""
        heard = await self._raw.hear("PUBREL", "PUBLISH")
        expect_equal("PUBREL", heard.kind.name, f"what comes: {heard}")
        expect_equal(self._raw.noted(topic), heard.packet_id, f"the identifier of {heard}")

    @step(parsers.re(rf"{PEER} should hear no PUBLISH"))
    async def should_hear_no_publish(self) -> None:
        """See that nothing is published for a while."""
        if (heard := await self._raw.hear_if_any("PUBLISH", timeout=QUIET)) is not None:
            expect_equal("nothing", str(heard), "what comes")

    @step(parsers.re(rf"{PEER} should hear the end of the connection"))
    async def should_hear_end(self) -> None:
        """See that the other side closes."""
        closes = await self._party.driver.hear_end(timeout=self._party.patience)
        expect_equal(True, closes, "whether the other side closes the connection")

    @step(parsers.re(rf"{PEER} may use an alias"))
    async def may_use_alias(self) -> None:
        """See that the broker takes aliases, which it need not."""
        if not self._raw.granted.get("alias_maximum"):
            raise UnsupportedError("the broker takes no topic alias: its CONNACK says so")

    async def _hear_numbers(self, count: int, topic: str, qos: int, *, dup: bool) -> list[int]:
        """Take as many messages as there are numbers; return their identifiers."""
        all_ = [await self._raw.hear("PUBLISH") for _ in range(count)]
        for heard in all_:
            self._compare(heard, topic, qos, dup=dup)
        numbers = [heard.payload.decode("utf-8", "replace") for heard in all_]
        expect_equal([str(number) for number in range(1, count + 1)], numbers, "the numbers, in their order")
        return [heard.packet_id for heard in all_]

    def _compare(self, heard: Packet, topic: str, qos: int, *, dup: bool) -> None:
        expect_equal((topic, qos), (heard.topic, heard.qos), f"topic and QoS of {heard}")
        expect_equal(dup, heard.dup, f"DUP of {heard}")
