"""Sentences about the network between two roles. A project has them whose `steps` name this module.

They are performed in the process of harmony, wherever the roles are played.
"""

from __future__ import annotations

import re
from typing import Final

from harmony.network.link import Link
from harmony.network.moments import After, AfterBytes, Before, Moment
from harmony.network.scenario_network import Network
from harmony.spec.routing import ends_named_in
from harmony.steps import parsers
from harmony.steps.conversion import Duration
from harmony.steps.registry import step, then

_ROLE: Final = r"(?:(?:second|third|fourth|other) )?'[^']+'"
_LINK: Final = rf"the network between the (?P<one>{_ROLE}) and the (?P<other>{_ROLE})"
_SENDER: Final = rf"the (?P<sender>{_ROLE})"
_FROM: Final = rf"(?: from {_SENDER})?"
_PACKET: Final = (
    rf"(?P<order>before|after) (?:a|the) packet '(?P<packet>[^']+)'(?: from the (?P<packet_sender>{_ROLE}))?"
)
_BYTES: Final = rf"after '(?P<count>\d+)' bytes from the (?P<byte_sender>{_ROLE})"
_WHEN: Final = rf"(?P<when> (?:{re.sub('P<[a-z_]+>', ':', _PACKET)}|{re.sub('P<[a-z_]+>', ':', _BYTES)}))?"
_MOMENT: Final = re.compile(f" (?:{_PACKET}|{_BYTES})")


class NetworkSteps:
    """What happens to the network between two roles, and what it should have carried."""

    def __init__(self, network: Network) -> None:
        self._network = network

    @step(parsers.re(rf"{_LINK} is cut{_WHEN}"))
    async def cut(self, one: str, other: str, when: str | None = None) -> None:
        """Close every connection, as if each end had closed it."""
        await self._link(one, other).cut(_moment(when))

    @step(parsers.re(rf"{_LINK} is reset{_WHEN}"))
    async def reset(self, one: str, other: str, when: str | None = None) -> None:
        """Reset every connection."""
        await self._link(one, other).reset(_moment(when))

    @step(parsers.re(rf"{_LINK} is half open: {_SENDER} is gone{_WHEN}"))
    async def half_open(self, one: str, other: str, sender: str, when: str | None = None) -> None:
        """Have one end of every connection disappear, of which the other end learns nothing."""
        await self._link(one, other).half_open(_key(sender), _moment(when))

    @step(parsers.re(rf"{_LINK} holds everything{_FROM}{_WHEN}"))
    async def hold(self, one: str, other: str, sender: str | None = None, when: str | None = None) -> None:
        """Keep what is sent; connections stay open."""
        await self._link(one, other).hold(_key_or_none(sender), _moment(when))

    @step(parsers.re(rf"{_LINK} releases everything{_FROM}{_WHEN}"))
    async def release(self, one: str, other: str, sender: str | None = None, when: str | None = None) -> None:
        """Let go on what was held, in order."""
        await self._link(one, other).release(_key_or_none(sender), _moment(when))

    @step(parsers.re(rf"{_LINK} drops everything{_FROM}{_WHEN}"))
    async def drop(self, one: str, other: str, sender: str | None = None, when: str | None = None) -> None:
        """Lose what is sent, also that an end closes."""
        await self._link(one, other).drop(_key_or_none(sender), _moment(when))

    @step(parsers.re(rf"{_LINK} delays everything{_FROM} by '(?P<late>[^']+)'{_WHEN}"))
    async def delay(
        self, one: str, other: str, late: Duration, sender: str | None = None, when: str | None = None
    ) -> None:
        """Have what is sent arrive later, in order."""
        await self._link(one, other).delay(late, _key_or_none(sender), _moment(when))

    @step(parsers.re(rf"{_LINK} passes '(?P<rate>\d+)' bytes per second{_FROM}{_WHEN}"))
    async def throttle(
        self, one: str, other: str, rate: int, sender: str | None = None, when: str | None = None
    ) -> None:
        """Have no more pass than this, in each direction of each connection."""
        await self._link(one, other).throttle(rate, _key_or_none(sender), _moment(when))

    @step(parsers.re(rf"{_LINK} corrupts (?:a byte|byte '(?P<offset>\d+)') from {_SENDER}"))
    async def corrupt(self, one: str, other: str, sender: str, offset: int | None = None) -> None:
        """Flip a bit of what comes next, the seed says which."""
        await self._link(one, other).corrupt(_key(sender), offset=offset)

    @step(
        parsers.re(
            rf"{_LINK} corrupts (?:a byte|byte '(?P<offset>\d+)') of the packet '(?P<packet>[^']+)' from {_SENDER}"
        )
    )
    async def corrupt_packet(self, one: str, other: str, packet: str, sender: str, offset: int | None = None) -> None:
        """Flip a bit of the first packet that has this in its line, the seed says which."""
        await self._link(one, other).corrupt(_key(sender), packet, offset=offset)

    @step(parsers.re(rf"{_LINK} refuses connections{_WHEN}"))
    async def refuse(self, one: str, other: str, when: str | None = None) -> None:
        """Refuse new connections; those that there are go on."""
        await self._link(one, other).refuse(_moment(when))

    @step(parsers.re(rf"{_LINK} is as before"))
    async def restore(self, one: str, other: str) -> None:
        """End every fault."""
        await self._link(one, other).restore()

    @step(parsers.re(rf"{_LINK} carries a packet '(?P<packet>[^']+)'{_FROM} within '(?P<limit>[^']+)'"))
    async def carries(self, one: str, other: str, packet: str, limit: Duration, sender: str | None = None) -> None:
        """Wait until a packet is seen that has this in its line, if it has not been seen yet."""
        await self._link(one, other).until(packet, _key_or_none(sender), timeout=limit)

    @step(parsers.re(rf"{_LINK} is disturbed within '(?P<limit>[^']+)'"))
    async def disturbed(self, one: str, other: str, limit: Duration) -> None:
        """Wait until every fault with a moment has happened."""
        await self._link(one, other).struck(timeout=limit)

    @then(parsers.re(rf"{_LINK} should have carried no packet '(?P<packet>[^']+)'{_FROM}"))
    async def carried_none(self, one: str, other: str, packet: str, sender: str | None = None) -> None:
        """Look at all packets that have been seen."""
        self._link(one, other).refute(packet, _key_or_none(sender))

    def _link(self, one: str, other: str) -> Link:
        return self._network.between(_key(one), _key(other))


def _key(role: str) -> str:
    """Return the name of an actor, as a sentence names it: ``second 'client'``."""
    return ends_named_in(f"the network between the {role} and the {role}")[0].key


def _key_or_none(role: str | None) -> str | None:
    return None if role is None else _key(role)


def _moment(text: str | None) -> Moment | None:
    found = _MOMENT.fullmatch(text) if text else None
    if found is None:
        return None
    if found["count"] is not None:
        return AfterBytes(int(found["count"]), _key(found["byte_sender"]))
    sender = _key_or_none(found["packet_sender"])
    return (Before if found["order"] == "before" else After)(found["packet"], sender)
