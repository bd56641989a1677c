"""The network of one scenario: a link for each two roles, and what each role is given of it."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Callable, Collection
from typing import Final

from harmony.errors import UnsupportedError
from harmony.model import NetworkEvent, NetworkKind
from harmony.network.door import HOST
from harmony.network.link import Link
from harmony.network.link_state import LinkState
from harmony.network.stream import Splitter
from harmony.network.trace import NetworkError, Trace

_ELSEWHERE: Final = (
    "the network between roles belongs to the process of the harness, and this step runs in a worker: "
    "give the platform a driver, whose steps run in the harness"
)


class Address(str):
    """Where a role connects: ``127.0.0.1:12345``."""

    __slots__ = ()

    @property
    def host(self) -> str:
        """The part before the colon."""
        return self.rpartition(":")[0]

    @property
    def port(self) -> int:
        """The number behind it."""
        return int(self.rpartition(":")[2])


class ScenarioNetwork:
    """All links of a scenario. They belong to the loop that runs it.

    Args:
        run_id: Of the cell.
        seed: Of the cell.
        roles: Of the scenario.
    """

    def __init__(self, run_id: str, seed: int, roles: Collection[str]) -> None:
        self._owner = f"{run_id} network"
        self._seed = seed
        self._roles = tuple(roles)
        self._loop = asyncio.get_running_loop()
        self._trace = Trace()
        self._links: dict[tuple[str, str], LinkState] = {}

    def of(self, role: str) -> Network:
        """Return what an actor is given, by its name within the scenario; without one, what is nobody's."""
        return Network(self, role)

    def link(self, one: str, other: str) -> Link:
        """Return the network between two roles, whichever is named first.

        Raises:
            NetworkError: One is no role of this scenario, or both are the same.
        """
        for key in (one, other):
            if key.partition("#")[0] not in self._roles:
                raise NetworkError(f"{key!r} is no role of this scenario", hint=f"its roles: {', '.join(self._roles)}")
        if one == other:
            raise NetworkError(f"there is no network between {one!r} and itself", hint="name two roles")
        first, second = sorted((one, other))
        state = self._links.get((first, second))
        if state is None:
            state = LinkState((first, second), self._owner, self._seed, self._trace)
            state = self._links.setdefault((first, second), state)
        return Link(state, self._loop)

    def begins(self, step: str) -> None:
        """Note that a step begins."""
        self._trace.note(NetworkKind.STEP, step)

    def told(self) -> tuple[NetworkEvent, ...]:
        """Return what a report tells of it; nothing, if the network was not used."""
        return self._trace.told() if self._links else ()

    def complaints(self) -> list[str]:
        """Return why what the scenario says of the network may not have been so."""
        return [text for link in self._links.values() for text in link.complaints()]

    def abandon(self) -> None:
        """End all faults, so that roles can end in order."""
        for link in self._links.values():
            link.abandon()

    async def close(self) -> None:
        """End all connections, and give the ports back."""
        for link in self._links.values():
            await link.close()


class Network:
    """The network as a role has it. Ask for it in the constructor of a step class.

    Args:
        scenario: Of which scenario; without one, it is not to be had here.
        role: Whose.
    """

    def __init__(self, scenario: ScenarioNetwork | None = None, role: str = "") -> None:
        self._scenario = scenario
        self._role = role

    async def to(self, role: str, listens: str | int, *, splitter: Callable[[], Splitter] | None = None) -> Address:
        """Return where this role connects to reach another one, through the harness; always the same for both.

        Args:
            role: The other one.
            listens: Where it listens: a port, or ``127.0.0.1:12345``. Of connections from now on.
            splitter: Makes what knows the protocol, one for each connection, so that packets can be named.

        Raises:
            NetworkError: It is no role of this scenario, or the address is none of this machine's loopback.
            UnsupportedError: This step runs in a worker.
        """
        scenario = self._ready()
        if not self._role:
            raise NetworkError("a step that belongs to no role connects to nobody", hint="ask in a step of a role")
        link = scenario.link(self._role, role)
        return Address(f"{HOST}:{await link.way(self._role, target_of(listens), splitter)}")

    def between(self, one: str, other: str) -> Link:
        """Return the network between two roles, by name: ``client``, ``client#second``.

        Raises:
            NetworkError: One is no role of this scenario.
            UnsupportedError: This step runs in a worker.
        """
        return self._ready().link(one, other)

    def _ready(self) -> ScenarioNetwork:
        if self._scenario is None:
            raise UnsupportedError(_ELSEWHERE)
        return self._scenario


def target_of(listens: str | int) -> tuple[str, int]:
    """Return host and port of where somebody listens.

    Raises:
        NetworkError: It is no address of this machine's loopback.
    """
    host, _, number = f"{HOST}:{listens}".rpartition(":") if isinstance(listens, int) else listens.rpartition(":")
    host = host.strip("[]")
    try:
        at = ipaddress.ip_address(HOST if host == "localhost" else host)
        port = int(number)
    except ValueError:
        at, port = None, 0
    if at is None or not at.is_loopback or not 0 < port < 1 << 16:
        raise NetworkError(f"{listens!r} is no address of this machine's loopback", hint=f"such as {HOST}:12345")
    return str(at), port
