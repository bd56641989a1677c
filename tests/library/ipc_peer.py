"""The other implementation at work, in an interpreter of its own, where `zerobuffer` is zerobuffer-ipc.

python ipc_peer.py write NAME '[10, 20]'      python ipc_peer.py read NAME '[10, 20]' METADATA PAYLOAD
"""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any

_peer: Any = importlib.import_module("zerobuffer")


def content(size: int, sequence: int) -> bytes:
    """The data that all implementations agree on."""
    return bytes((index + sequence) % 256 for index in range(size))


def say(text: str) -> None:
    """Tell the test one line."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def write(name: str, sizes: list[int]) -> None:
    """Write frames of these sizes."""
    with _peer.Writer(name) as writer:
        for sequence, size in enumerate(sizes, start=1):
            writer.write_frame(content(size, sequence))
        say("written")
        sys.stdin.readline()


def read(name: str, sizes: list[int], metadata: int, payload: int) -> None:
    """Create the buffer, and read frames that must be of these sizes."""
    with _peer.Reader(name, _peer.BufferConfig(metadata_size=metadata, payload_size=payload)) as reader:
        say("ready")
        for sequence, size in enumerate(sizes, start=1):
            with reader.read_frame(30.0) as frame:
                if bytes(frame.data) != content(size, sequence):
                    say(f"frame {sequence} is wrong")
                    return
        say(bytes(reader.get_metadata() or b"").decode())
        sys.stdin.readline()


if __name__ == "__main__":
    command, buffer, wanted, *numbers = sys.argv[1:]
    if command == "write":
        write(buffer, json.loads(wanted))
    else:
        read(buffer, json.loads(wanted), *map(int, numbers))
