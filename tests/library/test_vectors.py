"""Byte for byte like another implementation: we write what it wrote, and read what it left."""

from __future__ import annotations

import contextlib
import os
import struct
from collections.abc import Iterator

import posix_ipc
import pytest

from tests.library.data import READER_PID, WRITER_PID, Fields, frame, poke, poke_u64
from tests.library.vectors import RESERVED, Operation, Vector, difference, load, normalised
from zerobuffer import BufferConfig, Frame, InvalidFrameSizeError, Reader, SequenceError, Writer, _core, names

VECTORS = load()
each = pytest.mark.parametrize("vector", VECTORS, ids=[vector.identity for vector in VECTORS])


class Play:
    """A buffer of ours, taken through operations."""

    def __init__(self, name: str, stack: contextlib.ExitStack) -> None:
        self.name = name
        self._stack = stack
        self.reader: Reader | None = None
        self.writer: Writer | None = None
        self._held: Frame | None = None
        self._written = self._read = 0

    def run(self, operations: tuple[Operation, ...]) -> None:
        for verb, *arguments in operations:
            getattr(self, verb)(*arguments)

    def create(self, metadata_size: int, payload_size: int) -> None:
        self.reader = self._stack.enter_context(Reader(self.name, BufferConfig(metadata_size, payload_size)))

    def connect(self) -> None:
        self.writer = self._stack.enter_context(Writer(self.name))

    def metadata(self, size: int) -> None:
        assert self.writer is not None
        self.writer.set_metadata(frame(size, 0))

    def write(self, size: int) -> None:
        assert self.writer is not None
        self._written += 1
        self.writer.write_frame(frame(size, self._written), 1)

    def read(self) -> None:
        assert self.reader is not None
        self._read += 1
        self._held = self.reader.read_frame(1)
        self._stack.callback(self._held.release)
        assert self._held.sequence == self._read
        assert bytes(self._held.data) == frame(self._held.size, self._read)

    def release(self) -> None:
        assert self._held is not None
        self._held.release()


@pytest.fixture
def play(name: str) -> Iterator[Play]:
    with contextlib.ExitStack() as stack:
        yield Play(name, stack)


def tokens(name: str) -> tuple[int, int]:
    """Both semaphores: data, space."""
    return (
        _core.semaphore_value(names.data_semaphore(name)),
        _core.semaphore_value(names.space_semaphore(name)),
    )


def post(name: str, count: int) -> None:
    semaphore = posix_ipc.Semaphore(names.data_semaphore(name))
    for _ in range(count):
        semaphore.release()
    semaphore.close()


@each
def test_we_leave_the_same_bytes(vector: Vector, play: Play) -> None:
    play.run(vector.operations)
    assert difference(normalised(play.name), vector.memory) == ""
    assert tokens(play.name) == (vector.data_tokens, vector.space_tokens)


@each
def test_the_manifest_describes_the_dump(vector: Vector) -> None:
    fields = vector.fields
    listed = struct.pack(
        "<I4B11Q",
        fields["oieb_size"],
        *fields["version"],
        *(
            fields[key]
            for key in (
                "metadata_size",
                "metadata_free_bytes",
                "metadata_written_bytes",
                "payload_size",
                "payload_free_bytes",
                "payload_write_pos",
                "payload_read_pos",
                "payload_written_count",
                "payload_read_count",
                "writer_pid",
                "reader_pid",
            )
        ),
    )
    assert vector.memory[:128] == listed.ljust(128, b"\0")


def put(vector: Vector, name: str, memory: bytes) -> None:
    """Put dumped memory into a buffer of ours, whose owners are us; the words of ours stay."""
    poke(name, 0, memory[: RESERVED.start])
    poke(name, RESERVED.stop, memory[RESERVED.stop :])
    poke_u64(name, READER_PID, os.getpid())
    poke_u64(name, WRITER_PID, os.getpid() if vector.fields["writer_pid"] else 0)


def prepare(vector: Vector, play: Play) -> Reader:
    """A reader that stands where the dump's reader stood, over the dumped bytes."""
    if vector.fields["payload_read_count"] == 0:
        play.run((vector.operations[0],))  # as new: the bytes alone are all there is
        put(vector, play.name, vector.memory)
        post(play.name, vector.data_tokens)
    else:
        play.run(vector.operations)  # in mid-stream a reader knows which frame comes next
        poke(play.name, 128, b"\xee" * (len(vector.memory) - 128))
        put(vector, play.name, vector.memory)
    assert play.reader is not None
    return play.reader


@each
def test_we_read_what_was_left(vector: Vector, play: Play) -> None:
    reader = prepare(vector, play)
    if vector.fields["metadata_written_bytes"]:
        assert reader.get_metadata() == frame(100, 0)
    for size, sequence in vector.pending:
        with reader.read_frame(1) as found:
            assert (found.size, found.sequence) == (size, sequence)
            assert bytes(found.data) == frame(size, sequence)
    assert tokens(play.name)[0] == 0
    fields = Fields.of(play.name)
    held = vector.identity == "a5-read-held"
    assert fields.free == fields.payload_size - (1040 if held else 0)
    assert fields.read_pos == fields.write_pos % fields.payload_size
    assert fields.read_count == fields.written_count


@each
def test_our_writer_goes_on_where_another_stopped(vector: Vector, play: Play) -> None:
    reader = prepare(vector, play)
    for _ in vector.pending:
        reader.read_frame(1).release()
    if play.writer is not None:
        play.writer.close()
    poke_u64(play.name, WRITER_PID, 0)
    play.writer = None
    size = min(100, reader.config.payload_size // 2 - 16)
    with Writer(play.name) as writer:
        for sequence in range(1, 20):
            writer.write_frame(frame(size, sequence), 1)
            with reader.read_frame(1) as found:
                assert (found.sequence, bytes(found.data)) == (sequence, frame(size, sequence))


# ---- what these tests would notice ---------------------------------------------------------------------------------


def test_the_comparison_sees_every_byte() -> None:
    theirs = VECTORS[3].memory
    for offset in range(0, len(theirs), 61):
        ours = bytearray(theirs)
        ours[offset] ^= 1
        assert difference(bytes(ours), theirs).startswith(f"byte {offset} "), offset
    assert difference(theirs[:-1], theirs) == f"{len(theirs) - 1} bytes, not {len(theirs)}"


def test_the_end_and_the_beginning_are_one_place_for_the_position_only() -> None:
    [exact] = [vector for vector in VECTORS if vector.identity == "c1-exact-fit"]
    at_zero = exact.memory[:48] + bytes(8) + exact.memory[56:]
    assert difference(at_zero, exact.memory) == ""
    assert difference(at_zero[:56] + b"\1" + at_zero[57:], exact.memory) == "byte 56 is 0x01, not 0x00"


@pytest.mark.parametrize(
    ("offset", "value", "error"),
    [
        (128 + 1024, 10241, InvalidFrameSizeError),
        (128 + 1024, 0, InvalidFrameSizeError),
        (128 + 1032, 2, SequenceError),
    ],
)
def test_a_dump_with_another_header_is_refused(offset: int, value: int, error: type[Exception], play: Play) -> None:
    [one] = [vector for vector in VECTORS if vector.identity == "a4-one-frame"]
    reader = prepare(one, play)
    poke_u64(play.name, offset, value)
    with pytest.raises(error):
        reader.read_frame(1)
