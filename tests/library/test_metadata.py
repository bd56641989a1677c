"""Metadata: written once, before or after frames, with its length in front on the wire and without it here."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from tests.library.data import Fields, frame, poke_u64, segment
from zerobuffer import (
    BufferConfig,
    InvalidOiebError,
    MetadataEmptyError,
    MetadataExistsError,
    MetadataTooLargeError,
    NoMetadataError,
    Reader,
    Writer,
)

CONFIG = BufferConfig(metadata_size=128, payload_size=1024)


def test_written_before_frames(name: str) -> None:
    with Reader(name, CONFIG) as reader, Writer(name) as writer:
        with pytest.raises(NoMetadataError) as caught:
            reader.get_metadata()
        assert caught.value.code == "no_metadata"
        writer.set_metadata(frame(50, 0))
        assert reader.get_metadata() == frame(50, 0)
        writer.write_frame(b"x")
        reader.read_frame(0).release()
        assert reader.get_metadata() == frame(50, 0)


def test_written_after_frames(name: str) -> None:
    with Reader(name, CONFIG) as reader, Writer(name) as writer:
        writer.write_frame(b"x")
        writer.set_metadata(b"late")
        reader.read_frame(0).release()
        assert reader.get_metadata() == b"late"


def test_wire_has_the_length_in_front(name: str) -> None:
    with Reader(name, CONFIG), Writer(name) as writer:
        writer.set_metadata(frame(100, 3))
        block = segment(name).read_bytes()[128:256]
        assert block == struct.pack("<Q", 100) + frame(100, 3) + bytes(20)
        fields = Fields.of(name)
        assert (fields.metadata_written, fields.metadata_free, fields.written_count) == (108, 20, 0)


def test_once_in_the_life_of_a_buffer(name: str) -> None:
    with Reader(name, CONFIG) as reader:
        for _ in range(2):
            with Writer(name) as writer:
                if reader.writer_state == "alive" and Fields.of(name).metadata_written == 0:
                    writer.set_metadata(b"first")
                with pytest.raises(MetadataExistsError) as caught:
                    writer.set_metadata(b"second")
                assert caught.value.code == "metadata_exists"
        assert reader.get_metadata() == b"first"


@pytest.mark.parametrize(
    ("block", "size", "fits"), [(128, 120, True), (128, 121, False), (64, 56, True), (0, 1, False)]
)
def test_bounds(name: str, block: int, size: int, fits: bool) -> None:
    with Reader(name, BufferConfig(block, 64)) as reader, Writer(name) as writer:
        if fits:
            writer.set_metadata(frame(size, 0))
            assert reader.get_metadata() == frame(size, 0)
            return
        with pytest.raises(MetadataTooLargeError) as caught:
            writer.set_metadata(bytes(size))
        assert (caught.value.code, caught.value.size) == ("metadata_too_large", size)
        assert caught.value.limit == max(0, block - 8)
        with pytest.raises(NoMetadataError):
            reader.get_metadata()


def test_empty_is_refused(name: str) -> None:
    with Reader(name, CONFIG), Writer(name) as writer:
        with pytest.raises(MetadataEmptyError) as caught:
            writer.set_metadata(b"")
        assert caught.value.code == "metadata_empty"
        writer.set_metadata(b"x")


def test_any_buffer(name: str) -> None:
    with Reader(name, CONFIG) as reader, Writer(name) as writer:
        writer.set_metadata(np.arange(4, dtype="<i4"))
        assert reader.get_metadata() == np.arange(4, dtype="<i4").tobytes()


@pytest.mark.parametrize("prefix", [0, 4, 6, 121, 1 << 63])
def test_length_that_cannot_be_is_corrupt(name: str, prefix: int) -> None:
    with Reader(name, CONFIG) as reader, Writer(name) as writer:
        writer.set_metadata(b"12345")
        poke_u64(name, 128, prefix)
        with pytest.raises(InvalidOiebError) as caught:
            reader.get_metadata()
        assert (caught.value.value, caught.value.field) == (prefix, "metadata length")
