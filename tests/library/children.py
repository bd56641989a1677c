"""What the processes of tests do. Each function runs in a process of its own; see `processes`."""

from __future__ import annotations

import time
from typing import Any

from tests.library.data import frame
from tests.library.processes import Parent
from zerobuffer import BufferConfig, Reader, Writer, ZeroBufferError, _core


def hold_reader(parent: Parent, name: str, payload_size: int = 4096, mode: int = 0o600) -> None:
    """Create a buffer and keep it until told to end."""
    with Reader(name, BufferConfig(metadata_size=64, payload_size=payload_size, mode=mode)):
        parent.say("ready")
        parent.wait_for_end()


def hold_writer(parent: Parent, name: str, timeout: float = 0.0) -> None:
    """Connect, and write whatever [size, sequence] pairs are asked for."""
    with Writer(name, timeout=timeout) as writer:
        parent.say("ready")
        while True:
            for size, sequence in parent.hear():
                writer.write_frame(frame(size, sequence))
            parent.say("written")


def write(parent: Parent, name: str, sizes: list[int]) -> None:
    """Write frames of these sizes and leave."""
    del parent
    with Writer(name, timeout=10) as writer:
        for sequence, size in enumerate(sizes, start=1):
            writer.write_frame(frame(size, sequence), 20)
