"""What the network between two roles has carried, packet by packet."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from drivers.wire.packets import V4, BrokenRuleError, Kind, Packet
from drivers.wire.reading import Splitter, decode

from harmony import ScenarioStart, expect_equal, parsers, step
from harmony.network import Link, Network, NetworkEvent, NetworkKind

from .patience import GENEROUS

_PAIR = r"the network between the '(?P<one>[^']+)' and the '(?P<other>[^']+)'"
_MALFORMED = "malformed"
_OF_PUBLISH = frozenset({0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99})
_OF_AN_IDENTIFIER = frozenset({0x00, 0x92})
_REASONS = {"PUBACK": _OF_PUBLISH, "PUBREC": _OF_PUBLISH, "PUBREL": _OF_AN_IDENTIFIER, "PUBCOMP": _OF_AN_IDENTIFIER}


class Packets:
    """Cuts what one connection carries into packets, and tells each in a line."""

    def __init__(self) -> None:
        self._version = V4

    def __call__(self, data: bytes, sender: str) -> tuple[int, str] | None:
        """Return how long the first packet is, and its line."""
        del sender
        try:
            found = Splitter().head(data)
        except BrokenRuleError as error:
            return len(data), f"{_MALFORMED}: {error}"
        if found is None or len(data) < found[1] + found[2]:
            return None
        first, start, length = found
        try:
            packet = decode(first, data[start : start + length], self._version)
        except BrokenRuleError as error:
            kind = Kind(first >> 4).name if first >> 4 else "type 0"
            return start + length, f"{_MALFORMED} {kind}: {error}"
        if packet.kind is Kind.CONNECT:
            self._version = packet.version
        return start + length, str(packet)


@dataclass
class Limits:
    """What a PUBLISH may be at most: a row of a table, in which an empty place stands for no limit."""

    qos: int | None = None
    retain: bool | None = None
    size: int | None = None
    alias: int | None = None

    def broken(self, one: Carried) -> bool:
        """Return whether a message is beyond them."""
        packet, alias = one.packet, one.packet.properties.get("alias")
        return (
            (self.qos is not None and packet.qos > self.qos)
            or (self.retain is False and packet.retain)
            or (self.size is not None and len(one.event.data) > self.size)
            or (self.alias is not None and alias is not None and alias > self.alias)
        )


@dataclass(frozen=True)
class Carried:
    """A packet that a link has carried."""

    event: NetworkEvent
    packet: Packet


def carried(link: Link) -> list[Carried]:
    """Return the packets of a link that are whole and well-formed."""
    versions: dict[int, int] = {}
    found: list[Carried] = []
    for event in link.trace:
        head = Splitter().head(event.data) if event.kind is NetworkKind.PACKET else None
        if head is None or event.text.startswith(_MALFORMED):
            continue
        first, start, length = head
        packet = decode(first, event.data[start : start + length], versions.get(event.connection, V4))
        if packet.kind is Kind.CONNECT:
            versions[event.connection] = packet.version
        found.append(Carried(event, packet))
    return found


class TraceSteps:
    """What has been seen on the way between two roles."""

    def __init__(self, network: Network, start: ScenarioStart) -> None:
        self._network = network
        self._patience = start.patience(GENEROUS)

    @step(parsers.re(rf"{_PAIR} should have carried '(?P<topic>[^']+)' again, marked and under the same identifier"))
    async def should_have_carried_again(self, one: str, other: str, topic: str) -> None:
        """See that a message went twice, over two connections."""
        first, again = await self._until(one, other, lambda all_: _first_of_each(all_, one, topic), 2)
        expect_equal(False, first.packet.dup, f"DUP of {first.packet}")
        expect_equal(True, again.packet.dup, f"DUP of {again.packet}")
        expect_equal(first.packet.packet_id, again.packet.packet_id, f"the identifier of {again.packet}")

    @step(parsers.re(rf"{_PAIR} should have carried '(?P<topic>[^']+)' once, and then its PUBREL"))
    async def should_have_released(self, one: str, other: str, topic: str) -> None:
        """See that a message of which PUBREC has come is released over the next connection, and not published again."""
        (first, *_) = await self._until(one, other, lambda all_: _first_of_each(all_, one, topic), 1)
        number = first.packet.packet_id
        await self._until(one, other, lambda all_: _after(all_, first, Kind.PUBREL, one, number), 1)
        published = _first_of_each(carried(self._network.between(one, other)), one, topic)
        expect_equal([str(first.packet)], [str(one.packet) for one in published], f"what was published of {topic!r}")

    @step(
        parsers.re(
            rf"{_PAIR} should have carried (?P<kind>PUBACK|PUBREC|PUBCOMP) of the '(?P<sender>[^']+)'"
            rf" for each '(?P<topic>[^']+)', in their order"
        )
    )
    async def should_have_acknowledged(self, one: str, other: str, kind: str, sender: str, topic: str) -> None:
        """See that each message is answered, in the order in which they came."""
        link = self._network.between(one, other)
        asked = [each.packet.packet_id for each in carried(link) if _publishes(each, topic)]
        answers = await self._until(one, other, lambda all_: _answers(all_, kind, sender), len(asked))
        expect_equal(asked, [each.packet.packet_id for each in answers], f"the identifiers of {kind}")

    @step(
        parsers.re(
            rf"{_PAIR} should have carried (?P<kind>{'|'.join(_REASONS)}) of the '(?P<sender>[^']+)'"
            " with a reason that there is"
        )
    )
    async def should_have_given_reason(self, one: str, other: str, kind: str, sender: str) -> None:
        """Compare the reason of version 5 with those that such a packet may have."""
        (first, *_) = await self._until(one, other, lambda all_: _answers(all_, kind, sender), 1)
        known = first.packet.reason in _REASONS[kind]
        expect_equal(True, known, f"whether its reason is one of the table: {first.packet}")

    @step(parsers.re(rf"{_PAIR} should have carried each '(?P<topic>[^']+)' as new, under an unused identifier"))
    async def should_have_begun(self, one: str, other: str, topic: str) -> None:
        """See that DUP is not set, and that no identifier is used again while its message is under way."""
        used: set[int] = set()
        link = self._network.between(one, other)
        expect_equal([], [event.text for event in link.trace if event.text.startswith(_MALFORMED)], "what is malformed")
        for each in carried(link):
            packet = each.packet
            if _publishes(each, topic):
                expect_equal(False, packet.dup, f"DUP of {packet}")
                if packet.qos:
                    expect_equal(False, packet.packet_id in used, f"whether the identifier is in use: {packet}")
                    used.add(packet.packet_id)
            elif packet.kind in {Kind.PUBACK, Kind.PUBCOMP}:
                used.discard(packet.packet_id)

    @step(parsers.re(rf"{_PAIR} should have carried PUBREL of the '(?P<sender>[^']+)' for each PUBREC, in their order"))
    async def should_have_released_each(self, one: str, other: str, sender: str) -> None:
        """See that messages of QoS 2 are released in the order in which they were acknowledged."""
        all_ = carried(self._network.between(one, other))
        due = [
            each.packet.packet_id for each in all_ if each.packet.kind is Kind.PUBREC and each.event.sender != sender
        ]
        released = await self._until(one, other, lambda seen: _answers(seen, "PUBREL", sender), len(due))
        expect_equal(due, [each.packet.packet_id for each in released], "the identifiers of PUBREL")

    @step(parsers.re(rf"{_PAIR} should have carried no PUBLISH of the '(?P<sender>[^']+)' beyond"))
    async def should_have_carried_none_beyond(self, one: str, other: str, sender: str, datatable: Limits) -> None:
        """See that no message that was sent is more than the other side takes."""
        all_ = carried(self._network.between(one, other))
        found = [str(each.packet) for each in all_ if _sent(each, Kind.PUBLISH, sender) and datatable.broken(each)]
        expect_equal([], found, f"what is beyond {datatable}")

    @step(
        parsers.re(
            rf"{_PAIR} should never have had more than '(?P<count>\d+)' messages of the '(?P<sender>[^']+)' under way"
        )
    )
    async def should_never_have_had_more(self, one: str, other: str, count: int, sender: str) -> None:
        """See that no more messages above QoS 0 were sent at once than the other side takes."""
        under_way: set[int] = set()
        for each in carried(self._network.between(one, other)):
            packet = each.packet
            if _sent(each, Kind.PUBLISH, sender) and packet.qos:
                under_way.add(packet.packet_id)
                expect_equal(True, len(under_way) <= count, f"whether {len(under_way)} may be under way: {packet}")
            elif each.event.sender != sender and packet.kind in {Kind.PUBACK, Kind.PUBCOMP}:
                under_way.discard(packet.packet_id)

    async def _until(
        self, one: str, other: str, find: Callable[[Sequence[Carried]], Sequence[Carried]], count: int
    ) -> Sequence[Carried]:
        """Return what is found once there are so many, or what there is when the time is over."""
        link = self._network.between(one, other)
        end = time.monotonic() + self._patience
        with contextlib.suppress(AssertionError):  # what is missing the caller says
            while len(find(carried(link))) < count:
                last = link.trace[-1] if link.trace else None
                await link.until(
                    lambda event: event.kind is NetworkKind.PACKET, timeout=max(0.1, end - time.monotonic()), since=last
                )
        found = find(carried(link))
        expect_equal(
            True, len(found) >= count, f"whether there are {count} of them: {[str(one.packet) for one in found]}"
        )
        return found


def _sent(one: Carried, kind: Kind, sender: str) -> bool:
    return one.event.sender == sender and one.packet.kind is kind


def _publishes(one: Carried, topic: str) -> bool:
    return one.packet.kind is Kind.PUBLISH and one.packet.topic == topic


def _first_of_each(all_: Sequence[Carried], sender: str, topic: str) -> Sequence[Carried]:
    """Return the first message on a topic of each connection."""
    found: dict[int, Carried] = {}
    for one in all_:
        if one.event.sender == sender and _publishes(one, topic):
            found.setdefault(one.event.connection, one)
    return list(found.values())


def _after(all_: Sequence[Carried], first: Carried, kind: Kind, sender: str, number: int) -> Sequence[Carried]:
    """Return the packets of a kind and an identifier that came over a later connection than another one."""
    return [
        one
        for one in all_
        if one.event.connection != first.event.connection
        and (one.packet.kind, one.event.sender, one.packet.packet_id) == (kind, sender, number)
    ]


def _answers(all_: Sequence[Carried], kind: str, sender: str) -> Sequence[Carried]:
    return [one for one in all_ if one.event.sender == sender and one.packet.kind.name == kind]
