"""What the processes of tests do. Each function runs in a process of its own; see `processes`."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable

from tests.library.data import frame
from tests.library.processes import Parent
from zerobuffer import BufferConfig, Reader, Writer, ZeroBufferError
from zerobuffer.ownership import remove_stale
from zerobuffer.process import is_alive


def idle(parent: Parent) -> None:
    """Live until told to end."""
    parent.say("ready")
    parent.wait_for_end()


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


def _code(attempt: Callable[[], object]) -> str:
    try:
        attempt()
    except ZeroBufferError as error:
        return error.code
    return "ok"


def create_with_few_descriptors(parent: Parent, name: str) -> None:
    """Create the buffer with 0, 1, 2 … descriptors left, and tell how each attempt ended."""
    used = max(int(entry) for entry in os.listdir("/proc/self/fd")) + 1  # noqa: PTH208 - the names are the point
    outcomes = []
    for spare in range(12):
        resource.setrlimit(resource.RLIMIT_NOFILE, (used + spare, 4096))
        outcomes.append(_code(lambda: Reader(name, BufferConfig(64, 1024)).close()))
    parent.say(outcomes)


def create_under_limit(parent: Parent, name: str, limit: int, size: int) -> None:
    """Create a buffer that a resource limit forbids."""
    resource.setrlimit(limit, (1 << 19 if limit == resource.RLIMIT_FSIZE else 1 << 32, resource.RLIM_INFINITY))
    parent.say(_code(lambda: Reader(name, BufferConfig(0, size, preallocate=False)).close()))


def race_to_create(parent: Parent) -> None:
    """Create each name that is said, at once."""
    while True:
        name = parent.hear()
        try:
            reader = Reader(name, BufferConfig(64, 1024))
        except ZeroBufferError as error:
            parent.say(error.code)
            parent.hear()
        else:
            parent.say("ok")
            parent.hear()
            reader.close()
        parent.say("closed")


def race_to_connect(parent: Parent) -> None:
    """Connect to each name that is said, at once."""
    while True:
        name = parent.hear()
        try:
            writer = Writer(name)
        except ZeroBufferError as error:
            parent.say(error.code)
            parent.hear()
        else:
            parent.say("ok")
            parent.hear()
            writer.close()
        parent.say("closed")


def try_everything(parent: Parent, name: str, owner: int) -> None:
    """Try what a stranger may try with somebody else's buffer."""
    parent.say(
        {
            "owner is alive": is_alive(owner),
            "Reader": _code(lambda: Reader(name)),
            "Writer": _code(lambda: Writer(name)),
            "remove_stale": _code(lambda: remove_stale(name)),
        }
    )
