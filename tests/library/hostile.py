"""Buffers with wrong bytes in them, and calls of the library upon them.

A case is plain data, so that it can be printed, sent to the process that tries it, and tried again.
"""

from __future__ import annotations

import contextlib
import os
import random
import struct
import traceback
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypedDict

import posix_ipc

from tests.library.data import frame, objects, poke
from tests.library.processes import Parent
from zerobuffer import BufferConfig, Frame, Reader, Writer, ZeroBufferError, names

PAGE = 4096

FIELDS = {
    "oieb_size": (0, 4),
    "version": (4, 4),
    "metadata_size": (8, 8),
    "metadata_free_bytes": (16, 8),
    "metadata_written_bytes": (24, 8),
    "payload_size": (32, 8),
    "payload_free_bytes": (40, 8),
    "payload_write_pos": (48, 8),
    "payload_read_pos": (56, 8),
    "payload_written_count": (64, 8),
    "payload_read_count": (72, 8),
    "writer_pid": (80, 8),
    "reader_pid": (88, 8),
    "committed": (96, 8),
    "released": (104, 8),
    "connection": (112, 8),
    "stream_start": (120, 8),
    "metadata_length": (128, 8),
}

Call = list[Any]
"""A verb of `Trial` and its arguments."""


class Case(TypedDict):
    """What is done: sizes, frames written before anything is wrong, and the calls (pokes among them) that follow."""

    metadata: int
    payload: int
    frames: list[int]
    calls: list[Call]


class Source(Protocol):
    """Where choices come from: chance, or Hypothesis."""

    def integer(self, least: int, most: int) -> int:
        """Choose a number."""


class Chance:
    """Choices of a seeded generator."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)

    def integer(self, least: int, most: int) -> int:
        """Choose a number."""
        return self._random.randint(least, most)


def _one_of(source: Source, choices: Sequence[Any]) -> Any:
    return choices[source.integer(0, len(choices) - 1)]


def interesting(source: Source, limit: int) -> int:
    """Choose a number where mistakes of arithmetic live: around 0, `limit`, powers of two, and 2^64."""
    near = source.integer(-17, 17)
    kind = source.integer(0, 5)
    base = (0, limit, limit // 2, 1 << source.integer(0, 63), 1 << 64, source.integer(0, limit))[kind]
    return (base + near) % (1 << 64)


def _poke(source: Source, metadata: int, payload: int, positions: Sequence[int]) -> Call:
    kind = source.integer(0, 9)
    if kind == 0:
        return ["noise", source.integer(0, 127) * (128 + metadata + payload) // 128, source.integer(0, 1 << 30)]
    if kind <= 5:
        offset, size = FIELDS[_one_of(source, list(FIELDS))]
        value = interesting(source, _one_of(source, (payload, metadata, 128, os.getpid())))
    elif kind <= 8:
        # Some frame's header: size or sequence.
        offset, size = 128 + metadata + _one_of(source, positions) + source.integer(0, 1) * 8, 8
        value = interesting(source, payload)
    else:
        offset, size = 128 + metadata + source.integer(0, payload - 1), 1
        value = source.integer(0, 255)
    return ["poke", offset, (value % (1 << 8 * size)).to_bytes(size, "little").hex()]


def make(source: Source) -> Case:
    """Choose a case."""
    metadata = 64 * source.integer(0, 3)
    # Most segments end where a page ends, so that the guard page behind them is the next byte.
    payload = PAGE - 128 - metadata if source.integer(0, 3) else 64 * source.integer(1, 20)
    frames = [source.integer(1, max(1, payload // 4 - 16)) for _ in range(source.integer(0, 6))]
    positions = [0]
    for size in frames:
        positions.append((positions[-1] + 16 + size) % payload)
    calls: list[Call] = []
    for _ in range(source.integer(1, 12)):
        kind = source.integer(0, 18)
        if kind < 6:
            calls.append(_poke(source, metadata, payload, positions))
        elif kind < 8:
            calls.append(["write", interesting(source, payload) % (payload + 64)])
        elif kind == 8:
            calls.append(["acquire", interesting(source, payload) % (payload + 64), source.integer(0, 1)])
        elif kind == 9:
            calls.append(["write_many", source.integer(1, 10), source.integer(1, payload // 2)])
        elif kind == 10:
            calls.append(["read_many", source.integer(1, 10)])
        elif kind == 11:
            calls.append(["token", source.integer(1, 3)])
        elif kind == 12:
            calls.append(["set_metadata", interesting(source, metadata) % 256])
        else:
            calls.append([_one_of(source, ("read", "read", "touch", "release", "reconnect", "get_metadata", "state"))])
    return Case(metadata=metadata, payload=payload, frames=frames, calls=calls)


class Trial:
    """Tries one case: every call ends in a result or in one of the library's errors."""

    def __init__(self, name: str, case: Case) -> None:
        self._name = name
        self._case = case
        self._reader = Reader(name, BufferConfig(case["metadata"], case["payload"]))
        self._writer: Writer | None = None
        self._held: list[Frame] = []

    def run(self) -> list[str]:
        """Return what each call ended in: `ok`, or the code of its error."""
        outcomes = []
        try:
            self._writer = Writer(self._name)
            for sequence, size in enumerate(self._case["frames"], start=1):
                with contextlib.suppress(ZeroBufferError):
                    self._writer.write_frame(frame(size, sequence), 0)
            for verb, *arguments in self._case["calls"]:
                outcomes.append(self._outcome(getattr(self, verb), arguments))
        finally:
            self._close()
        left = objects(self._name)
        if left:
            raise AssertionError(f"left behind: {left}")
        return outcomes

    def _outcome(self, call: Callable[..., None], arguments: Sequence[Any]) -> str:
        try:
            call(*arguments)
        except ZeroBufferError as error:
            return error.code
        return "ok"

    def _close(self) -> None:
        for held in self._held:
            held.release()
        if self._writer is not None:
            self._writer.close()
        self._reader.close()

    def poke(self, offset: int, data: str) -> None:
        """Overwrite bytes."""
        length = 128 + self._case["metadata"] + self._case["payload"]
        raw = bytes.fromhex(data)[: length - offset]
        poke(self._name, offset, raw)

    def noise(self, offset: int, seed: int) -> None:
        """Overwrite all from an offset on."""
        length = 128 + self._case["metadata"] + self._case["payload"]
        poke(self._name, offset, random.Random(seed).randbytes(length - offset))

    def token(self, count: int) -> None:
        """Signal frames that are not there."""
        semaphore = posix_ipc.Semaphore(names.data_semaphore(self._name))
        for _ in range(count):
            semaphore.release()
        semaphore.close()

    def write(self, size: int) -> None:
        """Write one frame."""
        if self._writer is not None:
            self._writer.write_frame(bytes(size), 0)

    def write_many(self, count: int, size: int) -> None:
        """Write a batch."""
        if self._writer is not None:
            self._writer.write_frames([bytes(size)] * count, 0)

    def acquire(self, size: int, commit: int) -> None:
        """Write through a view into the ring."""
        if self._writer is None:
            return
        slot = self._writer.acquire(size, 0)
        slot.data[:] = b"\xab" * size
        if commit:
            slot.commit()
        else:
            slot.abandon()

    def read(self) -> None:
        """Read one frame, look at every byte, and hold it."""
        found = self._reader.read_frame(0)
        self._held.append(found)
        sum(found.data)

    def read_many(self, most: int) -> None:
        """Read a batch, look at every byte, and release it."""
        with self._reader.read_frames(most, 0) as found:
            found.tobytes()

    def touch(self) -> None:
        """Look again at all that is held."""
        for held in self._held:
            assert len(bytes(held.data)) == held.size

    def release(self) -> None:
        """Release the latest frame held."""
        if self._held:
            self._held.pop().release()

    def reconnect(self) -> None:
        """Let another writer come."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        self._writer = Writer(self._name)

    def get_metadata(self) -> None:
        """Read the metadata."""
        self._reader.get_metadata()

    def set_metadata(self, size: int) -> None:
        """Write the metadata."""
        if self._writer is not None:
            self._writer.set_metadata(bytes(size))

    def state(self) -> None:
        """Ask each side about the other."""
        assert self._reader.writer_state in {"absent", "alive", "closed", "died"}
        if self._writer is not None:
            self._writer.check_reader()


def serve(parent: Parent, name: str) -> None:
    """Try the cases that the test sends; answers the outcomes, or what was not expected."""
    while True:
        case = parent.hear()
        try:
            parent.say(Trial(name, case).run())
        except Exception:
            parent.say({"unexpected": traceback.format_exc()})


def u64(value: int) -> str:
    """Return a field's bytes as `poke` takes them."""
    return struct.pack("<Q", value % (1 << 64)).hex()
