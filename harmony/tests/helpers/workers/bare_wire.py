"""The least that a worker needs to speak the wire, without harmony."""

from __future__ import annotations

import json
import os
import sys
from typing import Any


def send(message: dict[str, Any]) -> None:
    body = json.dumps(message).encode()
    os.write(1, b"Content-Length: %d\r\n\r\n%b" % (len(body), body))


def receive() -> dict[str, Any] | None:
    length = 0
    while (line := sys.stdin.buffer.readline()) not in {b"\r\n", b"\n"}:
        if not line:
            return None
        name, _, value = line.partition(b":")
        length = int(value) if name.lower() == b"content-length" else length
    message: dict[str, Any] = json.loads(sys.stdin.buffer.read(length))
    return message
