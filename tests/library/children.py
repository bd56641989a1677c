"""What the processes of tests do. Each function runs in a process of its own; see `processes`."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import resource
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.library.data import frame, objects
from tests.library.processes import Child, Parent
from zerobuffer import (
    BufferConfig,
    BufferFullError,
    BufferNotFoundError,
    DuplexClient,
    DuplexServer,
    Frame,
    FrameUnwritableError,
    InvalidOiebError,
    Reader,
    ReaderDeadError,
    Writer,
    ZeroBufferError,
    _core,
)
from zerobuffer.ownership import remove_stale
from zerobuffer.presence import is_alive


def idle(parent: Parent) -> None:
    """Live until told to end."""
    parent.say("ready")
    parent.wait_for_end()


def hold_reader(parent: Parent, name: str, payload_size: int = 4096, mode: int = 0o600) -> None:
    """Create a buffer and keep it until told to end."""
    with Reader(name, BufferConfig(metadata_size=64, payload_size=payload_size, mode=mode)):
        parent.say("ready")
        parent.wait_for_end()


def hold_writer(parent: Parent, name: str, timeout: float = 0.0) -> None:
    """Connect, and write whatever [size, sequence] pairs are asked for."""
    with Writer(name, timeout=timeout) as writer:
        parent.say("ready")
        while True:
            for size, sequence in parent.hear():
                writer.write_frame(frame(size, sequence))
            parent.say("written")


def write(parent: Parent, name: str, sizes: list[int]) -> None:
    """Write frames of these sizes and leave."""
    del parent
    with Writer(name, timeout=10) as writer:
        for sequence, size in enumerate(sizes, start=1):
            writer.write_frame(frame(size, sequence), 20)


def follow_oneself(parent: Parent, name: str, size: int, count: int) -> None:
    """Write one frame and leave; connect again and write many."""
    del parent
    for frames in (1, count):
        with Writer(name, timeout=20) as writer:
            for sequence in range(1, frames + 1):
                writer.write_frame(frame(size, sequence % 251), 20)


def leave_corpses(parent: Parent, name: str) -> None:
    """Whenever asked, leave the buffer of a reader that was killed."""
    while True:
        parent.hear()
        ready, tell = os.pipe()
        pid = os.fork()
        if pid == 0:
            reader = Reader(name, BufferConfig(metadata_size=0, payload_size=4096))
            os.write(tell, b"x")
            signal.pause()
            reader.close()
        os.close(tell)
        os.read(ready, 1)
        os.close(ready)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        parent.say("dead")


def fill(parent: Parent, name: str, size: int) -> None:
    """Whenever asked, connect as soon as it can be done, fill the ring, and tell with how many frames."""
    while True:
        parent.hear()
        written = 0
        while written == 0:
            with contextlib.suppress(BufferNotFoundError, InvalidOiebError, ReaderDeadError), Writer(name) as writer:
                try:
                    while True:
                        writer.write_frame(frame(size, written + 1), 0)
                        written += 1
                except (BufferFullError, FrameUnwritableError):
                    break
                except ReaderDeadError:
                    written = 0
        parent.say(written)


def _heir(hold: Callable[[], object]) -> int:
    """Fork while something of the library is in use; return the number of the child, which lives on."""
    ready, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(tell, b"x")  # it has let go by now: that is what happens inside of fork
        signal.pause()
        os._exit(0)
    os.read(ready, 1)
    os.close(ready)
    os.close(tell)
    hold()
    return pid


def fork_with_writer(parent: Parent, name: str, how: str) -> None:
    """Hold a writer, and fork: with nothing else, with a slot's view at hand, or with a thread that waits for space."""
    writer = Writer(name, timeout=10)
    writer.write_frame(frame(100, 1))
    held: object = None
    if how == "view":
        held = writer.acquire(100).data
    elif how == "blocked":
        threading.Thread(target=lambda: _code(lambda: [writer.write_frame(frame(1000, 1)) for _ in range(100)])).start()
        while writer.free_bytes >= 1016:
            os.sched_yield()
    parent.say(_heir(lambda: held))
    parent.wait_for_end()


def fork_with_reader(parent: Parent, name: str, how: str) -> None:
    """Hold a reader, and fork: with nothing else, with a frame's view at hand, or with a thread that waits for one."""
    reader = Reader(name, BufferConfig(metadata_size=64, payload_size=4096))
    held: object = None
    if how == "view":
        with Writer(name) as writer:
            writer.write_frame(frame(100, 1))
        held = reader.read_frame(5).data
    elif how == "blocked":
        threading.Thread(target=lambda: _code(lambda: reader.read_frame(60))).start()
    parent.say(_heir(lambda: held))
    parent.wait_for_end()


def connect_and_write(parent: Parent, name: str) -> None:
    """Connect, write one frame, and tell how it went."""

    def attempt() -> None:
        with Writer(name) as writer:
            writer.write_frame(frame(10, 1))

    parent.say(_code(attempt))


def _read_on(reader: Reader, _: Writer) -> None:
    while True:
        reader.read_frame(20)


def _read_batches(reader: Reader, _: Writer) -> None:
    while True:
        reader.read_frames(10, 20)


def _write_on(_: Reader, writer: Writer) -> None:
    while True:
        writer.write_frame(frame(1000, 1), 20)


def _write_batches(_: Reader, writer: Writer) -> None:
    while True:
        writer.write_frames([frame(1000, 1)] * 10, 20)


def _acquire_on(_: Reader, writer: Writer) -> None:
    while True:
        with writer.acquire(1000, 20) as view:
            view[:] = frame(1000, 1)


def _stream(reader: Reader, writer: Writer) -> None:
    while True:
        writer.write_frame(frame(1000, 1), 20)
        reader.read_frame(20).release()


INTERRUPTED: dict[str, Callable[[Reader, Writer], None]] = {
    "read_frame": _read_on,
    "read_frames": _read_batches,
    "write_frame": _write_on,
    "write_frames": _write_batches,
    "acquire": _acquire_on,
    "both": _stream,
    "serve_forever": lambda *_: None,
}


def closed_by_signal(parent: Parent, name: str, call: str, rounds: int) -> None:
    """Be in the middle of a call again and again, and close both sides in the handler of SIGTERM."""
    for number in range(rounds):
        if call == "serve_forever":
            server = DuplexServer(f"{name}-{number}", BufferConfig(64, 1024))
            signal.signal(signal.SIGTERM, lambda *_, server=server: server.stop())
            parent.say("ready")
            server.serve_forever(lambda _: b"x")
            server.close()
            parent.say("closed")
            continue
        reader = Reader(f"{name}-{number}", BufferConfig(64, 4096))
        writer = Writer(reader.name)

        def close(*_: object, reader: Reader = reader, writer: Writer = writer) -> None:
            writer.close()
            reader.close()

        signal.signal(signal.SIGTERM, close)
        parent.say("ready")
        try:
            INTERRUPTED[call](reader, writer)
        except ZeroBufferError as failure:
            parent.say("gone" if failure.code in {"reader_dead", "writer_dead"} else failure.code)


def _code(attempt: Callable[[], object]) -> str:
    try:
        attempt()
    except ZeroBufferError as error:
        return error.code
    return "ok"


def create_with_few_descriptors(parent: Parent, name: str) -> None:
    """Create the buffer with 0, 1, 2 … descriptors left, and tell how each attempt ended."""
    used = max(int(entry) for entry in os.listdir("/proc/self/fd")) + 1  # noqa: PTH208 - the names are the point
    outcomes = []
    for spare in range(12):
        resource.setrlimit(resource.RLIMIT_NOFILE, (used + spare, 4096))
        outcomes.append(_code(lambda: Reader(name, BufferConfig(64, 1024)).close()))
    parent.say(outcomes)


def create_under_limit(parent: Parent, name: str, limit: int, size: int) -> None:
    """Create a buffer that a resource limit forbids."""
    resource.setrlimit(limit, (1 << 19 if limit == resource.RLIMIT_FSIZE else 1 << 32, resource.RLIM_INFINITY))
    parent.say(_code(lambda: Reader(name, BufferConfig(0, size, preallocate=False)).close()))


def race_to_create(parent: Parent) -> None:
    """Create each name that is said, at once."""
    while True:
        name = parent.hear()
        try:
            reader = Reader(name, BufferConfig(64, 1024))
        except ZeroBufferError as error:
            parent.say(error.code)
            parent.hear()
        else:
            parent.say("ok")
            parent.hear()
            reader.close()
        parent.say("closed")


def race_to_connect(parent: Parent) -> None:
    """Connect to each name that is said, at once."""
    while True:
        name = parent.hear()
        try:
            writer = Writer(name)
        except ZeroBufferError as error:
            parent.say(error.code)
            parent.hear()
        else:
            parent.say("ok")
            parent.hear()
            writer.close()
        parent.say("closed")


def try_everything(parent: Parent, name: str, owner: int) -> None:
    """Try what a stranger may try with somebody else's buffer."""
    parent.say(
        {
            "owner is alive": is_alive(owner),
            "Reader": _code(lambda: Reader(name)),
            "Writer": _code(lambda: Writer(name)),
            "remove_stale": _code(lambda: remove_stale(name)),
        }
    )


# ---- life and death -------------------------------------------------------------------------------------------------


def connect_then_close(parent: Parent, name: str) -> None:
    """Connect; close when told, and tell when."""
    writer = Writer(name)
    parent.say("ready")
    parent.hear()
    moment = time.monotonic()
    writer.close()
    parent.say(moment)


def serve_slowly(parent: Parent, name: str) -> None:
    """Answer requests, each after a minute."""

    def handle(_: Frame) -> bytes:
        parent.say("in the handler")
        time.sleep(60)
        return b"late"

    with DuplexServer(name) as server:
        server.start(handle)
        parent.say("ready")
        parent.wait_for_end()


def _next_pid(pid: int) -> None:
    Path("/proc/sys/kernel/ns_last_pid").write_text(str(pid - 1))


def reuse_pids(parent: Parent, name: str) -> None:
    """In a pid namespace of our own: the dead side's pid goes to another process while the other is blocked."""
    answer: dict[str, object] = {}

    # The reader dies; its pid comes again.
    _next_pid(5000)
    with Child(hold_reader, name=name) as reader:
        reader.hear("ready")
        with Writer(name) as writer, ThreadPoolExecutor(1) as pool:
            writer.write_frame(bytes(4080))
            blocked = pool.submit(writer.write_frame, b"x", 60)
            reader.kill()
            _next_pid(reader.pid)
            with Child(idle) as stranger:
                stranger.hear("ready")
                answer["same pid again"] = stranger.pid == reader.pid
                error = blocked.exception(60)
                assert isinstance(error, ZeroBufferError)
                answer["blocked write"] = [error.code, error.reason]

    # The writer dies; its pid comes again, and then belongs to the next writer.
    with Reader(name) as receiver:
        _next_pid(6000)
        with Child(hold_writer, name=name) as writing, ThreadPoolExecutor(1) as pool:
            writing.hear("ready")
            blocked_read = pool.submit(receiver.read_frame, 60)
            time.sleep(0.05)  # the reader is to have seen this writer
            writing.kill()
            _next_pid(writing.pid)
            with Child(idle) as stranger:
                stranger.hear("ready")
                error = blocked_read.exception(60)
                assert isinstance(error, ZeroBufferError)
                answer["blocked read"] = [error.code, error.reason]
        _next_pid(6000)
        with Child(write, name=name, sizes=[10, 20, 30]) as writing:
            writing.wait()
        received = 0
        for sequence in (1, 2, 3):
            with receiver.read_frame(20) as got:
                received += got.sequence == sequence
        answer["frames after"] = received
    parent.say(answer)


def write_under_unknown_pid(parent: Parent, name: str) -> None:
    """Write from a pid namespace, under a pid that is unknown outside of it."""
    highest = int(Path("/proc/sys/kernel/pid_max").read_text()) - 10
    _next_pid(highest)
    with Child(hold_writer, name=name) as writer:
        writer.hear("ready")
        parent.say(writer.pid)
        writer.say([[100, 1]])
        writer.hear("written")
        parent.hear()
        writer.say([[100, 2]])
        writer.hear("written")
        parent.hear()
        writer.kill()


# ---- death at a point -----------------------------------------------------------------------------------------------


def write_and_die(parent: Parent, name: str, plan: dict[str, Any], signal_number: int) -> None:
    """Write good frames; when these are read, arm a point and write on until it strikes."""

    def put(size: int, sequence: int) -> None:
        if plan["slots"]:
            with writer.acquire(size, 20) as view:
                view[:] = frame(size, sequence)
        else:
            writer.write_frame(frame(size, sequence), 20)

    writer = Writer(name)
    for sequence, size in enumerate(plan["good"], start=1):
        put(size, sequence)
    parent.hear()
    _core.arm_point(plan["point"], plan["passage"], signal_number)
    numbered = list(enumerate(plan["fatal"], start=len(plan["good"]) + 1))
    if plan["batch"]:
        writer.write_frames([frame(size, sequence) for sequence, size in numbered], 20)
    else:
        for sequence, size in numbered:
            put(size, sequence)
    raise AssertionError(plan["point"])


def read_and_die(parent: Parent, name: str, point: str, passage: int, signal_number: int) -> None:
    """Read and release until a point strikes."""
    reader = Reader(name, BufferConfig(metadata_size=64, payload_size=4096))
    _core.arm_point(point, passage, signal_number)
    parent.say("ready")
    while True:
        reader.read_frame(20).release()


def read_when_asked(parent: Parent, name: str, batches: bool) -> None:
    """Say the sequences of what was read, or the code of what came instead; stop once with a token in hand if asked."""
    with Reader(name, BufferConfig(metadata_size=64, payload_size=4096)) as reader:
        parent.say("ready")
        while (asked := parent.hear()) is not None:
            seconds, halts = asked
            if halts:
                _core.arm_point("reader.token", 1, signal.SIGSTOP)
            try:
                frames = list(reader.read_frames(8, seconds)) if batches else [reader.read_frame(seconds)]
            except ZeroBufferError as error:
                parent.say(error.code)
                continue
            parent.say([got.sequence for got in frames])
            for got in frames:
                got.release()


def set_metadata_and_die(parent: Parent, name: str) -> None:
    """Die between the content of the metadata and its length."""
    del parent
    writer = Writer(name)
    _core.arm_point("writer.metadata", 1, signal.SIGKILL)
    writer.set_metadata(b"never seen")


# ---- obedience ------------------------------------------------------------------------------------------------------


def obey(parent: Parent) -> None:
    """Be the writer that the test directs, one command at a time."""
    writer: Writer | None = None
    while True:
        command, *arguments = parent.hear()
        if command == "connect":
            writer = Writer(arguments[0])
            parent.say("ok")
            continue
        assert writer is not None
        if command == "close":
            writer.close()
            parent.say("ok")
        elif command == "write_frames":
            parent.say(_write_all(writer, *arguments))
        elif command == "rush":
            for sequence, size in enumerate(arguments[0], start=arguments[1]):
                writer.write_frame(frame(size, sequence), 20)
            parent.say("ok")
        else:
            parent.say(_write_one(writer, command, *arguments))


def _write_one(writer: Writer, how: str, size: int, sequence: int) -> str:
    def in_place() -> None:
        with writer.acquire(size, 0) as view:
            view[:] = frame(size, sequence)

    return _code(in_place if how == "acquire" else lambda: writer.write_frame(frame(size, sequence), 0))


def _write_all(writer: Writer, sizes: list[int], first: int) -> tuple[str, int]:
    try:
        return "ok", writer.write_frames([frame(size, sequence) for sequence, size in enumerate(sizes, start=first)], 0)
    except ZeroBufferError as error:
        return error.code, error.written


# ---- duplex ---------------------------------------------------------------------------------------------------------


def ask_and_die(parent: Parent, name: str, requests: int) -> None:
    """Send requests, wait for no answer, and wait to be killed."""
    client = DuplexClient(name, BufferConfig(64, 8192))
    for _ in range(requests):
        client.send_request(b"dying")
    parent.say("sent")
    parent.wait_for_end()


def ask_many(parent: Parent, name: str, count: int) -> None:
    """Ask, check each answer, and tell how many were right."""
    right = 0
    with DuplexClient(name, BufferConfig(64, 8192), timeout=20) as client:
        for n in range(count):
            with client.request(frame(1 + n * 13 % 3000, n), 20) as response:
                right += bytes(response.data) == frame(1 + n * 13 % 3000, n)
    parent.say(right)


# ---- fork and exit --------------------------------------------------------------------------------------------------


def fork_with_open_buffer(parent: Parent, name: str, ending: str) -> None:
    """Fork with a reader, a writer and a frame open; tell what the child found and what it spoiled."""
    reader, writer = Reader(name), Writer(name)
    writer.write_frame(b"one")
    held = reader.read_frame(5)
    receiving, sending = os.pipe()
    pid = os.fork()
    if pid == 0:
        found = {
            "reader in child": _code(lambda: reader.read_frame(0)),
            "writer in child": _code(lambda: writer.write_frame(b"x", 0)),
            "frame in child": _code(lambda: held.data),
        }
        os.write(sending, json.dumps(found).encode())
        if ending == "close":
            held.release()
            writer.close()
            reader.close()
        elif ending == "collect":
            del held, writer, reader
            gc.collect()
        elif ending == "return":
            return
        if ending == "exit":
            sys.exit(0)
        os._exit(0)
    os.close(sending)
    _, status = os.waitpid(pid, 0)
    answer = {**json.loads(os.read(receiving, 1 << 16)), "child": os.waitstatus_to_exitcode(status)}
    frames = [held.sequence]
    held.release()
    writer.write_frame(b"two", 5)
    with reader.read_frame(5) as got:
        frames.append(got.sequence)
    parent.say({**answer, "frames": frames, "objects": len(objects(name))})
    writer.close()
    reader.close()


def fork_and_die(parent: Parent, name: str) -> None:
    """Fork with a reader open and wait to be killed; the child lives on."""
    reader = Reader(name, BufferConfig(0, 64))
    receiving, sending = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(sending, b"what is not mine is closed")
        signal.alarm(60)
        os.close(0)
        signal.pause()
        os._exit(0)
    os.read(receiving, 1)
    parent.say(pid)
    parent.wait_for_end()
    reader.close()


def end(pid: int) -> None:
    """Kill a process that is no child of ours, and wait until it is gone."""
    descriptor = os.pidfd_open(pid)
    try:
        signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        select.select([descriptor], [], [], 20)
    finally:
        os.close(descriptor)


def leave_open(parent: Parent, name: str) -> None:
    """End with two readers open."""
    global kept  # noqa: PLW0603 - alive until the interpreter ends
    kept = [Reader(name, BufferConfig(0, 64)), Reader(f"{name}-b", BufferConfig(0, 64))]
    parent.say("ready")
    parent.wait_for_end()


def leave_writer_open(parent: Parent, name: str) -> None:
    """End with a writer open."""
    global kept  # noqa: PLW0603 - alive until the interpreter ends
    writer = Writer(name)
    kept = [writer]
    writer.write_frame(b"last words")
    parent.say("ready")


kept: list[object] = []
