"""The network between two roles, and what can be done to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from harmony.model import NetworkEvent, NetworkKind
from harmony.network.conditions import Conditions
from harmony.network.connection import How
from harmony.network.link_state import LinkState
from harmony.network.moments import Match, Moment, called, fits
from harmony.network.stream import Splitter
from harmony.network.trace import NetworkError
from harmony.steps.waiting import NotObservedError

T = TypeVar("T")
_LAST_SHOWN = 5


class Link:
    """The network between two roles: one for each pair of them, whoever connects, and as often as they do.

    A fault holds from now on, or from the moment on that is said with `at`; for the connections that there are and
    those that come, if it does not end them. `sender` is the role whose bytes it is about; without it, both.

    Args:
        state: Of the link.
        loop: That it belongs to.
    """

    def __init__(self, state: LinkState, loop: asyncio.AbstractEventLoop) -> None:
        self._state = state
        self._loop = loop

    @property
    def roles(self) -> tuple[str, str]:
        """The two roles."""
        return self._state.roles

    @property
    def trace(self) -> Sequence[NetworkEvent]:
        """What has been seen and done on this link, the first and the last of it."""
        return [event for event in self._state.trace.events() if event.link == str(self._state)]

    async def way(self, client: str, target: tuple[str, int], splitter: Callable[[], Splitter] | None = None) -> int:
        """Return the port at which a role reaches the other one, who listens at the target.

        Raises:
            NetworkError: The harness cannot listen there.
            NoPortError: No port is free.
        """
        return await self._on_loop(lambda: self._state.way(client, target, splitter))

    async def cut(self, at: Moment | None = None) -> None:
        """Close every connection in both directions, as if each end had closed it."""
        await self._end("cut", at, How.CUT)

    async def reset(self, at: Moment | None = None) -> None:
        """Reset every connection: both ends learn it at once."""
        await self._end("reset", at, How.RESET)

    async def half_open(self, gone: str, at: Moment | None = None) -> None:
        """Reset one role's end of every connection, of which the other role learns nothing; new ones are whole."""
        self._senders(gone)
        await self._on_connections(f"half open, {gone!r} is gone", at, lambda: self._state.half_open(gone))

    async def hold(self, sender: str | None = None, at: Moment | None = None) -> None:
        """Keep what is sent; connections stay open."""

        def change(now: Conditions) -> None:
            now.held = True

        await self._alter("held", sender, at, change)

    async def release(self, sender: str | None = None, at: Moment | None = None) -> None:
        """Let what was held go on, in order."""

        def change(now: Conditions) -> None:
            now.held = False

        await self._alter("released", sender, at, change)

    async def drop(self, sender: str | None = None, at: Moment | None = None) -> None:
        """Lose what is sent, also that a role closes or resets: a black hole."""

        def change(now: Conditions) -> None:
            now.lost = True

        await self._alter("a black hole", sender, at, change)

    async def delay(self, seconds: float, sender: str | None = None, at: Moment | None = None) -> None:
        """Have what is sent arrive later, in order."""
        if not 0 <= seconds < float("inf"):
            raise NetworkError(f"a network cannot be late by {seconds:g} s", hint="say 0 or more")

        def change(now: Conditions) -> None:
            now.delay = seconds

        await self._alter(f"late by {seconds:g} s", sender, at, change)

    async def throttle(self, rate: float, sender: str | None = None, at: Moment | None = None) -> None:
        """Have no more than some bytes per second pass, in each direction of each connection."""
        if not 0 < rate < float("inf"):
            raise NetworkError(f"a network cannot pass {rate:g} bytes per second", hint="say more than 0, or hold it")

        def change(now: Conditions) -> None:
            now.rate = rate

        await self._alter(f"slow, {rate:g} bytes per second", sender, at, change)

    async def corrupt(
        self, sender: str, packet: Match | None = None, *, offset: int | None = None, bit: int | None = None
    ) -> None:
        """Flip one bit of what a role sends; where nothing is said, the seed of the scenario says which.

        Args:
            sender: Which role.
            packet: In the first packet that fits. Without one, bytes are counted from now on.
            offset: Of the byte, from 0 on; if absent, any of the packet, or else one of the next 16.
            bit: Of the byte, from 0 on, which is the lowest.
        """
        self._senders(sender)
        if (offset is not None and offset < 0) or bit not in {None, *range(8)}:
            raise NetworkError(f"there is no bit {bit} of byte {offset}", hint="bytes begin with 0, bits are 0 to 7")
        await self._on_loop(lambda: self._state.corrupt(sender, packet, offset, bit))

    async def refuse(self, at: Moment | None = None) -> None:
        """Refuse new connections; those that there are go on."""
        await self._on_loop(lambda: self._state.fault("closed to new connections", at, self._state.refuse))

    async def restore(self) -> None:
        """End every fault, also those whose moment has not come. What a connection has lost, it never gets again."""
        await self._on_loop(lambda: self._state.fault("as before", None, self._state.calm))

    async def until(
        self, packet: Match, sender: str | None = None, *, timeout: float = 5.0, since: NetworkEvent | None = None
    ) -> NetworkEvent:
        """Wait until a packet is seen, or what else a function takes; return it.

        Args:
            packet: A text that stands in the packet's line, or a function that takes any event of this link.
            sender: Of which role; of any, if absent.
            timeout: Seconds.
            since: Only what came after this event counts; if absent, all that has been seen.

        Raises:
            NotObservedError: It was not seen in time; says what was seen last.
        """
        self._senders(sender)

        def wanted(event: NetworkEvent) -> bool:
            if event.link != str(self._state) or sender not in {None, event.sender}:
                return False
            return fits(packet, event) and (callable(packet) or event.kind is NetworkKind.PACKET)

        what = f"has carried no packet {called(packet)}{f' of {sender!r}' if sender else ''}"
        return await self._seen(wanted, 0 if since is None else since.number + 1, timeout, what)

    def refute(self, packet: Match, sender: str | None = None) -> None:
        """Check that a packet has not been seen.

        Raises:
            NetworkError: It has; or so much has been seen that nobody knows.
        """
        self._senders(sender)
        for event in self.trace:
            if event.kind is NetworkKind.PACKET and sender in {None, event.sender} and fits(packet, event):
                raise NetworkError(f"{self._state.between} has carried {called(packet)}: {event.at} {event}")
        if self._state.trace.left_out:
            raise NetworkError(f"{self._state.between} has carried too much to say that there was no {called(packet)}")

    async def struck(self, *, timeout: float = 5.0) -> None:
        """Wait until every fault with a moment has happened.

        Raises:
            NotObservedError: One has not, in time.
        """
        if waiting := list(self._state.waiting):
            what = f"was not {'; nor '.join(f'{one.what}, {one.moment}' for one in waiting)}"
            await self._seen(lambda _: not self._state.waiting, 0, timeout, what)

    async def _seen(
        self, wanted: Callable[[NetworkEvent], bool], since: int, timeout: float, what: str
    ) -> NetworkEvent:
        async def work() -> NetworkEvent:
            async with asyncio.timeout(timeout):
                return await self._state.trace.wait(wanted, since)

        try:
            return await self._there(work())
        except TimeoutError:
            last = "\n".join(f"    {event.at} {event}" for event in self.trace[-_LAST_SHOWN:]) or "    nothing"
            text = f"{self._state.between} {what} within {timeout:g} s; seen last:\n{last}"
            raise NotObservedError(text, hint="wait longer, or look at what should have sent it") from None

    async def _end(self, what: str, at: Moment | None, how: How) -> None:
        ends = [one.task for one in self._state.connections] if at is None else []
        await self._on_connections(what, at, lambda: self._state.end(how))

        async def ended() -> None:
            await asyncio.wait(ends)

        if ends:
            await self._there(ended())

    async def _on_connections(self, what: str, at: Moment | None, act: Callable[[], None]) -> None:
        def begin() -> None:
            if at is None:
                self._state.require_connection(what)
            self._state.fault(what, at, act)

        await self._on_loop(begin)

    async def _alter(
        self, what: str, sender: str | None, at: Moment | None, change: Callable[[Conditions], None]
    ) -> None:
        senders = self._senders(sender)
        whose = f"{what}, what {sender!r} sends" if sender is not None else what
        await self._on_loop(lambda: self._state.fault(whose, at, lambda: self._state.alter(senders, change)))

    def _senders(self, sender: str | None) -> tuple[str, ...]:
        if sender is None:
            return self.roles
        if sender not in self.roles:
            raise NetworkError(f"{sender!r} is at neither end of {self._state.between}", hint="name one of the two")
        return (sender,)

    async def _on_loop(self, function: Callable[[], T]) -> T:
        async def work() -> T:
            return function()

        return await self._there(work())

    async def _there(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something on the loop that the link belongs to, from whichever loop."""
        if asyncio.get_running_loop() is self._loop:
            return await work
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))
