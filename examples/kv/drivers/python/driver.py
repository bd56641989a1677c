"""A driver of KeyValue: its verbs, by the implementation in kv.py."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from harmony.driver_kit import Refused, serve

# isort: split
from contract import CODES, NAME, PROTOCOL
from kv import Client, Gone, Server


class Verbs:
    """What this implementation can do."""

    def __init__(self) -> None:
        self._port = 0
        self._client: Client | None = None
        self._watcher: Client | None = None

    def close_all(self) -> None:
        """Release what outlives the process: nothing."""

    def listen(self) -> int:
        return Server().port

    def connect(self, port: int) -> None:
        self._port = port
        with _refusing():
            self._client = Client(port)

    def set(self, key: str, value: str) -> None:
        self._ask(f"SET {key} {value}")

    def get(self, key: str) -> str | None:
        return _value(self._ask(f"GET {key}"))

    def delete(self, key: str) -> None:
        self._ask(f"DEL {key}")

    def expire(self, key: str, milliseconds: int) -> None:
        if self._ask(f"EXPIRE {key} {milliseconds}") == "NONE":
            raise Refused(CODES.MISSING, f"there is no {key!r} that could expire")

    def watch(self, key: str) -> None:
        with _refusing():
            self._watcher = Client(self._port)
            self._watcher.ask(f"WATCH {key}")

    def change(self) -> str | None:
        with _refusing():
            if self._watcher is None:
                raise Gone("nothing is watched: watch first")
            return _value(self._watcher.line())

    def _ask(self, request: str) -> str:
        with _refusing():
            if self._client is None:
                raise Gone("there is no connection: connect first")
            return self._client.ask(request)


@contextlib.contextmanager
def _refusing() -> Iterator[None]:
    """Say in a code of the contract what the implementation says in its own way."""
    try:
        yield
    except Gone as error:
        raise Refused(CODES.GONE, str(error)) from error


def _value(answer: str) -> str | None:
    kind, _, value = answer.partition(" ")
    return value if kind == "VALUE" else None


if __name__ == "__main__":
    serve(Verbs(), name=NAME, protocol=PROTOCOL)
