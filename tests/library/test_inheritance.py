"""What a child of fork inherits keeps nobody alive: the locks end with the process that took them."""

from __future__ import annotations

import pytest

from tests.library import children
from tests.library.data import frame
from tests.library.processes import Child
from zerobuffer import BufferConfig, Reader, ReaderDeadError, Writer, WriterDeadError

CONFIG = BufferConfig(metadata_size=64, payload_size=4096)


@pytest.mark.parametrize("how", ["idle", "view", "blocked"])
def test_a_forked_child_does_not_keep_a_killed_writer_alive(name: str, how: str) -> None:
    """Found: a timeout instead of `writer_dead` in 8 of 8, and `writer_exists` for the next writer."""
    with Reader(name, CONFIG) as reader, Child(children.fork_with_writer, name=name, how=how) as parent:
        heir = parent.hear()
        try:
            reader.read_frame(20).release()
            parent.kill()
            with pytest.raises(WriterDeadError) as caught:
                while True:
                    reader.read_frame(5).release()
            assert caught.value.reason == "died"
            with Writer(name) as writer:
                writer.write_frame(frame(10, 1))
                with reader.read_frame(5) as got:
                    assert bytes(got.data) == frame(10, 1)
        finally:
            children.end(heir)


@pytest.mark.parametrize("how", ["idle", "view", "blocked"])
def test_a_forked_child_does_not_keep_a_killed_reader_alive(name: str, how: str) -> None:
    """Found: seven frames lost on the buffer of a dead reader."""
    with Child(children.fork_with_reader, name=name, how=how) as parent:
        heir = parent.hear()
        try:
            with Writer(name) as writer:
                writer.write_frame(frame(10, 1))
                parent.kill()
                with pytest.raises(ReaderDeadError):
                    writer.check_reader()
            with Reader(name, CONFIG) as reader, Writer(name) as writer:
                writer.write_frame(frame(10, 1))
                reader.read_frame(5).release()
        finally:
            children.end(heir)
