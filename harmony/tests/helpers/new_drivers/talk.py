"""A conversation with a driver, byte by byte, with a deadline for everything."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from harmony.wire.framing import Fault, FrameDecoder, encode

PATIENCE: Final = 20.0


class Talk:
    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self._decoder = FrameDecoder()
        self._read: list[dict[str, Any]] = []

    def write(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def send(self, message: Any) -> None:
        self.write(encode(json.dumps(message).encode()))

    def ask(self, verb: str, params: Any = None, identity: int | str = 1) -> dict[str, Any]:
        self.send({"jsonrpc": "2.0", "id": identity, "method": verb, "params": [{"timeout": 5.0, **(params or {})}]})
        return self.next()

    def next(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        deadline = time.monotonic() + PATIENCE
        while not self._read:
            descriptor = self.process.stdout.fileno()
            ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, "the driver does not answer"
            data = os.read(descriptor, 1 << 16)
            assert data, "the driver ended"
            for item in self._decoder.feed(data):
                assert not isinstance(item, Fault), item
                self._read.append(json.loads(item.body))
        return self._read.pop(0)

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()


@contextlib.contextmanager
def talk(command: Sequence[str], directory: Path) -> Iterator[Talk]:
    with subprocess.Popen(command, cwd=directory, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            yield Talk(process)
        finally:
            process.kill()
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()  # type: ignore[union-attr]
