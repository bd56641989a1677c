"""Memory dumped from another implementation, and the operations that led there."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tests.library.data import READER_PID, WRITER_PID, segment

DIRECTORY = Path(__file__).resolve().parents[1] / "vectors" / "segments"

WRITE_POS = 48
RESERVED = slice(96, 128)

Verb = Literal["create", "connect", "metadata", "write", "read", "release"]
Operation = tuple[Verb, int, int] | tuple[Verb, int] | tuple[Verb]

CREATE_A: list[Operation] = [("create", 1024, 10240)]
READ: list[Operation] = [("read",), ("release",)]

_A: list[tuple[str, list[Operation]]] = [
    ("a1-created", CREATE_A),
    ("a2-connected", [("connect",)]),
    ("a3-metadata", [("metadata", 100)]),
    ("a4-one-frame", [("write", 1024)]),
    ("a5-read-held", [("read",)]),
    ("a6-released", [("release",)]),
    ("a7-four-more", [("write", 2048)] * 4),
    ("a8-two-read", READ * 2),
    ("a9-wrapped", [("write", 2048)]),
    ("a10-before-marker", READ * 2),
    ("a11-across-marker", READ),
]

_E_SIZES = [16, 32, 240, 1008, 496, 64, 2000, 112, 768, 1488, 336, 48, 160]


def _mixed() -> list[Operation]:
    operations: list[Operation] = [("create", 64, 4096), ("connect",)]
    for number, size in enumerate(_E_SIZES, start=1):
        operations.append(("write", size))
        if number == 1 or 3 <= number <= 12:
            operations += READ
    return operations


def _scripts() -> dict[str, list[Operation]]:
    so_far: list[Operation] = []
    scripts: dict[str, list[Operation]] = {}
    for identity, operations in _A:
        so_far = so_far + operations
        scripts[identity] = so_far
    scripts["b1-tiny"] = [("create", 0, 64), ("connect",), ("write", 1)]
    scripts["c1-exact-fit"] = [("create", 0, 1024), ("connect",), ("write", 496), ("write", 496)]
    scripts["d1-rounding"] = [("create", 65, 1000)]
    scripts["e1-mixed"] = _mixed()
    scripts["f1-marker-fills-tail"] = [("create", 0, 1024), ("connect",), ("write", 992), *READ, ("write", 100)]
    return scripts


@dataclass(frozen=True)
class Vector:
    """One dump.

    Attributes:
        identity: Its name in the manifest.
        memory: The whole segment, owner pids replaced by 1.
        data_tokens: Value of the semaphore "data".
        space_tokens: Value of the semaphore "space".
        fields: The control block as the manifest lists it.
        operations: What led there, for us to do likewise.
    """

    identity: str
    memory: bytes
    data_tokens: int
    space_tokens: int
    fields: dict[str, Any]
    operations: tuple[Operation, ...]

    @property
    def pending(self) -> list[tuple[int, int]]:
        """Sizes and sequences of the frames that stand unread."""
        writes = [operation[1] for operation in self.operations if operation[0] == "write" and len(operation) == 2]
        frames = [(size, sequence) for sequence, size in enumerate(writes, start=1)]
        return frames[len(frames) - self.data_tokens :]


def load() -> list[Vector]:
    """Read the manifest; every entry has its operations, and every file its entry."""
    scripts = _scripts()
    vectors = []
    for line in (DIRECTORY / "manifest.jsonl").read_text().splitlines():
        entry = json.loads(line)
        memory = (DIRECTORY / entry["file"]).read_bytes()
        script = tuple(scripts.pop(entry["id"]))
        vectors.append(Vector(entry["id"], memory, entry["sem_w"], entry["sem_r"], entry["oieb"], script))
    assert not scripts, f"not in the manifest: {sorted(scripts)}"
    assert len(vectors) == len(list(DIRECTORY.glob("*.bin")))
    return vectors


def normalised(name: str) -> bytes:
    """Return the segment of a live buffer as dumps have it: its owners have the pid 1, the words of ours are 0."""
    memory = bytearray(segment(name).read_bytes())
    for offset in (WRITER_PID, READER_PID):
        pid = struct.unpack_from("<Q", memory, offset)[0]
        struct.pack_into("<Q", memory, offset, 1 if pid else 0)
    memory[RESERVED] = bytes(32)
    return bytes(memory)


def difference(ours: bytes, theirs: bytes) -> str:
    """Say where two segments differ; empty when they do not.

    A writer that has filled the ring to its last byte stands at the end or at 0, which is the same place.
    """
    ours, theirs = _end_is_zero(ours), _end_is_zero(theirs)
    if len(ours) != len(theirs):
        return f"{len(ours)} bytes, not {len(theirs)}"
    for offset, (mine, other) in enumerate(zip(ours, theirs, strict=True)):
        if mine != other:
            return f"byte {offset} is {mine:#04x}, not {other:#04x}"
    return ""


def _end_is_zero(memory: bytes) -> bytes:
    payload_size, _, write_pos = struct.unpack_from("<3Q", memory, 32)
    return memory[:WRITE_POS] + bytes(8) + memory[WRITE_POS + 8 :] if write_pos == payload_size else memory
