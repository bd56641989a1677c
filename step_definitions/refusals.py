"""What a Python library raises, in the words of the port."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from harmony.wire import jsonrpc
from step_definitions.port import DriverError


@contextlib.contextmanager
def invalid(names: str) -> Iterator[None]:
    """Turn a value that cannot be used, and has no code of its own, into a wrong parameter."""
    try:
        yield
    except ValueError as error:
        if hasattr(error, "code"):
            raise
        raise jsonrpc.RpcError(jsonrpc.INVALID_PARAMS, f"{names}: {error}") from error


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Turn what a library raises into the error of the port; a programming error stays what it is."""
    try:
        yield
    except DriverError:
        raise
    except Exception as error:
        code = getattr(error, "code", None)
        if not isinstance(code, str):
            raise
        raise DriverError(code, str(error), values_of(error)) from error


def values_of(error: Exception) -> dict[str, Any]:
    """Return what an error tells beside its message."""
    values = getattr(error, "values", None) or getattr(error, "details", None) or {}
    return {key: value for key, value in values.items() if isinstance(value, str | int | float | bool)}
