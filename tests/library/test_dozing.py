"""Long waits: they hardly wake, leave nothing, and end at once when they have to; also where one cannot doze."""

from __future__ import annotations

import contextlib
import resource
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.library import children, cores, toolchain
from tests.library.processes import Child, Parent
from zerobuffer import (
    BufferConfig,
    BufferFullError,
    DuplexClient,
    DuplexServer,
    FrameTimeoutError,
    Reader,
    Writer,
    _core,
)

CONFIG = BufferConfig(metadata_size=64, payload_size=4096)
PATIENCE = 30.0
MOST_WAKE_UPS = 20
"""In a second. Looking at the peer every 35 ms would be 29; 13 is what dozing takes."""

MOST_SECONDS = 0.1

dozing = pytest.mark.skipif(not _core.dozes(), reason=cores.CANNOT_DOZE)


def wake_ups(call: Callable[[], object]) -> int:
    """Return how often this thread slept and woke during a call of a second or so, which times out."""
    before = resource.getrusage(resource.RUSAGE_THREAD)
    with pytest.raises((FrameTimeoutError, BufferFullError)):
        call()
    after = resource.getrusage(resource.RUSAGE_THREAD)
    # One that does not sleep at all would take whatever it gets.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < MOST_SECONDS
    return after.ru_nvcsw - before.ru_nvcsw


@dozing
def test_a_reader_hardly_wakes_while_its_writer_is_silent(name: str) -> None:
    with Reader(name, CONFIG) as reader, Child(children.hold_writer, name=name) as writer:
        writer.hear("ready")
        assert wake_ups(lambda: reader.read_frame(1.0)) <= MOST_WAKE_UPS


@dozing
def test_a_reader_hardly_wakes_while_nobody_comes(name: str) -> None:
    with Reader(name, CONFIG) as reader:
        assert wake_ups(lambda: reader.read_frame(1.0)) <= MOST_WAKE_UPS


@dozing
def test_a_writer_hardly_wakes_while_the_ring_stays_full(name: str) -> None:
    with Child(children.hold_reader, name=name) as reader:
        reader.hear("ready")
        with Writer(name) as writer:
            writer.write_frame(bytes(4080))
            assert wake_ups(lambda: writer.write_frame(b"x", 1.0)) <= MOST_WAKE_UPS


@dozing
def test_a_client_hardly_wakes_while_its_server_thinks(name: str) -> None:
    with Child(children.serve_slowly, name=name) as server:
        server.hear("ready")
        with DuplexClient(name) as client:
            assert wake_ups(lambda: client.request(b"x", 1.0)) <= MOST_WAKE_UPS + 2  # the request goes out, too
            server.kill()
    DuplexServer(name).close()


def watches(process: int | str = "self") -> int:
    """Count the threads of the core in a process."""
    names = []
    for thread in Path(f"/proc/{process}/task").iterdir():
        with contextlib.suppress(OSError):  # it has just ended
            names.append((thread / "comm").read_text().strip())
    return names.count("zb-watch")


def await_watches(expected: int, process: int | str = "self") -> None:
    """Wait until there are so many."""
    end = time.monotonic() + PATIENCE
    while watches(process) != expected and time.monotonic() < end:
        time.sleep(0.001)
    assert watches(process) == expected


@dozing
@pytest.mark.parametrize("end", ["killed", "closed and gone"])
def test_a_reader_that_waits_for_anybody_hardly_wakes_when_its_writer_has_ended(name: str, end: str) -> None:
    held = children.hold_writer if end == "killed" else children.connect_then_close
    with Reader(name, CONFIG) as reader, Child(held, name=name) as writer:
        writer.hear("ready")

        def let_go() -> None:
            await_watches(1)
            if end == "killed":
                writer.kill()
            else:
                writer.say("close")

        with ThreadPoolExecutor(1) as pool:
            ending = pool.submit(let_go)
            woken = wake_ups(lambda: reader._wait(1.3, True))
            # Who was kept from seeing the first wait sees this one.
            while not ending.done():
                reader._wait(0.3, True)
        ending.result()
        assert woken <= MOST_WAKE_UPS + 10


@dozing
def test_the_thread_that_watches_goes_with_the_wait(name: str) -> None:
    with (
        ThreadPoolExecutor(1) as pool,
        Reader(name, CONFIG) as reader,
        Child(children.hold_writer, name=name) as writer,
    ):
        writer.hear("ready")
        for sequence in (1, 2):
            await_watches(0)
            read = pool.submit(reader.read_frame, PATIENCE)
            await_watches(1)
            writer.say([[100, sequence]])
            read.result(PATIENCE).release()
            writer.hear("written")
        await_watches(0)


def doze_twice(parent: Parent, name: str) -> None:
    """Wait for long in two threads at once, which is not meant, and tell how each ended."""
    with Reader(name, CONFIG) as reader, ThreadPoolExecutor(2) as pool:
        waits = [pool.submit(reader._wait, PATIENCE) for _ in range(2)]
        parent.say("waiting")
        parent.say([wait.result() for wait in waits])


@dozing
def test_two_threads_in_one_wait_both_end(name: str) -> None:
    with Child(doze_twice, name=name) as reader:
        reader.hear("waiting")
        with Writer(name, timeout=PATIENCE) as writer:
            await_watches(1, reader.pid)
            writer.write_frame(b"x")
            assert reader.hear(timeout=PATIENCE) == [True, True]


VARIANTS = {
    # Without a single look at the peer: whatever ends such a wait has called the sleeper.
    "at once and for ever": "-DZB_DOZE_AFTER_SLICES=0 -DZB_DOZE_NS=3600000000000",
    "never": "-DZB_NEVER_DOZE",
}
# A writer that leaves nudges a sleeper, which may be a moment too early: only there is the next look needed.
ALL_BUT = "not test_graceful_close_is_noticed_by_a_blocked_read and not test_other_side_goes_while_waiting"
PLUGINS = ("-p", "pytest_asyncio.plugin", "-p", "pytest_timeout")
FILES = ["test_peer_death.py", "test_threads.py", "test_async.py"]


@pytest.mark.sanitizers
@pytest.mark.timeout(400)
@pytest.mark.parametrize("variant", ["at once and for ever", pytest.param("never", marks=pytest.mark.nightly)])
def test_deaths_and_cancellations_with_a_core_that_dozes(variant: str, tmp_path: Path) -> None:
    if variant != "never":
        cores.require_dozing()
    module, environment = cores.build(toolchain.ROOT, tmp_path, f"-DCMAKE_C_FLAGS={VARIANTS[variant]}")
    which = "from zerobuffer import _core; print(_core.__file__, _core.dozes())"
    told = toolchain.run(sys.executable, "-c", which, environment=environment)
    assert told.split() == [str(module), str(variant != "never")]
    files = [str(Path(__file__).with_name(file)) for file in FILES]
    words = ["-q", "-x", *PLUGINS, "-p", "no:cacheprovider", "-k", ALL_BUT, *files]
    alone = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **environment}
    ran = toolchain.run(sys.executable, "-m", "pytest", *words, environment=alone, cwd=toolchain.ROOT, deadline=300)
    assert " passed" in ran
