"""Requests and responses: matched by order, through slow, failing and dying handlers, clients and servers."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.library import children
from tests.library.data import RELEASED, Fields, frame, objects, poke, poke_u64
from tests.library.processes import Child
from zerobuffer import (
    BufferConfig,
    BufferInUseError,
    BufferNotFoundError,
    BusyError,
    ClosedError,
    DuplexClient,
    DuplexServer,
    Frame,
    FrameTimeoutError,
    FrameTooLargeError,
    HandlerError,
    InvalidFrameSizeError,
    Reader,
    ReaderDeadError,
    Writer,
    WriterDeadError,
    WriterExistsError,
)
from zerobuffer.duplex import ProcessingMode, request_buffer, response_buffer

CONFIG = BufferConfig(metadata_size=64, payload_size=8192)
PATIENCE = 30.0


def echo(request: Frame) -> bytes:
    return bytes(request.data)


@pytest.fixture
def pair(name: str) -> Iterator[tuple[DuplexServer, DuplexClient]]:
    with DuplexServer(name, CONFIG) as server, DuplexClient(name, CONFIG) as client:
        yield server, client


def ask(client: DuplexClient, data: bytes, timeout: float = PATIENCE) -> bytes:
    with client.request(data, timeout) as response:
        return bytes(response.data)


@pytest.mark.parametrize("size", [1, 2, 100, 4000, 4080])
def test_echo_of_sizes(pair: tuple[DuplexServer, DuplexClient], size: int) -> None:
    server, client = pair
    server.start(echo)
    for sequence in range(1, 6):
        assert ask(client, frame(size, sequence)) == frame(size, sequence)
    assert client.outstanding == 0


def test_names_and_defaults(name: str) -> None:
    with DuplexServer(name) as server:
        assert server.mode is ProcessingMode.SINGLE_THREAD
        assert not server.running
        assert Fields.of(request_buffer(name)).payload_size == 1 << 20
        with DuplexClient(name):
            assert set(objects(f"{name}_response")) == {
                f"{name}_response",
                f"sem.sem-r-{name}_response",
                f"sem.sem-w-{name}_response",
            }
    assert objects(f"{name}_request") + objects(f"{name}_response") == []


def test_pipelined_requests_are_answered_in_order(pair: tuple[DuplexServer, DuplexClient]) -> None:
    server, client = pair
    numbers = [client.send_request(frame(50, n)) for n in range(1, 51)]
    assert numbers == list(range(1, 51))
    assert client.outstanding == 50
    server.start(echo)
    for n in range(1, 51):
        with client.receive_response(PATIENCE) as response:
            assert (response.sequence, bytes(response.data)) == (n, frame(50, n))
    assert client.outstanding == 0


def test_single_thread_works_one_after_the_other(pair: tuple[DuplexServer, DuplexClient]) -> None:
    server, client = pair
    threads: set[int] = set()
    at_work = threading.Semaphore(1)

    def slow(request: Frame) -> bytes:
        assert at_work.acquire(blocking=False), "two handlers at once"
        threads.add(threading.get_ident())
        time.sleep(0.1)
        at_work.release()
        return bytes(request.data)

    server.start(slow)
    begin = time.monotonic()
    for n in range(3):
        client.send_request(frame(10, n))
    for n in range(3):
        with client.receive_response(PATIENCE) as response:
            assert bytes(response.data) == frame(10, n)
    assert time.monotonic() - begin >= 0.3
    assert len(threads) == 1
    assert threads != {threading.get_ident()}


def test_request_is_immutable_and_gone_after_the_handler(pair: tuple[DuplexServer, DuplexClient]) -> None:
    server, client = pair
    seen: list[Frame] = []

    def handle(request: Frame) -> bytes:
        seen.append(request)
        assert request.data.readonly
        return b"ok"

    server.start(handle)
    assert ask(client, b"x") == b"ok"
    ask(client, b"y")
    assert seen[0].released


def test_zero_copy_request(pair: tuple[DuplexServer, DuplexClient]) -> None:
    server, client = pair
    server.start(echo)
    with client.acquire_request(100) as view:
        view[:] = frame(100, 7)
    with client.receive_response(PATIENCE) as response:
        assert bytes(response.data) == frame(100, 7)
    with pytest.raises(ZeroDivisionError), client.acquire_request(100) as view:
        _ = 1 // 0
    assert client.outstanding == 0
    slot = client.acquire_request(3)
    slot.data[:] = b"abc"
    slot.commit()
    assert client.outstanding == 1
    client.receive_response(PATIENCE).release()
    slot = client.acquire_request(3)
    slot.abandon()
    assert ask(client, b"still matched") == b"still matched"


def test_timed_out_request_does_not_shift_the_next_ones(pair: tuple[DuplexServer, DuplexClient]) -> None:
    server, client = pair
    go_on = threading.Event()

    def handle(request: Frame) -> bytes:
        if bytes(request.data) == b"slow":
            assert go_on.wait(PATIENCE)
        return b"answer to " + bytes(request.data)

    server.start(handle)
    assert ask(client, b"one") == b"answer to one"
    for _ in range(2):
        with pytest.raises(FrameTimeoutError) as caught:
            client.request(b"slow", 0.05)
        assert caught.value.code == "timeout"
        assert caught.value.seconds == 0.05, "the limit, not what was left of it"
    assert client.outstanding == 0
    go_on.set()
    assert ask(client, b"two") == b"answer to two"
    assert ask(client, b"three") == b"answer to three"


def test_request_waits_its_turn_behind_sent_ones(pair: tuple[DuplexServer, DuplexClient]) -> None:
    _, client = pair
    client.send_request(b"x")
    with pytest.raises(BusyError, match="1 responses wait"):
        client.request(b"y", 0)


def test_request_that_cannot_fit_is_refused_and_nothing_shifts(pair: tuple[DuplexServer, DuplexClient]) -> None:
    server, client = pair
    server.start(echo)
    with pytest.raises(FrameTooLargeError):
        client.request(bytes(9000))
    assert ask(client, b"x") == b"x"


@pytest.mark.parametrize(
    ("wrong", "kind"),
    [
        (lambda _: 1 // 0, ZeroDivisionError),
        (lambda _: b"", InvalidFrameSizeError),
        (lambda _: None, TypeError),
        (lambda _: bytes(9000), FrameTooLargeError),
    ],
    ids=["raises", "empty", "nothing", "too large"],
)
@pytest.mark.parametrize("first", [True, False])
def test_failing_handler_costs_its_client_an_error_and_nothing_else(
    name: str,
    wrong: Callable[[Frame], bytes],
    kind: type[Exception],
    first: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with DuplexServer(name, CONFIG) as server:
        with DuplexClient(name, CONFIG) as client, caplog.at_level(logging.ERROR, "zerobuffer.duplex"):
            server.start(lambda request: wrong(request) if request.data[0] == 0 else echo(request))
            if not first:
                assert ask(client, b"\1fine") == b"\1fine"
            client.send_request(b"\0wrong")
            client.send_request(b"\1after")
            with pytest.raises(HandlerError) as caught:
                client.receive_response(PATIENCE)
            assert kind.__name__ in caught.value.reason
            with client.receive_response(PATIENCE) as response:
                assert bytes(response.data) == b"\1after"
            assert isinstance(server.last_error, kind)
            assert any("no response to request" in record.getMessage() for record in caplog.records)
        assert server.running
        with DuplexClient(name, CONFIG) as client:
            assert ask(client, b"\1next") == b"\1next"


def test_failing_handler_in_the_smallest_channel(name: str) -> None:
    with DuplexServer(name, CONFIG) as server:
        server.start(lambda request: echo(request) if request.data[0] else bytes(1 // 0))
        with DuplexClient(name, BufferConfig(metadata_size=0, payload_size=64)) as client:
            for _ in range(3):
                with pytest.raises(HandlerError, match="handler failed"):
                    client.request(b"\0", PATIENCE)
                assert ask(client, b"\1") == b"\1"


def test_failing_handler_ends_the_channel_of_a_foreign_client(name: str) -> None:
    with DuplexServer(name, CONFIG) as server, DuplexClient(name, CONFIG) as client:
        poke_u64(f"{name}_response", RELEASED, 0)  # as a client has it that does not know the words of ours
        server.start(lambda request: echo(request) if request.data[0] else bytes(1 // 0))
        client.send_request(b"\0wrong")
        with pytest.raises(WriterDeadError):
            client.receive_response(PATIENCE)
    with DuplexServer(name, CONFIG) as server, DuplexClient(name, CONFIG) as client:
        server.start(echo)
        assert ask(client, b"\1next") == b"\1next"


def test_failing_first_handler_shows_where_there_is_no_room_for_metadata(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zerobuffer.duplex._SEEN_AFTER", 2.0)  # the client may be kept from its core
    with DuplexServer(name, CONFIG) as server:
        server.start(lambda request: echo(request) if request.data[0] else bytes(1 // 0))
        for _ in range(2):
            with DuplexClient(name, BufferConfig(metadata_size=0, payload_size=4096)) as client:
                poke_u64(f"{name}_response", RELEASED, 0)  # a foreign client
                with pytest.raises(WriterDeadError) as caught:
                    client.request(b"\0wrong", PATIENCE)
                assert caught.value.reason == "closed"
        with DuplexClient(name, CONFIG) as client:
            assert ask(client, b"\1next") == b"\1next"


def test_server_whose_client_left_waits_for_the_next_one_without_polling(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[str] = []

    class Counting(Reader):
        def _wait(self, timeout: float | None, anybody: bool = False, /) -> bool:
            waits.append(self.name)
            return super()._wait(timeout, anybody)

    monkeypatch.setattr("zerobuffer.duplex.Reader", Counting)
    with DuplexServer(name, CONFIG) as server:
        server.start(echo)
        for _ in range(3):
            with DuplexClient(name, CONFIG) as client:
                assert ask(client, b"x") == b"x"
            time.sleep(0.1)  # in which a poll would show
    # For each client: of the first request, of the next one, which does not come, and of the next client.
    assert len(waits) <= 3 * 3 + 1


def test_error_of_a_library_call_in_the_handler_is_the_handlers(
    pair: tuple[DuplexServer, DuplexClient], name: str
) -> None:
    server, client = pair

    def handle(_: Frame) -> bytes:
        raise ReaderDeadError(name="elsewhere", reason="died")

    server.start(handle)
    with pytest.raises(HandlerError, match="elsewhere"):
        client.request(b"x", PATIENCE)
    assert isinstance(server.last_error, ReaderDeadError)


def test_full_response_channel_waits_for_the_client(name: str) -> None:
    with DuplexServer(name, CONFIG) as server, DuplexClient(name, BufferConfig(64, 1024)) as client:
        server.start(lambda request: bytes(request.data) * 100)
        for n in range(1, 21):
            client.send_request(bytes([n]) * 4)
        for n in range(1, 21):
            with client.receive_response(PATIENCE) as response:
                assert bytes(response.data) == bytes([n]) * 400


@pytest.mark.parametrize("full", [True, False])
def test_stop_with_pending_responses(name: str, full: bool) -> None:
    with DuplexServer(name, CONFIG) as server, DuplexClient(name, BufferConfig(64, 1024)) as client:
        server.start(lambda request: bytes(400 if full else 4))
        for _ in range(20):
            client.send_request(b"x")
        client.receive_response(PATIENCE).release()
        server.stop(PATIENCE)
        assert not server.running
        server.stop()
    assert objects(f"{name}_request") + objects(f"{name}_response") == []


def test_stop_waits_for_the_handler_and_says_when_it_takes_too_long(pair: tuple[DuplexServer, DuplexClient]) -> None:
    server, client = pair
    inside, go_on = threading.Event(), threading.Event()

    def handle(_: Frame) -> bytes:
        inside.set()
        assert go_on.wait(PATIENCE)
        return b"done"

    server.start(handle)
    client.send_request(b"x")
    assert inside.wait(PATIENCE)
    with pytest.raises(FrameTimeoutError):
        server.stop(0.05)
    go_on.set()
    server.stop(PATIENCE)
    with client.receive_response(PATIENCE) as response:
        assert bytes(response.data) == b"done"


def test_server_goes_on_where_it_stopped(pair: tuple[DuplexServer, DuplexClient]) -> None:
    server, client = pair
    server.start(echo)
    assert ask(client, b"one") == b"one"
    with pytest.raises(BusyError):
        server.start(echo)
    with pytest.raises(BusyError):
        server.serve_forever(echo)
    server.stop()
    client.send_request(b"two")
    with pytest.raises(FrameTimeoutError, match=r"within 0\.02 s"):
        client.receive_response(0.02)
    server.start(echo)
    with client.receive_response(PATIENCE) as response:
        assert bytes(response.data) == b"two"


def test_serving_in_the_calling_thread(pair: tuple[DuplexServer, DuplexClient]) -> None:
    server, client = pair

    def handle(request: Frame) -> bytes:
        if bytes(request.data) == b"stop":
            server.stop()
        return bytes(request.data)

    with ThreadPoolExecutor(1) as pool:
        serving = pool.submit(server.serve_forever, handle)
        assert ask(client, b"x") == b"x"
        assert ask(client, b"stop") == b"stop"
        serving.result(PATIENCE)


def test_closed_server_cannot_be_started(name: str) -> None:
    server = DuplexServer(name, CONFIG)
    server.close()
    server.close()
    with pytest.raises(ClosedError):
        server.start(echo)


def test_client_without_a_server(name: str) -> None:
    with pytest.raises(BufferNotFoundError):
        DuplexClient(name, CONFIG)
    assert objects(f"{name}_response") == []
    with ThreadPoolExecutor(1) as pool:
        connecting = pool.submit(DuplexClient, name, CONFIG, timeout=PATIENCE)
        with DuplexServer(name, CONFIG) as server, connecting.result(PATIENCE) as client:
            server.start(echo)
            assert ask(client, b"x") == b"x"


def test_second_server_and_second_client_are_refused(pair: tuple[DuplexServer, DuplexClient], name: str) -> None:
    server, client = pair
    with pytest.raises(BufferInUseError):
        DuplexServer(name, CONFIG)
    with pytest.raises(WriterExistsError):
        DuplexClient(name, CONFIG)
    server.start(echo)
    assert ask(client, b"unharmed") == b"unharmed"


def test_client_whose_response_buffer_cannot_be_made_leaves_the_channel_free(name: str) -> None:
    with DuplexServer(name, CONFIG) as server:
        with Reader(response_buffer(name), CONFIG), pytest.raises(BufferInUseError):
            DuplexClient(name, CONFIG)
        with DuplexClient(name, CONFIG) as client:
            server.start(echo)
            assert ask(client, b"x") == b"x"


def test_name_is_free_again(name: str) -> None:
    for _ in range(3):
        with DuplexServer(name, CONFIG) as server, DuplexClient(name, CONFIG) as client:
            server.start(echo)
            assert ask(client, b"x") == b"x"


@pytest.mark.parametrize("answered", [True, False])
def test_closing_server_ends_the_clients_wait(name: str, answered: bool) -> None:
    server = DuplexServer(name, CONFIG)
    with DuplexClient(name, CONFIG) as client, ThreadPoolExecutor(1) as pool:
        if answered:
            server.start(echo)
            ask(client, b"x")
            server.stop()
        waiting = pool.submit(client.request, b"y", PATIENCE)
        server.close()
        assert isinstance(waiting.exception(PATIENCE), (WriterDeadError, ReaderDeadError))


def test_clients_follow_each_other(name: str) -> None:
    with DuplexServer(name, CONFIG) as server:
        server.start(echo)
        for n in range(5):
            with DuplexClient(name, CONFIG) as client:
                for m in range(3):
                    assert ask(client, frame(20, n * 3 + m)) == frame(20, n * 3 + m)


@pytest.mark.parametrize("served_before", [True, False])
def test_answers_to_a_dead_client_never_reach_the_next_one(name: str, served_before: bool) -> None:
    with DuplexServer(name, CONFIG) as server:
        if served_before:
            server.start(lambda request: b"to " + bytes(request.data))
        with Child(children.ask_and_die, name=name, requests=5) as dying:
            dying.hear("sent")
            dying.kill()
        with DuplexClient(name, CONFIG) as client:
            if not served_before:
                server.start(lambda request: b"to " + bytes(request.data))
            for n in range(3):
                assert ask(client, b"%d" % n) == b"to %d" % n


def test_client_that_dies_during_its_handler_is_replaced(name: str) -> None:
    inside, go_on = threading.Event(), threading.Event()

    def handle(request: Frame) -> bytes:
        if bytes(request.data) == b"dying":
            inside.set()
            assert go_on.wait(PATIENCE)
        return b"to " + bytes(request.data)

    with DuplexServer(name, CONFIG) as server:
        server.start(handle)
        with Child(children.ask_and_die, name=name, requests=3) as dying:
            dying.hear("sent")
            assert inside.wait(PATIENCE)
            dying.kill()
        with DuplexClient(name, CONFIG) as client:
            client.send_request(b"me")
            go_on.set()
            with client.receive_response(PATIENCE) as response:
                assert bytes(response.data) == b"to me"


def test_client_in_another_process(name: str) -> None:
    with DuplexServer(name, CONFIG) as server:
        server.start(echo)
        with Child(children.ask_many, name=name, count=200) as client:
            assert client.hear() == 200


def test_corrupt_request_buffer_ends_serving(pair: tuple[DuplexServer, DuplexClient], name: str) -> None:
    server, client = pair
    server.start(echo)
    ask(client, b"x")
    server.stop()
    client.send_request(b"z" * 100)
    position = Fields.of(request_buffer(name)).write_pos - 116
    poke(request_buffer(name), 128 + 64 + position, b"\xff" * 8)
    server.start(echo)
    with pytest.raises((WriterDeadError, ReaderDeadError)):
        client.receive_response(PATIENCE)
    assert server.last_error is not None
    deadline = time.monotonic() + PATIENCE
    while server.running:
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_foreign_writer_on_the_request_buffer_without_a_response_buffer(name: str) -> None:
    handled = threading.Event()

    def handle(_: Frame) -> bytes:
        handled.set()
        return b"for nobody"

    with DuplexServer(name, CONFIG) as server:
        server.start(handle)
        with Writer(request_buffer(name)) as writer:
            writer.write_frame(b"x")
            assert handled.wait(PATIENCE)
        server.stop(PATIENCE)
