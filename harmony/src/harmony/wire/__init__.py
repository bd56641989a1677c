"""What crosses a pipe: framing, JSON-RPC, and the two contracts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harmony.lazy import loaded

if TYPE_CHECKING:
    from harmony.wire.driver import GRACE as GRACE
    from harmony.wire.driver_contract import DRIVER_ERROR as DRIVER_ERROR
    from harmony.wire.jsonrpc import ErrorResponse as ErrorResponse
    from harmony.wire.verb import DEFAULT_TIMEOUT as DEFAULT_TIMEOUT
    from harmony.wire.verb import Verb as Verb

_PUBLIC = {
    "harmony.wire.driver": ("GRACE",),
    "harmony.wire.driver_contract": ("DRIVER_ERROR",),
    "harmony.wire.jsonrpc": ("ErrorResponse",),
    "harmony.wire.verb": ("DEFAULT_TIMEOUT", "Verb"),
}
__all__ = sorted(name for names in _PUBLIC.values() for name in names)  # noqa: PLE0605 - it is a list of names


def __getattr__(name: str) -> Any:
    return loaded(__name__, _PUBLIC, name)
