"""The network between the roles of a scenario: a proxy that can disturb it, and tells what it carries.

What a project imports stands here; `harmony.network.steps` has sentences that it can include.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harmony.lazy import loaded

if TYPE_CHECKING:
    from harmony.model import NetworkEvent as NetworkEvent
    from harmony.model import NetworkKind as NetworkKind
    from harmony.network.link import Link as Link
    from harmony.network.moments import After as After
    from harmony.network.moments import AfterBytes as AfterBytes
    from harmony.network.moments import Armed as Armed
    from harmony.network.moments import Before as Before
    from harmony.network.scenario_network import Address as Address
    from harmony.network.scenario_network import Network as Network
    from harmony.network.stream import Splitter as Splitter
    from harmony.network.trace import NetworkError as NetworkError

_PUBLIC = {
    "harmony.model": ("NetworkEvent", "NetworkKind"),
    "harmony.network.link": ("Link",),
    "harmony.network.moments": ("After", "AfterBytes", "Armed", "Before"),
    "harmony.network.scenario_network": ("Address", "Network"),
    "harmony.network.stream": ("Splitter",),
    "harmony.network.trace": ("NetworkError",),
}
__all__ = sorted(name for names in _PUBLIC.values() for name in names)  # noqa: PLE0605 - it is a list of names


def __getattr__(name: str) -> Any:
    return loaded(__name__, _PUBLIC, name)
