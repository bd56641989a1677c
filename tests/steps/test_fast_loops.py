"""The fast loops say the same of a series as the general ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from step_definitions.fast_loops import read_blind, write_alike
from step_definitions.transfer import Clock, TransferBuilder

FRAMES = st.lists(st.tuples(st.integers(0, 5), st.integers(1, 3)), max_size=12)


@dataclass
class Frame:
    sequence: int
    size: int
    released: bool = False

    @property
    def data(self) -> memoryview:
        raise AssertionError("nobody shall look")

    def release(self) -> None:
        self.released = True


@dataclass
class Reader:
    """Reads what it is given, then fails."""

    frames: list[Frame]
    timeouts: list[float] = field(default_factory=list)
    given: list[Frame] = field(default_factory=list)

    def read_frame(self, timeout: float | None = None) -> Frame:
        assert all(frame.released for frame in self.given), "each is released before the next"
        assert timeout is not None
        self.timeouts.append(timeout)
        if not self.frames:
            raise TimeoutError("nothing came")
        self.given.append(self.frames.pop(0))
        return self.given[-1]

    def get_metadata(self) -> bytes:
        return b""

    def close(self) -> None:
        pass


@dataclass
class Writer:
    next_sequence: int = 1
    step: int = 1
    written: list[tuple[bytes, float]] = field(default_factory=list)

    def write_frame(self, data: bytes, timeout: float | None = None) -> None:
        assert timeout is not None
        self.written.append((data, timeout))
        self.next_sequence += self.step

    def acquire(self, size: int, timeout: float | None = None) -> Any:
        raise NotImplementedError

    def set_metadata(self, content: bytes, /) -> None:
        raise NotImplementedError

    def close(self) -> None:
        pass


def without_time(transfer: TransferBuilder) -> dict[str, Any]:
    found = transfer.as_dict(Clock(1))
    return {key: value for key, value in found.items() if "seconds" not in key}


def general(frames: Sequence[tuple[int, int]]) -> TransferBuilder:
    transfer = TransferBuilder()
    for sequence, size in frames:
        transfer.add(sequence, size)
    return transfer


@given(FRAMES)
def test_what_was_read_is_summed_up_alike(frames: list[tuple[int, int]]) -> None:
    transfer = TransferBuilder()
    read_blind(Reader([Frame(*one) for one in frames]), len(frames), Clock(5), transfer)
    assert without_time(transfer) == without_time(general(frames))


@given(FRAMES)
def test_also_when_it_ends_in_an_error(frames: list[tuple[int, int]]) -> None:
    transfer, reader = TransferBuilder(), Reader([Frame(*one) for one in frames])
    with pytest.raises(TimeoutError):
        read_blind(reader, len(frames) + 1, Clock(5), transfer)
    assert without_time(transfer) == without_time(general(frames))
    assert all(frame.released for frame in reader.given)


def test_the_deadline_is_one_for_all_and_never_negative() -> None:
    reader, writer = Reader([Frame(1, 1), Frame(2, 1)]), Writer()
    read_blind(reader, 2, Clock(-1), TransferBuilder())
    write_alike(writer, b"abc", 2, Clock(-1))
    assert reader.timeouts == [0.0, 0.0]
    assert [timeout for _, timeout in writer.written] == [0.0, 0.0]
    write_alike(writer, b"abc", 1, Clock(60))
    assert 50 < writer.written[-1][1] <= 60


def test_what_was_written_is_summed_up_alike() -> None:
    assert without_time(write_alike(Writer(7), b"abc", 3, Clock(5))) == without_time(general([(7, 3), (8, 3), (9, 3)]))
    assert without_time(write_alike(Writer(7, step=2), b"abc", 3, Clock(5)))["breaks"] == 1
    assert without_time(write_alike(Writer(7), b"abc", 0, Clock(5))) == without_time(general([]))
