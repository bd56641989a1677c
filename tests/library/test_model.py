"""Reader and writer driven against the model: in one process, and in two."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Callable
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.library import children
from tests.library.data import Fields, frame, objects
from tests.library.model import Lent, Ring, Written
from tests.library.processes import Child
from zerobuffer import (
    BufferConfig,
    Frame,
    FrameBatch,
    FrameTimeoutError,
    Reader,
    Writer,
    WriterDeadError,
    ZeroBufferError,
    _core,
)

PAYLOADS = (64, 128, 320, 1024)

_numbers = itertools.count()

SETTINGS = settings(max_examples=50, stateful_step_count=50, suppress_health_check=list(HealthCheck))


def sizes_for(payload: int) -> st.SearchStrategy[int]:
    """Sizes around every edge of a ring of this size."""
    edges = [0, 1, 15, 16, 17, payload // 2 - 16, payload // 2 - 15, payload - 33, payload - 17, payload - 16, payload]
    return st.one_of(st.sampled_from([edge for edge in edges if edge >= 0]), st.integers(1, payload // 2))


def code_of(attempt: Callable[[], object]) -> str:
    try:
        attempt()
    except ZeroBufferError as error:
        return error.code
    return "ok"


class OneRing(RuleBasedStateMachine):
    """A reader here; the writer is reached through `put`, `put_all`, `connect` and `disconnect`."""

    reader: Reader
    ring: Ring
    ring_type: ClassVar[type[Ring]] = Ring

    def __init__(self) -> None:
        super().__init__()
        self.name = f"t{os.getpid()}-model-{next(_numbers)}"
        self.held: list[tuple[Frame, Written, Lent]] = []
        self.batches: list[tuple[FrameBatch, list[tuple[Written, Lent]]]] = []
        self.connected = False

    @initialize(payload=st.sampled_from(PAYLOADS))
    def create(self, payload: int) -> None:
        self.ring = self.ring_type(payload)
        self.reader = Reader(self.name, BufferConfig(metadata_size=64, payload_size=payload))
        self.connect()
        assert self.reader.writer_state == "alive"

    def teardown(self) -> None:
        # From the last to the first, and each whatever the others do: a reader that stays leaves its objects.
        with contextlib.ExitStack() as ending:
            if hasattr(self, "reader"):
                ending.callback(self.reader.close)
            ending.callback(self.disconnect)
            for batch, _ in self.batches:
                ending.callback(batch.release)
            for item, _, _ in self.held:
                ending.callback(item.release)

    # -- the writer, in this process --

    writer: Writer | None = None

    def connect(self) -> None:
        self.writer = Writer(self.name)
        self.connected = True

    def disconnect(self) -> None:
        if self.writer is not None:
            self.writer.close()
        self.connected = False

    def put(self, data: bytes, how: str) -> str:
        assert self.writer is not None
        writer = self.writer

        def in_place() -> None:
            with writer.acquire(len(data), 0) as view:
                view[:] = data

        return code_of(in_place if how == "acquire" else lambda: writer.write_frame(data, 0))

    def put_all(self, items: list[bytes], first: int) -> tuple[str, int]:
        assert self.writer is not None
        try:
            return "ok", self.writer.write_frames(items, 0)
        except ZeroBufferError as error:
            return error.code, error.written

    # -- what may happen --

    @precondition(lambda self: self.connected)
    @rule(data=st.data(), how=st.sampled_from(["write_frame", "acquire"]))
    def write(self, data: st.DataObject, how: str) -> None:
        size = data.draw(sizes_for(self.ring.size))
        content = frame(size, self.ring.next_sequence)
        assert self.put(content, how) == self.ring.write(content)

    @precondition(lambda self: self.connected)
    @rule(data=st.data())
    def write_batch(self, data: st.DataObject) -> None:
        sizes = data.draw(st.lists(sizes_for(self.ring.size), min_size=1, max_size=6))
        first = self.ring.next_sequence
        items = [frame(size, sequence) for sequence, size in enumerate(sizes, start=first)]
        expected = "ok", len(items)
        for done, item in enumerate(items):
            code = self.ring.write(item)
            if code != "ok":
                expected = code, done
                break
        assert self.put_all(items, first) == expected

    @precondition(lambda self: self.connected and self.writer is not None)
    @rule(data=st.data())
    def abandon(self, data: st.DataObject) -> None:
        assert self.writer is not None
        size = data.draw(sizes_for(self.ring.size))
        with contextlib.suppress(ZeroBufferError, ZeroDivisionError), self.writer.acquire(size, 0) as view:
            view[:] = b"\xff" * size
            _ = 1 // 0

    @rule()
    def read(self) -> None:
        if not self.ring.unread:
            with pytest.raises(FrameTimeoutError if self.connected else WriterDeadError):
                self.reader.read_frame(0)
            return
        got = self.reader.read_frame(0)
        written, lent = self.ring.read()
        self.held.append((got, written, lent))
        assert got.sequence == written.sequence

    @rule(most=st.integers(1, 5))
    def read_batch(self, most: int) -> None:
        if not self.ring.unread:
            return
        batch = self.reader.read_frames(most, 0)
        parts = [self.ring.read() for _ in range(min(most, len(self.ring.unread)))]
        self.batches.append((batch, parts))
        assert len(batch) == len(parts)

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        item, _, lent = self.held.pop(data.draw(st.integers(0, len(self.held) - 1)))
        item.release()
        self.ring.give_back(lent)

    @precondition(lambda self: self.batches)
    @rule(data=st.data(), look=st.booleans())
    def release_batch(self, data: st.DataObject, look: bool) -> None:
        batch, parts = self.batches.pop(data.draw(st.integers(0, len(self.batches) - 1)))
        if look:
            assert [item.sequence for item in batch] == [written.sequence for written, _ in parts]
        batch.release()
        for _, lent in parts:
            self.ring.give_back(lent)

    @rule()
    def change_writers(self) -> None:
        if self.connected:
            self.disconnect()
        else:
            self.connect()
            self.ring.reconnect()

    # -- what must hold --

    @invariant()
    def held_frames_are_whole(self) -> None:
        for item, written, _ in self.held:
            assert bytes(item.data) == written.data
        for batch, parts in self.batches:
            assert batch.tobytes() == [written.data for written, _ in parts]

    @invariant()
    def fields_agree(self) -> None:
        if not hasattr(self, "reader"):
            return
        fields = Fields.of(self.name)
        assert fields.free == self.ring.free
        assert fields.write_pos == self.ring.position
        assert fields.read_pos == self.ring.read_position
        assert (fields.written_count, fields.read_count) == (self.ring.written_count, self.ring.read_count)
        assert fields.committed % fields.payload_size == fields.write_pos
        assert fields.free == fields.payload_size - (fields.committed - fields.released)
        assert _core.semaphore_value(f"/sem-w-{self.name}") == len(self.ring.unread)


class TwoProcesses(OneRing):
    """The same, with the writer in another process; and both at work at once."""

    child: ClassVar[Child]

    def connect(self) -> None:
        assert self.child.ask("connect", self.name) == "ok"
        self.connected = True

    def disconnect(self) -> None:
        if self.connected:
            assert self.child.ask("close") == "ok"
        self.connected = False

    def put(self, data: bytes, how: str) -> str:
        return str(self.child.ask(how, len(data), self.ring.next_sequence))

    def put_all(self, items: list[bytes], first: int) -> tuple[str, int]:
        code, written = self.child.ask("write_frames", [len(item) for item in items], first)
        return code, written

    @precondition(lambda self: self.connected and not self.held and not self.batches)
    @rule(data=st.data())
    def rush(self, data: st.DataObject) -> None:
        """Both sides run: the writer blocks for space while the reader makes it."""
        always_fits = self.ring.size // 2 - 16
        sizes = data.draw(st.lists(st.integers(1, always_fits), min_size=1, max_size=30))
        self.child.say(["rush", sizes, self.ring.next_sequence])
        for size in sizes:
            content = frame(size, self.ring.next_sequence)
            while self.ring.write(content) == "buffer_full":
                self._take()
        while self.ring.unread:
            self._take()
        self.child.hear("ok")

    def _take(self) -> None:
        written, lent = self.ring.read()
        with self.reader.read_frame(5) as got:
            assert (got.sequence, bytes(got.data)) == (written.sequence, written.data)
        self.ring.give_back(lent)


def test_one_process_against_the_model() -> None:
    run_state_machine_as_test(OneRing, settings=SETTINGS)


def test_two_processes_against_the_model() -> None:
    with Child(children.obey) as child:
        TwoProcesses.child = child
        run_state_machine_as_test(TwoProcesses, settings=settings(SETTINGS, max_examples=25))


def test_a_machine_whose_writer_is_gone_leaves_nothing() -> None:
    with Child(children.obey) as child:
        TwoProcesses.child = child
        machine = TwoProcesses()
        machine.create(payload=PAYLOADS[0])
        assert objects(machine.name) != []
        child.kill()
        with pytest.raises(OSError, match="Broken pipe"):
            machine.teardown()
        assert objects(machine.name) == []


@pytest.mark.parametrize("flaw", ["loses space", "wrong wrap", "keeps counting"])
def test_model_that_is_wrong_is_caught(flaw: str) -> None:
    """The comparison is sharp: a model with one rule changed disagrees with the library."""

    class Flawed(OneRing):
        ring_type = _FLAWED[flaw]

    with pytest.raises(AssertionError):
        run_state_machine_as_test(
            Flawed, settings=settings(SETTINGS, max_examples=200, database=None, phases=[Phase.generate])
        )


class _LosesSpace(Ring):
    def give_back(self, lent: Lent) -> None:
        super().give_back(lent)
        self.free -= 1


class _WrongWrap(Ring):
    def judge(self, size: int) -> tuple[str, int]:
        code, given_up = super().judge(size)
        return code, min(given_up, 15)


class _KeepsCounting(Ring):
    def reconnect(self) -> None:
        pass


_FLAWED = {"loses space": _LosesSpace, "wrong wrap": _WrongWrap, "keeps counting": _KeepsCounting}
