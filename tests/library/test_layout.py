"""The bytes of a buffer after written-down operations, field by field: protocol 1.0."""

from __future__ import annotations

import os
import stat
import struct
from pathlib import Path

import pytest

from tests.library.data import Fields, frame, poke_u64, segment
from zerobuffer import (
    BufferConfig,
    FrameTooLargeError,
    FrameUnwritableError,
    InvalidFrameSizeError,
    Reader,
    Writer,
    _core,
    names,
)

METADATA_BLOCK = 128
FIELDS = struct.Struct("<I4B11Q32s")


CONNECTION = 112


def block(name: str) -> tuple[object, ...]:
    return FIELDS.unpack(segment(name).read_bytes()[:128])


def header(name: str, metadata_size: int, position: int) -> tuple[int, int]:
    return struct.unpack_from("<QQ", segment(name).read_bytes(), METADATA_BLOCK + metadata_size + position)


def test_a_new_buffer(name: str, lock_directory: Path) -> None:
    old = os.umask(0o077)
    try:
        with Reader(name, BufferConfig(metadata_size=1024, payload_size=10240, mode=0o640)):
            memory = segment(name).read_bytes()
            assert len(memory) == 128 + 1024 + 10240
            words = struct.pack("<4Q", 10240, 10240, 0, 0)
            expected = (128, 1, 0, 0, 0, 1024, 1024, 0, 10240, 10240, 0, 0, 0, 0, 0, os.getpid(), words)
            assert block(name) == expected
            assert not any(memory[128:])
            for semaphore in (names.data_semaphore(name), names.space_semaphore(name)):
                assert _core.semaphore_value(semaphore) == 0
            lock = lock_directory / f"{name}.lock"
            assert lock.stat().st_size == 0
            objects = [segment(name), Path(f"/dev/shm/sem.sem-w-{name}"), Path(f"/dev/shm/sem.sem-r-{name}"), lock]
            assert [stat.S_IMODE(path.stat().st_mode) for path in objects] == [0o640] * 4
    finally:
        os.umask(old)


@pytest.mark.parametrize(
    ("asked", "got"),
    [((1, 100), (64, 128)), ((0, 64), (0, 64)), ((65, 1000), (128, 1024)), ((64, 1), (64, 64)), ((63, 65), (64, 128))],
)
def test_sizes_are_rounded_up_to_64(asked: tuple[int, int], got: tuple[int, int], name: str) -> None:
    with Reader(name, BufferConfig(*asked)):
        fields = Fields.of(name)
        assert (fields.metadata_size, fields.payload_size) == got
        assert (fields.metadata_free, fields.free) == got
        assert segment(name).stat().st_size == 128 + sum(got)


def test_connecting_and_leaving_change_the_writer_and_nothing_else(name: str) -> None:
    with Reader(name):
        before = segment(name).read_bytes()
        with Writer(name):
            assert Fields.of(name).writer_pid == os.getpid()
            assert Fields.of(name).reader_pid == os.getpid()
        after = segment(name).read_bytes()
        assert (after[:CONNECTION], after[128:]) == (before[:CONNECTION], before[128:])
        assert struct.unpack_from("<2Q", after, CONNECTION) == (1 << 32, 10240)


def test_metadata_has_its_length_before_it(name: str) -> None:
    with Reader(name, BufferConfig(metadata_size=128, payload_size=64)), Writer(name) as writer:
        writer.set_metadata(b"hello")
        memory = segment(name).read_bytes()
        assert memory[128:141] == struct.pack("<Q", 5) + b"hello"
        fields = Fields.of(name)
        assert (fields.metadata_written, fields.metadata_free) == (13, 115)
        assert not any(memory[141:])


def test_frames_follow_each_other_at_any_offset(name: str) -> None:
    with Reader(name, BufferConfig(metadata_size=0, payload_size=1024)) as reader, Writer(name) as writer:
        for sequence, (size, position) in enumerate([(1, 0), (2, 17), (13, 35), (100, 64)], start=1):
            writer.write_frame(frame(size, sequence))
            assert header(name, 0, position) == (size, sequence)
            assert segment(name).read_bytes()[128 + position + 16 :][:size] == frame(size, sequence)
        fields = Fields.of(name)
        assert (fields.write_pos, fields.free, fields.written_count) == (180, 1024 - 180, 4)
        assert (fields.read_pos, fields.read_count) == (0, 0)
        assert (fields.committed, fields.released, fields.stream_start) == (1024 + 180, 1024, 1024)
        assert fields.connection == 1 << 32 | os.getpid()
        for count, position in enumerate([17, 35, 64, 180], start=1):
            held = reader.read_frame(1)
            fields = Fields.of(name)
            assert (fields.read_pos, fields.read_count) == (position, count)
            before = fields.free
            held.release()
            assert Fields.of(name).free == before + 16 + held.size
        assert _core.semaphore_value(names.data_semaphore(name)) == 0
        assert _core.semaphore_value(names.space_semaphore(name)) == 4


def test_the_wrap_marker(name: str) -> None:
    with Reader(name, BufferConfig(metadata_size=64, payload_size=1024)) as reader, Writer(name) as writer:
        writer.write_frame(b"\xff" * 700)
        reader.read_frame(1).release()
        poke_u64(name, 128 + 64 + 716, 0xFFFF)  # what stood there is no marker by chance
        poke_u64(name, 128 + 64 + 724, 0xFFFF)
        writer.write_frame(frame(400, 2))
        assert header(name, 64, 716) == (0, 0)
        assert header(name, 64, 0) == (400, 2)
        fields = Fields.of(name)
        assert (fields.write_pos, fields.written_count, fields.free) == (416, 3, 1024 - (1024 - 716) - 416)
        assert _core.semaphore_value(names.data_semaphore(name)) == 1  # the marker is not signalled
        with reader.read_frame(1) as found:
            assert bytes(found.data) == frame(400, 2)
            fields = Fields.of(name)
            assert (fields.read_pos, fields.read_count, fields.free) == (416, 3, 1024 - 416)
            assert _core.semaphore_value(names.space_semaphore(name)) == 1
        assert Fields.of(name).free == 1024
        assert _core.semaphore_value(names.space_semaphore(name)) == 2


@pytest.mark.parametrize("tail", [0, 1, 8, 15, 16, 17, 64])
def test_each_kind_of_tail(tail: int, name: str) -> None:
    with Reader(name, BufferConfig(metadata_size=0, payload_size=512)) as reader, Writer(name) as writer:
        # The first frame leaves the tail, which it cannot avoid: nothing lies before it to wrap to.
        writer.write_frame(frame(512 - 16 - tail, 1))
        assert Fields.of(name).write_pos == (512 - tail) % 512
        reader.read_frame(1).release()
        writer.write_frame(frame(100, 2))
        fields = Fields.of(name)
        marker = tail >= 16
        assert header(name, 0, 0) == (100, 2)
        assert (fields.write_pos, fields.written_count) == (116, 3 if marker else 2)
        assert fields.free == 512 - tail - 116
        with reader.read_frame(1) as found:
            assert (found.sequence, bytes(found.data)) == (2, frame(100, 2))
        fields = Fields.of(name)
        assert (fields.read_pos, fields.read_count, fields.free) == (116, 3 if marker else 2, 512)


@pytest.mark.parametrize("rest", range(18))
def test_no_stub_is_left_where_a_wrap_avoids_it(rest: int, name: str) -> None:
    with Reader(name, BufferConfig(metadata_size=0, payload_size=512)) as reader, Writer(name) as writer:
        writer.write_frame(frame(284 - rest, 1))
        reader.read_frame(1).release()
        writer.write_frame(frame(196, 2))  # 212 bytes from 300 - rest on: `rest` would remain
        wraps = 1 <= rest <= 15
        assert Fields.of(name).write_pos == (212 if wraps else (512 - rest) % 512)
        with reader.read_frame(1) as found:
            assert bytes(found.data) == frame(196, 2)
        assert Fields.of(name).free == 512


def test_an_exact_fit_ends_at_zero(name: str) -> None:
    with Reader(name, BufferConfig(metadata_size=0, payload_size=128)) as reader, Writer(name) as writer:
        for sequence in (1, 2, 3):
            writer.write_frame(frame(112, sequence))
            fields = Fields.of(name)
            assert (fields.write_pos, fields.free, fields.written_count) == (0, 0, sequence)
            reader.read_frame(1).release()
            fields = Fields.of(name)
            assert (fields.read_pos, fields.free, fields.read_count) == (0, 128, sequence)


@pytest.mark.parametrize("end", [0, 1024])
def test_the_end_and_zero_are_the_same_position(end: int, name: str) -> None:
    """One peer leaves write_pos at the end after an exact fit, another at 0."""
    with Reader(name, BufferConfig(metadata_size=0, payload_size=1024)) as reader:
        with Writer(name) as writer:
            writer.write_frame(frame(496, 1))
            writer.write_frame(frame(496, 2))
        poke_u64(name, 48, end)
        for sequence in (1, 2):
            with reader.read_frame(1) as found:
                assert bytes(found.data) == frame(496, sequence)
        poke_u64(name, 56, end)
        with Writer(name) as writer:
            writer.write_frame(frame(100, 1))
            assert Fields.of(name).write_pos == 116
            with reader.read_frame(1) as found:
                assert bytes(found.data) == frame(100, 1)


def test_what_can_never_be_written_is_refused_at_once_with_the_sizes_that_can(name: str) -> None:
    with Reader(name, BufferConfig(metadata_size=0, payload_size=10240)) as reader, Writer(name) as writer:
        before = segment(name).read_bytes()
        with pytest.raises(FrameTooLargeError) as too_large:
            writer.write_frame(bytes(10225), timeout=None)
        assert (too_large.value.largest, too_large.value.always_fits) == (10224, 5104)
        with pytest.raises(InvalidFrameSizeError):
            writer.write_frame(b"", timeout=None)
        assert segment(name).read_bytes() == before
        writer.write_frame(bytes(6160 - 16))
        reader.read_frame(1).release()
        before = segment(name).read_bytes()
        with pytest.raises(FrameUnwritableError) as unwritable:
            writer.write_frame(bytes(7168), timeout=None)
        assert (unwritable.value.fits_now, unwritable.value.always_fits) == (6144, 5104)
        assert segment(name).read_bytes() == before
        writer.write_frame(bytes(6144), timeout=1)  # exactly what the error named


def test_counts_pass_2_to_the_64(name: str) -> None:
    most = 2**64 - 1
    with Reader(name, BufferConfig(metadata_size=0, payload_size=256)) as reader:
        poke_u64(name, 64, most)
        poke_u64(name, 72, most)
        with Writer(name) as writer:
            for sequence in range(1, 9):
                writer.write_frame(frame(60, sequence))
                with reader.read_frame(1) as found:
                    assert bytes(found.data) == frame(60, sequence)
        fields = Fields.of(name)
        assert fields.written_count == fields.read_count < 20


def test_the_compiler_of_the_core_sees_the_layout_of_the_protocol() -> None:
    words = (
        *("metadata_size", "metadata_free_bytes", "metadata_written_bytes", "payload_size", "payload_free_bytes"),
        *("payload_write_pos", "payload_read_pos", "payload_written_count", "payload_read_count", "writer_pid"),
        "reader_pid",
    )
    fields = {"oieb_size": (0, 4), "version": (4, 4), **{word: (8 + 8 * n, 8) for n, word in enumerate(words)}}
    assert _core.layout() == {
        "oieb": {"size": 128, "fields": {**fields, "reserved": (96, 32)}},
        "frame": {"size": 16, "fields": {"size": (0, 8), "sequence": (8, 8)}},
    }
