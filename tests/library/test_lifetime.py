"""Fork and exit: whoever inherits a buffer leaves it alone, and whoever ends leaves nothing."""

from __future__ import annotations

import pytest

from tests.library import children
from tests.library.data import objects
from tests.library.processes import Child
from zerobuffer import BufferConfig, Reader, Writer, WriterDeadError


@pytest.mark.parametrize("ending", ["return", "exit", "os._exit", "close", "collect"])
def test_child_of_fork_does_nothing_to_its_parents_buffer(name: str, ending: str) -> None:
    with Child(children.fork_with_open_buffer, name=name, ending=ending) as parent:
        assert parent.hear() == {
            "reader in child": "closed",
            "writer in child": "closed",
            "frame in child": "closed",
            "child": 0,
            "frames": [1, 2],
            "objects": 3,
        }
    assert objects(name) == []


def test_lock_is_not_kept_by_a_child_of_fork(name: str) -> None:
    with Child(children.fork_and_die, name=name) as parent:
        orphan = parent.hear()
        parent.kill()
        try:
            Reader(name, BufferConfig(0, 64)).close()
        finally:
            children.end(orphan)


def test_exit_closes_what_was_left_open(name: str) -> None:
    with Child(children.leave_open, name=name) as child:
        child.hear("ready")
        with Writer(f"{name}-b") as writer:
            writer.write_frame(b"x")
    assert objects(name) == []
    assert objects(f"{name}-b") == []


def test_writer_left_open_at_exit_is_a_graceful_close(name: str) -> None:
    with Reader(name, BufferConfig(0, 1024)) as reader:
        with Child(children.leave_writer_open, name=name) as child:
            child.hear("ready")
        with reader.read_frame(5) as got:
            assert bytes(got.data) == b"last words"
        with pytest.raises(WriterDeadError) as caught:
            reader.read_frame(5)
        assert caught.value.reason == "closed"
