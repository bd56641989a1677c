"""A peer that speaks the contract by hand, byte by byte: the tests' own client, independent of harmony's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from harmony.process.system import FORM_VARIABLE

WORKERS = Path(__file__).with_name("workers")
TOY = WORKERS / "toy_worker.py"
INITIALIZE = {"Role": "reader", "Platform": "toy", "Scenario": "s", "HostPid": 41, "FeatureId": 2, "TestRunId": "41_2"}


def environment(**extra: str) -> dict[str, str]:
    env = {key: value for key, value in os.environ.items() if not key.startswith("HARMONY_") or key == FORM_VARIABLE}
    return {**env, **extra}


def frame(body: bytes | dict[str, Any] | list[Any]) -> bytes:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return b"Content-Length: %d\r\n\r\n%b" % (len(data), data)


def call(identity: int, method: str, params: Any = None) -> dict[str, Any]:
    message: dict[str, Any] = {"jsonrpc": "2.0", "id": identity, "method": method}
    return message if params is None else {**message, "params": params}


def step(identity: int, text: str, kind: Any = 1, **extra: Any) -> dict[str, Any]:
    fields = {
        "Process": "reader",
        "StepType": kind,
        "Step": text,
        "Parameters": {},
        "Context": {},
        "IsBroadcast": False,
    }
    return call(identity, "executeStep", [{**fields, **extra}])


class Peer:
    """A worker process and the hand-made conversation with it. Every read has a deadline."""

    def __init__(self, command: list[str] | None = None, *, toy: dict[str, Any] | None = None, **env: str) -> None:
        self.process = subprocess.Popen(
            command or [sys.executable, str(TOY)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(TOY=json.dumps(toy or {}), **env),
            cwd=WORKERS,
        )
        assert self.process.stdout is not None
        os.set_blocking(self.process.stdout.fileno(), False)
        self._buffer = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.process.kill()
        self.process.communicate(timeout=10)

    def write(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def send(self, *messages: Any) -> None:
        self.write(b"".join(frame(message) for message in messages))

    def receive(self, timeout: float = 60.0) -> Any:
        """Return the next message, read with the strictness of the peers in the field."""
        deadline = time.monotonic() + timeout
        while True:
            head, separator, rest = self._buffer.partition(b"\r\n\r\n")
            if separator:
                assert head.startswith(b"Content-Length: "), head
                length = int(head.removeprefix(b"Content-Length: "))
                if len(rest) >= length:
                    self._buffer = rest[length:]
                    return json.loads(rest[:length].decode("utf-8"))
            self._more(deadline)

    def ask(self, message: dict[str, Any], timeout: float = 60.0) -> Any:
        self.send(message)
        answer = self.receive(timeout)
        assert answer["id"] == message["id"], answer
        return answer

    def begin(self) -> None:
        assert self.ask(call(9001, "initialize", [INITIALIZE]))["result"] is True

    def silence(self, seconds: float = 0.3) -> bytes:
        """Return what comes within a time in which nothing should."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                self._more(deadline)
            except TimeoutError:
                break
        return self._buffer

    def end(self, timeout: float = 30.0) -> tuple[int, float]:
        """Wait for the end of the process; return its code and how long that took."""
        began = time.monotonic()
        return self.process.wait(timeout), time.monotonic() - began

    def _more(self, deadline: float) -> None:
        assert self.process.stdout is not None
        while time.monotonic() < deadline:
            data = self.process.stdout.read(65536)
            if data:
                self._buffer += data
                return
            if data == b"":
                raise EOFError(f"the worker closed its stdout; unread: {self._buffer!r}")
            time.sleep(0.002)
        raise TimeoutError(f"nothing more to read; so far: {self._buffer!r}")


def until(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    """Wait for what comes without notice; say whether it has come."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
