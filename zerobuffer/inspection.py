"""The live state of the buffers on this machine, read from outside: nothing is attached and nothing changed."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

from zerobuffer import _core, names, ownership
from zerobuffer.config import OIEB_SIZE
from zerobuffer.errors import BufferNotFoundError, InvalidOiebError, ZeroBufferError

_FIELDS = struct.Struct("<I4B11Q")

OwnerState = Literal["none", "alive", "dead"]


@dataclass(frozen=True, slots=True)
class ControlBlock:
    """The fields of an OIEB, as they stand in memory."""

    oieb_size: int
    version_major: int
    version_minor: int
    version_patch: int
    reserved: int
    metadata_size: int
    metadata_free_bytes: int
    metadata_written_bytes: int
    payload_size: int
    payload_free_bytes: int
    payload_write_pos: int
    payload_read_pos: int
    payload_written_count: int
    payload_read_count: int
    writer_pid: int
    reader_pid: int

    @property
    def plausible(self) -> bool:
        """Whether this looks like a buffer of the protocol, of whatever state."""
        return self.oieb_size == OIEB_SIZE and self.version_major > 0 and self.payload_size > 0


@dataclass(frozen=True, slots=True)
class BufferState:
    """What one look at a buffer showed.

    Attributes:
        pending: Frames written and not read, by the semaphore; None when it cannot be looked at.
        space_tokens: Value of the "space" semaphore; None when it cannot be looked at.
        locked: Whether the lock file is there.
        mode: Access rights of the segment, which belongs to `uid`.
    """

    name: str
    block: ControlBlock
    segment_size: int
    reader: OwnerState
    writer: OwnerState
    pending: int | None
    space_tokens: int | None
    locked: bool
    mode: str
    uid: int

    @property
    def fill(self) -> float:
        """Part of the ring that is in use, 0 to 1."""
        used = self.block.payload_size - self.block.payload_free_bytes
        return min(1.0, max(0.0, used / self.block.payload_size)) if self.block.payload_size else 0.0

    @property
    def stale(self) -> bool:
        """Whether it belongs to the dead: its reader is gone without having removed it."""
        return self.reader != "alive"

    def as_dict(self) -> dict[str, Any]:
        """Everything, flat, for JSON."""
        state = asdict(self)
        block = state.pop("block")
        version = f"{block.pop('version_major')}.{block.pop('version_minor')}.{block.pop('version_patch')}"
        return {**state, "stale": self.stale, "fill": round(self.fill, 4), "version": version, **block}


def inspect(name: str) -> BufferState:
    """Look at one buffer.

    Raises:
        BufferNotFoundError: There is no segment of this name.
        PermissionDeniedError: It belongs to another user.
        InvalidOiebError: What stands there is too short for a control block.
    """
    names.validate_name(name)
    try:
        with ownership.opened(names.segment_path(name)) as fd:
            return _look(name, fd)
    except FileNotFoundError:
        raise BufferNotFoundError(name=name) from None
    except OSError as failure:
        raise ownership.from_oserror(failure, name, "look at the segment") from failure


def _look(name: str, fd: int) -> BufferState:
    memory = ownership.read_control_block(fd)
    facts = os.fstat(fd)
    if len(memory) < OIEB_SIZE:
        raise InvalidOiebError(name=name, field="length", value=len(memory), limit=OIEB_SIZE)
    block = ControlBlock(*_FIELDS.unpack_from(memory))
    return BufferState(
        name=name,
        block=block,
        segment_size=facts.st_size,
        reader=_owner(block.reader_pid, ownership.owner_lives(fd)),
        writer=_owner(block.writer_pid, ownership.writer_lives(fd)),
        pending=_value(names.data_semaphore(name)),
        space_tokens=_value(names.space_semaphore(name)),
        locked=os.path.lexists(names.lock_path(name)),
        mode=f"{facts.st_mode & 0o777:04o}",
        uid=facts.st_uid,
    )


def _owner(pid: int, alive: bool) -> OwnerState:
    if pid == 0:
        return "none"
    return "alive" if alive else "dead"


def _value(semaphore: str) -> int | None:
    try:
        return _core.semaphore_value(semaphore)
    except OSError:
        return None


def buffers() -> Iterator[BufferState]:
    """Look at every buffer of this machine that may be read, by name."""
    for entry in sorted(path.name for path in names.SHARED_MEMORY.iterdir()):
        try:
            state = inspect(entry)
        except ZeroBufferError:
            continue  # other people's shared memory may be anything
        if state.block.plausible:
            yield state


def stray_names() -> list[str]:
    """Names of which only semaphores or a lock file are left, without a segment."""
    semaphores = names.SHARED_MEMORY.glob("sem.sem-[rw]-?*")
    found = {path.name[len("sem.sem-r-") :] for path in semaphores}
    found.update(path.stem for path in names.lock_directory().glob("?*.lock"))
    return sorted(name for name in found if not names.segment_path(name).exists())
