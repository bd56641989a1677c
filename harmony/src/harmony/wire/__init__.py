"""What crosses a pipe: framing, JSON-RPC, and the two contracts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harmony.lazy import loaded

if TYPE_CHECKING:
    from harmony.wire.driver import DEFAULT_TIMEOUT as DEFAULT_TIMEOUT
    from harmony.wire.driver import GRACE as GRACE
    from harmony.wire.driver_contract import DRIVER_ERROR as DRIVER_ERROR
    from harmony.wire.driver_contract import Verb as Verb
    from harmony.wire.jsonrpc import ErrorResponse as ErrorResponse

_PUBLIC = {
    "harmony.wire.driver": ("DEFAULT_TIMEOUT", "GRACE"),
    "harmony.wire.driver_contract": ("DRIVER_ERROR", "Verb"),
    "harmony.wire.jsonrpc": ("ErrorResponse",),
}
__all__ = sorted(name for names in _PUBLIC.values() for name in names)  # noqa: PLE0605 - it is a list of names


def __getattr__(name: str) -> Any:
    return loaded(__name__, _PUBLIC, name)
