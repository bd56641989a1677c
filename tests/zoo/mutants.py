# ruff: noqa: N801 - a mutant is named as the library it becomes
"""The zoo: the model with one thing wrong, and the scenarios that should notice.

``tests.zoo.mutants:NAME`` is a library for the driver, so that a mutant can be watched by hand:
``ZEROBUFFER_STEPS_LIBRARY=tests.zoo.mutants:lost_wakeup pytest features --scenario 1.7``.
"""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.zoo import channel, ring
from tests.zoo.memory import HEADER, SHM, RingError, alive, unlink_objects
from tests.zoo.model import Model
from tests.zoo.ring import Frame, Slot, Tail


@dataclass(frozen=True)
class Mutant:
    """One broken ring buffer."""

    name: str
    wrong: str
    scenarios: tuple[str, ...]
    library: Model


MUTANTS: dict[str, Mutant] = {}


def mutant(*scenarios: str) -> Callable[[type], Model]:
    """Turn a subclass of the model's reader, writer or server into a library; its docstring says what is wrong."""

    def register(kind: type) -> Model:
        slots = {
            ring.Reader: "Reader",
            ring.Writer: "Writer",
            channel.DuplexServer: "Server",
            channel.DuplexClient: "Client",
        }
        slot = next(name for base, name in slots.items() if issubclass(kind, base))
        library = type(kind.__name__, (Model,), {slot: kind})()
        wrong = (kind.__doc__ or "").strip()
        MUTANTS[kind.__name__] = Mutant(kind.__name__, wrong, scenarios, library)
        return library

    return register


# ---- wrapping


@mutant("5.8")
class no_wrap_marker(ring.Writer):
    """The tail is skipped without a marker."""

    def write_marker(self, position: int) -> None:
        pass


@mutant("4.6", "5.6.4")
class off_by_one_fit(ring.Writer):
    """A frame that fits exactly is not taken to fit."""

    def fits(self, total: int, tail: int) -> bool:
        return total < tail


@mutant("5.5", "4.8")
class tail_not_reserved(ring.Writer):
    """A wrap asks for the room of the frame alone, and the tail is not taken from the free bytes."""

    def needed_to_wrap(self, total: int, tail: int) -> int:
        return total

    def take_free_of_tail(self, tail: int) -> None:
        pass


@mutant("4.8", "5.5", "16.7", "4.1")
class overruns_reader(ring.Writer):
    """A wrap does not wait for the tail to be free, so unread frames are overwritten."""

    def needed_to_wrap(self, total: int, tail: int) -> int:
        return 0


@mutant("5.5")
class tail_not_returned(ring.Reader):
    """The space of a skipped tail never comes back."""

    def returned_by_wrap(self, tail: int) -> int:
        return 0


@mutant("5.5")
class marker_not_counted(ring.Writer):
    """The wrap marker is not counted as written."""

    def wrap(self) -> None:
        before = self.segment.load("payload_written_count")
        super().wrap()
        self.segment.store("payload_written_count", before)


@mutant("16.3")
class leaves_short_tails(ring.Writer):
    """A tail without room for a marker is left although it can be avoided."""

    def leaves_short_tail(self, rest: int) -> bool:
        return False


@mutant("16.4", "16.2.3")
class reads_short_tails(ring.Reader):
    """A tail without room for a marker is read as a header."""

    def is_implicit_wrap(self, tail: int) -> bool:
        return False


@mutant("4.13", "5.6.1")
class unwritable_waits(ring.Writer):
    """A frame that can never be written waits until its time is over."""

    def refuse_unwritable(self) -> None:
        pass


@mutant("4.6")
class position_at_end(ring.Writer):
    """After an exact fit the write position goes one past the end."""

    def move_to(self, position: int) -> None:
        self.segment.store("payload_write_pos", position + (position == self.size))

    def check_positions(self) -> None:
        pass

    def plan(self, total: int) -> tuple[int, bool, int]:
        return (0, False, total) if self.segment.load("payload_write_pos") >= self.size else super().plan(total)


# ---- counting space


@mutant("4.6", "1.3")
class free_not_returned(ring.Reader):
    """A released frame's space does not come back."""

    def give_back(self, lease: Frame | Tail) -> None:
        self.post_space()


@mutant("12.1", "4.6")
class header_not_returned(ring.Reader):
    """A released frame returns its bytes and forgets those of its header."""

    def give_back(self, lease: Frame | Tail) -> None:
        self.segment.add_free(lease.cost - HEADER.size)
        self.post_space()


@mutant("12.1", "16.6", "16.7")
class early_release(ring.Reader):
    """A frame's space is given back when it is read, while it is still held."""

    def take(self) -> Frame:
        frame = super().take()
        frame.released = True
        self.drain()
        frame.released = False
        return frame

    def drain(self) -> None:
        while self._leases and self._leases[0].released:
            self.give_back(self._leases.popleft())


@mutant("16.6")
class release_out_of_order(ring.Reader):
    """Space comes back in the order of releases, not of the ring."""

    def drain(self) -> None:
        for lease in [lease for lease in self._leases if lease.released]:
            self._leases.remove(lease)
            self.give_back(lease)


@mutant("1.7")
class lossy_free(ring.Writer):
    """The free bytes are changed by a load, a pause and a store: the reader's additions get lost."""

    def publish(self, slot: Slot) -> None:
        free = self.segment.load("payload_free_bytes")
        super().publish(slot)
        if not slot.wraps:
            # Long enough for a reader to take and release the frame.
            time.sleep(0.0005)
            self.segment.store("payload_free_bytes", free - slot.size - HEADER.size)


@mutant("16.9")
class tokens_pile_up(ring.Writer):
    """Tokens of space are never drained."""

    def drain_tokens(self) -> None:
        pass


# ---- signalling


@mutant("4.2", "1.7")
class lost_wakeup(ring.Writer):
    """Every seventh frame is not signalled."""

    def post_data(self) -> None:
        if (self.next_sequence - 1) % 7:
            super().post_data()


@mutant("4.2", "6.4")
class double_wakeup(ring.Writer):
    """Every frame is signalled twice."""

    def post_data(self) -> None:
        super().post_data()
        super().post_data()


@mutant("5.5")
class marker_signalled(ring.Writer):
    """A wrap marker is signalled like a frame."""

    def write_marker(self, position: int) -> None:
        super().write_marker(position)
        self.post_data()


@mutant("12.1")
class release_not_signalled(ring.Reader):
    """A release posts nothing."""

    def post_space(self) -> None:
        pass


@mutant("4.1", "4.5")
class published_too_early(ring.Writer):
    """The frame is signalled before its bytes are there."""

    def write_frame(self, data: bytes, timeout: float | None = 5.0) -> None:
        slot = self.acquire(len(data), timeout)
        with slot.data as view:
            slot.commit()
            time.sleep(0.003)
            view[:] = data


# ---- headers and sequence


@mutant("12.5", "1.1")
class big_endian_sequence(ring.Writer):
    """The sequence is written with the wrong byte order."""

    def pack_header(self, size: int, sequence: int) -> bytes:
        return struct.pack("<Q", size) + struct.pack(">Q", sequence)


@mutant("12.5", "3.1")
class big_endian_metadata(ring.Writer):
    """The length before the metadata is written with the wrong byte order."""

    def metadata_prefix(self, size: int) -> bytes:
        return struct.pack(">Q", size)


@mutant("7.4.3")
class torn_header(ring.Writer):
    """Sizes of 64 KiB and more lose their upper half."""

    def pack_header(self, size: int, sequence: int) -> bytes:
        return HEADER.pack(size & 0xFFFF, sequence)


@mutant("6.1", "10.2.6")
class sequence_not_checked(ring.Reader):
    """Whatever sequence comes is taken."""

    def check_sequence(self, sequence: int) -> None:
        pass


@mutant("6.5", "18.5")
class restart_always_accepted(ring.Reader):
    """A sequence that starts again is taken without a new writer."""

    def accepts_restart(self) -> bool:
        return True


@mutant("15.5", "15.6")
class restart_never_accepted(ring.Reader):
    """A new writer's first frame is out of sequence for ever."""

    def accepts_restart(self) -> bool:
        return False


@mutant("1.1")
class sequence_from_zero(ring.Writer):
    """The first frame has the number 0."""

    def first_sequence(self) -> int:
        return 0


@mutant("5.2.2", "10.2.2")
class size_not_checked(ring.Reader):
    """A size beyond the end of the ring is believed."""

    def check_size(self, size: int, tail: int) -> None:
        if size == 0:
            raise RingError("invalid_frame_size")


@mutant("5.2.1", "10.2.1")
class zero_is_marker(ring.Reader):
    """Every size of 0 is taken for a wrap marker, whatever its sequence."""

    def is_marker(self, size: int, sequence: int) -> bool:
        return size == 0


@mutant("4.7")
class empty_frames(ring.Writer):
    """A frame of no bytes is written."""

    def check_frame_size(self, size: int) -> None:
        if size:
            super().check_frame_size(size)


@mutant("4.4")
class too_large_waits(ring.Writer):
    """A frame larger than the ring is called full instead of too large."""

    def check_frame_size(self, size: int) -> None:
        if size + HEADER.size > self.size:
            raise RingError("buffer_full")
        super().check_frame_size(size)


@mutant("7.4.2", "1.1")
class last_byte_lost(ring.Writer):
    """The last byte of each frame is not copied."""

    def write_frame(self, data: bytes, timeout: float | None = 5.0) -> None:
        super().write_frame(data[:-1] + b"\xff", timeout)


# ---- metadata


@mutant("3.1")
class metadata_rewritable(ring.Writer):
    """Metadata can be written again."""

    def has_metadata(self) -> bool:
        return False


@mutant("3.2")
class metadata_ignores_prefix(ring.Writer):
    """The eight bytes before the metadata are forgotten when it is measured."""

    def check_metadata_size(self, size: int) -> None:
        if size > self.metadata_size:
            raise RingError("metadata_too_large")


@mutant("18.3.1", "18.3.3")
class metadata_length_believed(ring.Reader):
    """Whatever length stands before the metadata is believed."""

    def check_metadata_length(self, length: int) -> None:
        pass


# ---- owners


@mutant("2.4", "4.10")
class second_writer_let_in(ring.Writer):
    """A second writer takes the place of the first."""

    def writer_exists(self) -> bool:
        return False


@mutant("15.6", "17.1.1")
class dead_writer_stays(ring.Writer):
    """A writer that was killed keeps its place for ever."""

    def writer_exists(self) -> bool:
        return self.segment.load("writer_pid") != 0


@mutant("15.5", "12.1")
class pid_not_cleared(ring.Writer):
    """A writer that closes leaves its number."""

    def clear_pid(self) -> None:
        pass


@mutant("2.1", "10.4")
class writer_death_unnoticed(ring.Reader):
    """A reader waits for a writer that is dead."""

    def writer_lives(self, pid: int) -> bool:
        return True


@mutant("2.1")
class death_before_frames(ring.Reader):
    """A dead writer's last frames are not delivered."""

    def await_token(self, deadline: object) -> None:
        if self.look_at_writer() == "died":
            raise RingError("writer_dead")
        super().await_token(deadline)  # type: ignore[arg-type]


@mutant("10.4", "2.1")
class death_noticed_late(ring.Reader):
    """The writer's death is noticed after three seconds."""

    _first = 0.0

    def writer_lives(self, pid: int) -> bool:
        if super().writer_lives(pid):
            return True
        self._first = self._first or time.monotonic()
        return time.monotonic() < self._first + 3


@mutant("2.2", "10.7")
class reader_death_unnoticed(ring.Writer):
    """A writer goes on for a reader that is dead."""

    def reader_lives_now(self) -> bool:
        return True


@mutant("15.10")
class cleanup_too_eager(ring.Reader):
    """The objects of a living reader are replaced."""

    def take_lock(self, name: str) -> int:
        return os.open(self.lock_path(name), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def refuse_living_owner(self, name: str) -> None:
        pass


@mutant("2.3", "8.4.2")
class cleanup_too_shy(ring.Reader):
    """What a dead reader left is not replaced."""

    def remove_stale(self, name: str) -> None:
        pass


@mutant("8.4.3", "17.4")
class stale_tokens_kept(ring.Reader):
    """A stale semaphore is used again with the value it has."""

    def remove_stale(self, name: str) -> None:
        path = self._data_path(name)
        value = path.read_bytes() if path.is_file() else None
        unlink_objects(name)
        if value is not None:
            path.write_bytes(value)

    def create_objects(self, name: str, config: ring.BufferConfig) -> None:
        path = self._data_path(name)
        kept = path.read_bytes() if path.is_file() else None
        path.unlink(missing_ok=True)
        super().create_objects(name, config)
        if kept is not None:
            with path.open("r+b") as semaphore:
                semaphore.write(kept)

    @staticmethod
    def _data_path(name: str) -> Path:
        return SHM / f"sem.sem-w-{name}"


@mutant("15.11")
class number_believed(ring.Reader):
    """A process number that another process has now keeps a dead buffer."""

    def owner_lives(self, pid: int, made: float) -> bool:
        return alive(pid)


@mutant("7.2")
class half_made(ring.Reader):
    """A creation that fails half-way leaves what it has made."""

    def roll_back(self, name: str) -> None:
        pass


@mutant("8.1", "12.3")
class segment_left(ring.Reader):
    """A reader that closes leaves the segment."""

    def remove_own(self, name: str) -> None:
        pass


@mutant("15.9")
class writer_not_woken(ring.Reader):
    """A reader that closes does not say so: its number stays."""

    def close(self) -> None:
        pid = self.segment.load("reader_pid")
        segment, keep = self.segment.map, struct.pack("<Q", pid)
        store = self.segment.store

        def forgetful(field: str, value: int) -> None:
            if field == "reader_pid":
                segment[88:96] = keep
            else:
                store(field, value)

        self.segment.store = forgetful  # type: ignore[method-assign]
        super().close()


# ---- connecting


@mutant("5.1.1", "5.1.3")
class header_not_checked(ring.Writer):
    """Nothing in the control block is checked."""

    def check_header(self) -> None:
        pass


@mutant("5.1.4", "5.1.6")
class lengths_not_checked(ring.Writer):
    """Sizes are not compared with the length of the segment."""

    def check_lengths(self) -> None:
        pass


@mutant("18.1.1", "18.1.3")
class positions_not_checked(ring.Writer):
    """Positions beyond the end are believed."""

    def check_positions(self) -> None:
        pass

    def check_free(self, free: int) -> None:
        pass


@mutant("18.2.1")
class free_not_checked(ring.Writer):
    """More free bytes than the ring has are believed."""

    def check_free(self, free: int) -> None:
        pass


# ---- layout


@mutant("12.2.1")
class not_rounded(ring.Reader):
    """Sizes are taken as asked for."""

    def header(self, metadata: int, payload: int) -> bytes:
        return super().header(metadata, payload - 28 if payload == 128 else payload)


@mutant("12.1", "6.4")
class reads_not_counted(ring.Reader):
    """Frames read are not counted."""

    def count_read(self) -> None:
        pass


@mutant("16.8")
class released_readable(ring.Reader):
    """A released frame can still be looked at."""

    def forbids_released(self) -> bool:
        return False


@mutant("16.1")
class abandoned_counts(ring.Writer):
    """A frame that is given up leaves a hole."""

    def acquire(self, size: int, timeout: float | None = 5.0) -> Slot:
        slot = super().acquire(size, timeout)
        slot.abandon = lambda: self.publish(slot)  # type: ignore[method-assign]
        return slot


# ---- duplex


@mutant("13.8")
class requests_writable(ring.Reader):
    """A handler can change the request it is given."""

    def lends_read_only(self) -> bool:
        return False


@mutant("13.2", "13.3")
class answers_swapped(channel.DuplexServer):
    """Every second answer is that to the request before."""

    _last = b""
    _count = 0

    def respond(self, content: bytes) -> None:
        self._count += 1
        answer = self._last if self._count % 2 == 0 else content
        self._last = content
        super().respond(answer)


@mutant("13.2", "13.3")
class answers_twice(channel.DuplexServer):
    """Every tenth request is answered twice."""

    _count = 0

    def respond(self, content: bytes) -> None:
        self._count += 1
        super().respond(content)
        if self._count % 10 == 0:
            super().respond(content)


@mutant("13.6")
class answers_dropped(channel.DuplexServer):
    """An answer that finds no room at once is dropped."""

    def respond(self, content: bytes) -> None:
        if self._responses is None:
            super().respond(content)
            return
        try:
            self._responses.write_frame(content, 0)
        except RingError:
            return


@mutant("13.9")
class serves_one_client(channel.DuplexServer):
    """After its first client a server answers nobody."""

    def respond(self, content: bytes) -> None:
        pid = self.requests.segment.load("writer_pid")
        self._first = getattr(self, "_first", pid)
        if pid == self._first:
            super().respond(content)

    def still_there(self, asker: int) -> bool:
        self._first = getattr(self, "_first", asker)
        return super().still_there(asker)


@mutant("13.9")
class answers_next_client(channel.DuplexServer):
    """The answer to a client that died is given to the one that came after it."""

    def still_there(self, asker: int) -> bool:
        return True


@mutant("13.10")
class server_leaves_buffer(channel.DuplexServer):
    """A server that ends leaves its request buffer."""

    def close(self) -> None:
        self.requests.remove_own = lambda name: None  # type: ignore[method-assign]
        super().close()
