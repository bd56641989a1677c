"""Speaking to a driver byte by byte."""

from __future__ import annotations

import itertools
import json
import queue
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Self

from harmony.wire import framing
from step_definitions.port import CONTRACT
from tests.drivers.subject import PATIENCE

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
REFUSED: Final = -32000
ENDS_WITHIN: Final = 5.0  # the contract says one second; more is a bound on a hang, not a measure


class Conversation:
    """Speaks to a driver byte by byte, and hears everything that it says."""

    def __init__(self, words: Sequence[str]) -> None:
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.said: list[bytes] = []
        """What came on stderr."""
        self._answers: queue.Queue[dict[str, Any]] = queue.Queue()
        self._held: dict[Any, dict[str, Any]] = {}
        self._numbers = itertools.count(1)
        self._listeners = [threading.Thread(target=listen, daemon=True) for listen in (self._hear, self._overhear)]
        for listener in self._listeners:
            listener.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self.close()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        finally:
            self.process.wait()
            for listener in self._listeners:
                listener.join(PATIENCE)
            for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
                assert stream is not None
                with suppress(OSError):
                    stream.close()

    def say(self, data: bytes) -> None:
        """Send bytes as they are."""
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def send(self, verb: str, identifier: Any = None, **params: Any) -> Any:
        """Send a request, and return its number."""
        number = next(self._numbers) if identifier is None else identifier
        params.setdefault("timeout", PATIENCE)
        self.say(message({"jsonrpc": "2.0", "id": number, "method": verb, "params": [params]}))
        return number

    def answer(self, number: Any, patience: float | None = None) -> dict[str, Any]:
        """Wait for the answer to a request, or to none (``null``)."""
        patience = PATIENCE if patience is None else patience
        deadline = time.monotonic() + patience
        while number not in self._held:
            try:
                heard = self._answers.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"no answer to {number} within {patience} s") from None
            assert "noise" not in heard, f"this is no message: {heard['noise']}"
            assert heard.get("jsonrpc") == "2.0"
            assert heard.keys() in ({"jsonrpc", "id", "result"}, {"jsonrpc", "id", "error"})
            assert heard["id"] not in self._held, f"answered twice: {heard}"
            self._held[heard["id"]] = heard
        return self._held.pop(number)

    def ask(self, verb: str, **params: Any) -> Any:
        """Perform a verb; its result must be as the contract says, to the letter."""
        heard = self.answer(self.send(verb, **params))
        assert "result" in heard, f"{verb}: {heard.get('error')}"
        assert CONTRACT.verbs[verb].problems(heard["result"]) == []
        return heard["result"]

    def refused(self, verb: str, code: int, **params: Any) -> dict[str, Any]:
        """Perform a verb that is refused with a code; return the error."""
        return refusal(self.answer(self.send(verb, **params)), code)

    def code(self, verb: str, **params: Any) -> str:
        """Perform a verb that the implementation refuses; return the canonical code."""
        return str(self.refused(verb, REFUSED, **params)["data"]["code"])

    def close(self) -> None:
        """Close its stdin."""
        assert self.process.stdin is not None
        self.process.stdin.close()

    def ended(self) -> int:
        """Wait for its end by itself, and return the status."""
        return self.process.wait(ENDS_WITHIN)

    def silent(self) -> bool:
        """Whether nothing that was heard is left, once it has ended."""
        for listener in self._listeners:
            listener.join(PATIENCE)
        return self._answers.empty() and not self._held

    def _hear(self) -> None:
        decoder = framing.FrameDecoder()
        stream = self.process.stdout
        assert stream is not None
        while data := stream.read1(1 << 16):  # type: ignore[attr-defined]
            for item in decoder.feed(data):
                if isinstance(item, framing.Frame):
                    self._answers.put(json.loads(item.body))
                else:
                    self._answers.put({"noise": item.detail})

    def _overhear(self) -> None:
        assert self.process.stderr is not None
        self.said.extend(self.process.stderr)


def message(content: Any) -> bytes:
    """Frame a message."""
    return framing.encode(json.dumps(content).encode())


def refusal(heard: Mapping[str, Any], *codes: int) -> dict[str, Any]:
    """See an answer refuse with one of some codes, in the form that the contract gives to it; return the error."""
    error = heard.get("error")
    assert error is not None, f"not refused: {heard}"
    assert error["code"] in codes, error
    assert isinstance(error["message"], str)
    assert error["message"]
    if error["code"] == REFUSED:
        assert CONTRACT.error_problems(REFUSED, error["data"]) == []
    return dict(error)


def most_memory(pid: int) -> int:
    """The most memory that a process has had so far, in bytes."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return 1024 * next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
