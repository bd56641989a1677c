"""Messages that are published, and who receives them."""

from __future__ import annotations

import contextlib
from collections import Counter
from dataclasses import dataclass

from harmony import ByteSize, DriverError, UnsupportedError, expect_equal, parsers, step

from .contract import Message, Properties, Subscription
from .party import ROLE, Party, Seen
from .patience import PATIENCE, QUIET

QOS = "with QoS '(?P<qos>[012])'"
_REFUSED = 0x80
_TOGETHER = 20
"""Messages that a publisher has under way at once: every library takes so many."""


@dataclass
class Options:
    """What version 5 says of a subscription: a row of a table."""

    qos: int = 0
    no_local: bool = False
    retain_as_published: bool = False
    retain_handling: int = 0


@dataclass
class Attempt:
    """A message that may be more than a broker takes: a row of a table."""

    qos: int = 0
    size: int = 1
    retain: bool = False


@dataclass
class Texts:
    """What version 5 says beside a message: a row of a table; user properties are written as ``name=value, …``."""

    expiry: int | None = None
    content_type: str | None = None
    response_topic: str | None = None
    correlation: str | None = None
    user: str = ""

    def properties(self) -> Properties:
        """Return it as the contract has it."""
        pairs = [(name, value) for name, _, value in (pair.partition("=") for pair in self.user.split(", ") if pair)]
        correlation = None if self.correlation is None else self.correlation.encode().hex()
        return Properties(self.expiry, self.content_type, self.response_topic, correlation, pairs)


class SubscriptionSteps:
    """What a client asks a broker for."""

    def __init__(self, party: Party) -> None:
        self._party = party

    @step(parsers.re(rf"{ROLE} subscribes to '(?P<name>[^']+)' {QOS}"))
    async def subscribes(self, name: str, qos: int) -> None:
        """Subscribe, and see the QoS granted."""
        await self._subscribe([Subscription(name, qos)])

    @step(parsers.re(rf"{ROLE} subscribes to '(?P<name>[^']+)' with"))
    async def subscribes_with(self, name: str, datatable: Options) -> None:
        """Subscribe with what the table says."""
        await self._subscribe([Subscription(name, **vars(datatable))])

    @step(
        parsers.re(rf"{ROLE} subscribes to '(?P<name>[^']+)' {QOS} and to '(?P<other>[^']+)' with QoS '(?P<also>\d)'")
    )
    async def subscribes_to_two(self, name: str, qos: int, other: str, also: int) -> None:
        """Subscribe to two filters in one packet."""
        await self._subscribe([Subscription(name, qos), Subscription(other, also)])

    async def _subscribe(self, filters: list[Subscription]) -> None:
        granted = await self._party.driver.subscribe(filters)
        expect_equal(len(filters), len(granted), "how many reasons SUBACK has")
        for one, reason in zip(filters, granted, strict=True):
            # A broker may grant less, or refuse: then it is not asked what it would have done.
            if reason >= _REFUSED:
                raise UnsupportedError(f"the broker refuses the filter {one.filter!r} with reason {reason:#x}")
            if reason < one.qos:
                raise UnsupportedError(f"the broker grants QoS {reason} at most")
            expect_equal(one.qos, reason, f"the QoS granted for {one.filter!r}")

    @step(parsers.re(rf"{ROLE} unsubscribes from '(?P<name>[^']+)'"))
    async def unsubscribes(self, name: str) -> None:
        """Unsubscribe, and wait until that is acknowledged."""
        await self._party.driver.unsubscribe([name])


class PublishingSteps:
    """What a client publishes."""

    def __init__(self, party: Party) -> None:
        self._party = party

    @step(parsers.re(rf"{ROLE} publishes '(?P<text>[^']*)' to '(?P<topic>[^']+)' {QOS}"))
    async def publishes(self, text: str, topic: str, qos: int) -> None:
        """Publish, and wait until it is acknowledged."""
        await self._publish(topic, text.encode(), qos=qos)

    @step(parsers.re(rf"{ROLE} publishes '(?P<text>[^']*)' to '(?P<topic>[^']+)' {QOS} with"))
    async def publishes_with(self, text: str, topic: str, qos: int, datatable: Texts) -> None:
        """Publish with what the table says."""
        await self._publish(topic, text.encode(), qos=qos, properties=datatable.properties())

    @step(parsers.re(rf"{ROLE} publishes and retains '(?P<text>[^']*)' on '(?P<topic>[^']+)' {QOS}"))
    async def publishes_and_retains(self, text: str, topic: str, qos: int) -> None:
        """Publish with RETAIN. An empty text clears what is retained."""
        await self._publish(topic, text.encode(), qos=qos, retain=True)

    @step(parsers.re(rf"{ROLE} publishes to each of '(?P<topics>[^']+)' {QOS}"))
    async def publishes_to_each(self, topics: list[str], qos: int) -> None:
        """Publish to topics one after the other; each message is the name of its topic."""
        for topic in topics:
            await self._publish(topic, topic.encode(), qos=qos)

    @step(parsers.re(rf"{ROLE} publishes the numbers to '(?P<count>\d+)' to '(?P<topic>[^']+)' {QOS}"))
    async def publishes_numbers(self, count: int, topic: str, qos: int) -> None:
        """Publish messages one after the other, several of which are under way at once."""
        for number in range(1, count + 1):
            wait = number % _TOGETHER == 0 or number == count
            await self._publish(topic, str(number).encode(), qos=qos, wait=wait)

    @step(parsers.re(rf"{ROLE} publishes '(?P<size>[^']+)' of 'x' to '(?P<topic>[^']+)' {QOS}"))
    async def publishes_size(self, size: ByteSize, topic: str, qos: int) -> None:
        """Publish a payload of so many bytes."""
        await self._publish(topic, b"x", repeat=size, qos=qos)

    @step(parsers.re(rf"{ROLE} tries to publish to '(?P<topic>[^']+)' with"))
    async def tries_to_publish(self, topic: str, datatable: Attempt) -> None:
        """Publish what a broker has said that it does not take: the library may refuse, do less, or leave."""
        with contextlib.suppress(DriverError):
            await self._publish(topic, b"x", qos=datatable.qos, repeat=datatable.size, retain=datatable.retain)

    async def _publish(
        self,
        topic: str,
        payload: bytes,
        *,
        qos: int,
        repeat: int = 1,
        retain: bool = False,
        wait: bool = True,
        properties: Properties | None = None,
    ) -> None:
        reason = await self._party.driver.publish(
            topic, payload.hex(), repeat=repeat, qos=qos, retain=retain, wait=wait, properties=properties
        )
        if reason is not None and reason >= _REFUSED:
            expect_equal(0, reason, "the reason of the acknowledgement")


class ReceivingSteps:
    """What a client receives."""

    def __init__(self, party: Party) -> None:
        self._party = party

    @step(parsers.re(rf"{ROLE} should receive '(?P<text>[^']*)' on '(?P<topic>[^']+)' {QOS}"))
    async def should_receive(self, text: str, topic: str, qos: int) -> None:
        """Take the next message, and compare topic, payload and QoS."""
        self._compare(await self._next(), text.encode(), topic, qos)

    @step(parsers.re(rf"{ROLE} should receive '(?P<text>[^']*)' on '(?P<topic>[^']+)' {QOS} as retained"))
    async def should_receive_retained(self, text: str, topic: str, qos: int) -> None:
        """Take the next message, which has RETAIN."""
        message = await self._next()
        self._compare(message, text.encode(), topic, qos)
        expect_equal(True, message.retain, "RETAIN")

    @step(parsers.re(rf"{ROLE} should receive '(?P<text>[^']*)' on '(?P<topic>[^']+)' {QOS} as new"))
    async def should_receive_new(self, text: str, topic: str, qos: int) -> None:
        """Take the next message, which has no RETAIN."""
        message = await self._next()
        self._compare(message, text.encode(), topic, qos)
        expect_equal(False, message.retain, "RETAIN")

    @step(parsers.re(rf"{ROLE} should receive '(?P<size>[^']+)' of 'x' on '(?P<topic>[^']+)' {QOS}"))
    async def should_receive_size(self, size: ByteSize, topic: str, qos: int) -> None:
        """Take the next message, and compare all of its bytes."""
        message = await self._next()
        expect_equal(size, message.size, "the size of the payload")
        self._compare(message, b"x" * size, topic, qos)

    @step(parsers.re(rf"{ROLE} should receive '(?P<text>[^']*)' on '(?P<topic>[^']+)' {QOS} with"))
    async def should_receive_with(self, text: str, topic: str, qos: int, datatable: Texts) -> None:
        """Take the next message, and compare what stands beside it; the expiry is what is left at most."""
        message = await self._next()
        self._compare(message, text.encode(), topic, qos)
        expected, seen = datatable.properties(), message.properties
        if expected.expiry is not None:
            within = seen.expiry is not None and 0 < seen.expiry <= expected.expiry
            expect_equal(
                f"1 to {expected.expiry}", seen.expiry if not within else f"1 to {expected.expiry}", "the expiry"
            )
        told = {name: value for name, value in vars(expected).items() if name != "expiry"}
        expect_equal(told, {name: _plain(getattr(seen, name)) for name in told}, "the properties")

    @step(
        parsers.re(
            rf"{ROLE} should receive '(?P<text>[^']*)' on '(?P<topic>[^']+)' {QOS}, or twice with QoS '(?P<less>\d)'"
        )
    )
    async def should_receive_at_highest(self, text: str, topic: str, qos: int, less: int) -> None:
        """Take a message of which there may be one copy for each filter, one of them with the highest QoS."""
        first = await self._next()
        # A copy with less may come before the one that matters.
        rest = await self._party.take(1, quiet=QUIET if first.qos == qos else PATIENCE)
        copies = [first, *rest]
        for message in copies:
            expect_equal(Seen.sent(topic, text.encode()), Seen.of(message), "the message")
        found = sorted((message.qos for message in copies), reverse=True)
        expect_equal([qos] if len(found) == 1 else [qos, less], found, "the QoS of the copies")

    @step(parsers.re(rf"{ROLE} should receive the numbers to '(?P<count>\d+)' on '(?P<topic>[^']+)' {QOS}"))
    async def should_receive_numbers(self, count: int, topic: str, qos: int) -> None:
        """Take as many messages as were published, and compare their order."""
        messages = await self._party.take(count)
        numbers = [bytes.fromhex(message.head).decode("utf-8", "replace") for message in messages]
        expect_equal([str(number) for number in range(1, count + 1)], numbers, "the numbers, in their order")
        expect_equal({(topic, qos)}, {(message.topic, message.qos) for message in messages}, "topic and QoS of all")

    @step(parsers.re(rf"{ROLE} should receive on each of '(?P<topics>[^']+)' {QOS}"))
    async def should_receive_on_each(self, topics: list[str], qos: int) -> None:
        """Take one message for each topic, in any order, each of which is the name of its topic."""
        messages = await self._party.take(len(topics))
        expected = Counter((Seen.sent(topic, topic.encode()), qos) for topic in topics)
        seen = Counter((Seen.of(message), message.qos) for message in messages)
        expect_equal(sorted(topics), sorted(message.topic for message in messages), "the topics")
        expect_equal(expected, seen, "the messages")

    @step(parsers.re(rf"{ROLE} should receive its part of the '(?P<count>\d+)' numbers"))
    async def should_receive_part(self, count: int) -> None:
        """Take the numbers that come, which are not those of another member."""
        await self._take_part(count, QUIET)

    @step(parsers.re(rf"{ROLE} should receive what is left of the '(?P<count>\d+)' numbers"))
    async def should_receive_rest(self, count: int) -> None:
        """Take what nobody has yet, if it comes here."""
        if len(self._party.told_numbers()) < count:
            await self._take_part(count, PATIENCE)

    @step(parsers.re(rf"{ROLE} should receive what is left of the '(?P<count>\d+)' numbers, so that each came once"))
    async def should_complete(self, count: int) -> None:
        """Take what nobody has yet, and see that each number was at one member."""
        await self._take_part(count, PATIENCE if len(self._party.told_numbers()) < count else QUIET)
        expected = [str(number) for number in range(1, count + 1)]
        expect_equal(expected, sorted(self._party.told_numbers(), key=int), "the numbers that all members have")

    async def _take_part(self, count: int, quiet: float) -> None:
        messages = await self._party.take(count, quiet=quiet)
        self._party.tell_numbers([bytes.fromhex(message.head).decode("utf-8", "replace") for message in messages])

    @step(parsers.re(rf"{ROLE} should receive no more"))
    async def should_receive_no_more(self) -> None:
        """See that nothing comes for a while."""
        messages = await self._party.take(1, quiet=QUIET)
        expect_equal([], [_line(message) for message in messages], "what comes then")

    async def _next(self) -> Message:
        messages = await self._party.take(1)
        expect_equal(1, len(messages), "how many messages come")
        return messages[0]

    def _compare(self, message: Message, payload: bytes, topic: str, qos: int) -> None:
        if Seen.of(message) != Seen.sent(topic, payload):
            expect_equal((topic, payload[:64].hex()), (message.topic, message.head), "topic and payload")
            expect_equal(Seen.sent(topic, payload), Seen.of(message), "all of the payload")
        expect_equal(qos, message.qos, f"the QoS of {topic!r}")


def _plain(value: object) -> object:
    return [tuple(pair) for pair in value] if isinstance(value, list) else value


def _line(message: Message) -> str:
    flags = f"qos={message.qos} retain={message.retain} dup={message.dup}"
    return f"{message.topic} {flags} {message.size} bytes {message.head}"
