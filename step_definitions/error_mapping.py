"""Maps the errors of a Python library to those of the port."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, Final

from harmony.wire import jsonrpc
from step_definitions.port import DriverError

_LATE: Final = {"timeout": "nothing more came", "buffer_full": "there was no space for more"}


@contextlib.contextmanager
def invalid_parameter(names: str) -> Iterator[None]:
    """Turn a ``ValueError`` that has no canonical code into the error for a wrong parameter."""
    try:
        yield
    except ValueError as error:
        if hasattr(error, "code"):
            raise
        raise jsonrpc.RpcError(jsonrpc.INVALID_PARAMS, f"{names}: {error}") from error


@contextlib.contextmanager
def mapped_errors() -> Iterator[None]:
    """Turn an error with a canonical code into the error of the port; a programming error has none and stays."""
    try:
        yield
    except DriverError:
        raise
    except Exception as error:
        code = getattr(error, "code", None)
        if not isinstance(code, str):
            raise
        raise DriverError(code, str(error), details_of(error)) from error


@contextlib.contextmanager
def series(count: Callable[[], int], timeout: float, what: str = "frames") -> Iterator[None]:
    """Let an error that ends a series tell how far it came, and the limit of all: the library knows only its rest.

    Args:
        count: Returns how far it came.
        timeout: The limit.
        what: What is counted.
    """
    try:
        yield
    except Exception as error:
        code = getattr(error, "code", None)
        if not isinstance(code, str):
            raise
        text, details = str(error), details_of(error)
        if code in _LATE:
            text, details = f"{_LATE[code]} within {timeout:g} s", {**details, "seconds": timeout}
        raise DriverError(code, f"after {count()} {what}: {text}", details) from error


def details_of(error: Exception) -> dict[str, Any]:
    """Return the values that an error carries beside its message."""
    values = getattr(error, "values", None) or getattr(error, "details", None) or {}
    return {key: value for key, value in values.items() if isinstance(value, str | int | float | bool)}
