"""What each end of a connection sees of each fault, with plain sockets at both ends."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
import pytest_asyncio

from harmony.model import NetworkEvent
from harmony.network.link import Link
from harmony.network.moments import After, AfterBytes, Before
from harmony.network.scenario_network import Address, ScenarioNetwork
from harmony.network.trace import NetworkError
from harmony.process.places import TEMPORARY
from harmony.steps.waiting import NotObservedError

PATIENCE = 10.0
SEED = 7


def lines(data: bytes, sender: str) -> tuple[int, str] | None:
    """Split at line feeds: a protocol of a line each."""
    end = data.find(b"\n") + 1
    return (end, f"{sender} says {data[: end - 1].decode(errors='replace')}") if end else None


@dataclass
class End:
    """One end of a connection."""

    socket: socket.socket

    async def says(self, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self.socket, data)

    async def hears(self, size: int = 1 << 16) -> bytes:
        """Return what comes next; nothing at the end."""
        async with asyncio.timeout(PATIENCE):
            return await asyncio.get_running_loop().sock_recv(self.socket, size)

    async def hears_all(self, size: int) -> bytes:
        heard = bytearray()
        while len(heard) < size:
            more = await self.hears(size - len(heard))
            assert more, f"the end after {heard!r}"
            heard += more
        return bytes(heard)

    @property
    def silent(self) -> bool:
        """Whether nothing has come, not even an end."""
        try:
            self.socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        return False


class Scene:
    """A server, which listens for itself, and any number of clients, through the network."""

    def __init__(self, network: ScenarioNetwork, listening: socket.socket, run_id: str) -> None:
        self.network = network
        self.run_id = run_id
        self.listening = listening
        self.ends: list[End] = []
        self.target = listening.getsockname()[1]

    def link(self, client: str = "client") -> Link:
        return self.network.link(client, "server")

    async def address(self, client: str = "client") -> Address:
        return await self.network.of(client).to("server", self.target, splitter=lambda: lines)

    async def client(self, client: str = "client") -> End:
        address = await self.address(client)
        made = socket.socket()
        made.setblocking(False)
        self.ends.append(End(made))
        await asyncio.get_running_loop().sock_connect(made, (address.host, address.port))
        return self.ends[-1]

    async def connected(self, client: str = "client") -> tuple[End, End]:
        near = await self.client(client)
        async with asyncio.timeout(PATIENCE):
            far, _ = await asyncio.get_running_loop().sock_accept(self.listening)
        self.ends.append(End(far))
        return near, self.ends[-1]


@asynccontextmanager
async def scene(seed: int = SEED) -> AsyncIterator[Scene]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        before = asyncio.all_tasks()
        run_id = f"{os.getpid()}_{id(listening)}"
        network = ScenarioNetwork(run_id, seed, ("client", "other", "server"))
        made = Scene(network, listening, run_id)
        try:
            yield made
        finally:
            async with asyncio.timeout(PATIENCE):
                await network.close()
            for end in made.ends:
                end.socket.close()
            others = asyncio.all_tasks() - before - {asyncio.current_task()}
            assert not others, others


@pytest_asyncio.fixture
async def here() -> AsyncIterator[Scene]:
    """A scene, of which nothing may be left."""
    async with scene() as made:
        yield made


@pytest.mark.asyncio
async def test_what_one_says_the_other_hears_and_both_ends_are_passed_on(here: Scene) -> None:
    near, far = await here.connected()
    await near.says(b"one\ntwo\n")
    assert await far.hears_all(8) == b"one\ntwo\n"
    await far.says(b"half")
    assert await near.hears_all(4) == b"half"
    near.socket.shutdown(socket.SHUT_WR)
    assert await far.hears() == b""
    await far.says(b" and half\n")
    assert await near.hears_all(10) == b" and half\n"
    far.socket.close()
    assert await near.hears() == b""
    told = [str(event) for event in here.link().trace]
    assert told[1:] == [
        "client -> server #1  connects",
        "client -> server #1  client says one",
        "client -> server #1  client says two",
        "client -> server #1  sends no more",
        "server -> client #1  server says half and half",
        "server -> client #1  sends no more",
    ]


@pytest.mark.asyncio
async def test_a_cut_is_an_end_for_both(here: Scene) -> None:
    near, far = await here.connected()
    await near.says(b"unread")
    await far.hears_all(6)
    await here.link().cut()
    assert (await near.hears(), await far.hears()) == (b"", b"")
    again, _ = await here.connected()
    assert again.silent


@pytest.mark.asyncio
async def test_a_reset_is_one_for_both(here: Scene) -> None:
    near, far = await here.connected()
    await here.link().reset()
    for end in (near, far):
        with pytest.raises(ConnectionResetError):
            await end.hears()


@pytest.mark.asyncio
async def test_a_reset_of_one_end_is_passed_on(here: Scene) -> None:
    near, far = await here.connected()
    near.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    near.socket.close()
    with pytest.raises(ConnectionResetError):
        await far.hears()


@pytest.mark.asyncio
async def test_of_a_half_open_connection_one_end_learns_nothing_and_a_new_one_is_whole(here: Scene) -> None:
    near, far = await here.connected()
    await here.link().half_open("client")
    with pytest.raises(ConnectionResetError):
        await near.hears()
    await far.says(b"anybody there?\n")
    await here.link().until("to nobody: server says anybody there?", "server")
    assert far.silent
    again, fresh = await here.connected()
    await again.says(b"me\n")
    assert await fresh.hears_all(3) == b"me\n"
    assert far.silent


@pytest.mark.asyncio
async def test_what_is_held_comes_later_and_in_order_with_its_end(here: Scene) -> None:
    near, far = await here.connected()
    await here.link().hold("client")
    await near.says(b"one\n")
    await near.says(b"two\n")
    near.socket.shutdown(socket.SHUT_WR)
    await here.link().until(lambda event: event.kind == "ended")
    await far.says(b"the way back is free\n")
    assert await near.hears_all(21) == b"the way back is free\n"
    assert far.silent
    await here.link().release()
    assert await far.hears_all(8) == b"one\ntwo\n"
    assert await far.hears() == b""


@pytest.mark.asyncio
async def test_who_sends_more_than_is_kept_waits(here: Scene) -> None:
    near, far = await here.connected()
    await here.link().hold()
    whole = bytes(96 << 20)  # more than the harness and the buffers of any kernel on the way take
    sending = asyncio.create_task(near.says(whole))
    await here.link().until(lambda event: "no more are taken" in event.text, timeout=PATIENCE)
    assert not sending.done()
    await here.link().release()
    assert await far.hears_all(len(whole)) == whole
    await sending


@pytest.mark.asyncio
async def test_a_black_hole_takes_bytes_and_ends_and_gives_nothing_back(here: Scene) -> None:
    near, far = await here.connected()
    await here.link().drop("client")
    await near.says(b"lost\n")
    near.socket.close()
    await here.link().until(lambda event: event.kind == "ended")
    await far.says(b"found\n")
    await here.link().until("found", "server")
    await here.link().restore()
    assert far.silent
    third, fourth = await here.connected()
    await third.says(b"new\n")
    assert await fourth.hears_all(4) == b"new\n"
    assert far.silent


@pytest.mark.asyncio
async def test_of_a_connection_into_a_black_hole_nobody_hears(here: Scene) -> None:
    await here.link().drop()
    near = await here.client()
    await here.link().until(lambda event: event.kind == "connected")
    await near.says(b"hello\n")
    await here.link().until("to nobody: client says hello")
    assert near.silent
    with pytest.raises(BlockingIOError):
        here.listening.accept()


@pytest.mark.asyncio
async def test_what_is_late_comes_in_order_and_no_sooner(here: Scene) -> None:
    near, far = await here.connected()
    await here.link().delay(0.2, "client")
    begin = asyncio.get_running_loop().time()
    await near.says(b"one\n")
    await near.says(b"two\n")
    assert await far.hears_all(8) == b"one\ntwo\n"
    assert asyncio.get_running_loop().time() - begin >= 0.2


@pytest.mark.asyncio
async def test_no_more_bytes_pass_than_a_second_may_have(here: Scene) -> None:
    near, far = await here.connected()
    await here.link().throttle(100_000)
    begin = asyncio.get_running_loop().time()
    await near.says(bytes(20_000))
    await far.hears_all(20_000)
    assert asyncio.get_running_loop().time() - begin >= 0.19


@pytest.mark.asyncio
async def test_a_corrupted_byte_is_the_one_of_the_seed(here: Scene) -> None:
    said = bytes(range(48, 80)) + b"\n"
    seen = []
    for _ in range(2):
        async with scene() as other:
            near, far = await other.connected()
            await other.link().corrupt("client")
            await near.says(said)
            seen.append(await far.hears_all(len(said)))
    assert seen[0] == seen[1]
    (flipped,) = [one ^ two for one, two in zip(seen[0], said, strict=True) if one != two]
    assert flipped.bit_count() == 1
    near, far = await here.connected()
    await here.link().corrupt("client", "three", offset=1, bit=0)
    await near.says(b"one\n")
    await near.says(b"two\nthr")
    await here.link().until("two")
    await near.says(b"ee\nfour\n")
    assert await far.hears_all(19) == b"one\ntwo\nt\x69ree\nfour\n"


@pytest.mark.asyncio
async def test_a_byte_is_counted_over_what_comes_piece_by_piece(here: Scene) -> None:
    near, far = await here.connected()
    await here.link().corrupt("client", offset=5, bit=0)
    await near.says(b"abc")
    assert await far.hears_all(3) == b"abc"
    await near.says(b"defgh")
    assert await far.hears_all(5) == b"deggh"
    await near.says(b"\nmo")
    assert await far.hears_all(3) == b"\nmo"
    await here.link().corrupt("client", "more", offset=3, bit=0)
    await near.says(b"re\n")
    assert await far.hears_all(3) == b"rd\n"


@pytest.mark.asyncio
async def test_a_cut_is_an_end_although_bytes_were_not_taken(here: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harmony.network.connection.HELD_ROOM", 1000)
    near, far = await here.connected()
    await here.link().hold()
    await near.says(bytes(100_000))
    await here.link().until(lambda event: "no more are taken" in event.text)
    await here.link().cut()
    assert (await near.hears(), await far.hears()) == (b"", b"")


@pytest.mark.asyncio
async def test_refused_is_who_comes_and_not_who_is_there(here: Scene) -> None:
    near, far = await here.connected()
    await here.link().refuse()
    with pytest.raises(ConnectionRefusedError):
        await here.client()
    await near.says(b"still here\n")
    assert await far.hears_all(11) == b"still here\n"
    await here.link().restore()
    await here.connected()


@pytest.mark.asyncio
async def test_a_fault_waits_for_its_packet_to_have_passed(here: Scene) -> None:
    near, far = await here.connected()
    await here.link().cut(After("stop", "client"))
    await far.says(b"stop\n")
    await near.says(b"go\nst")
    assert await near.hears_all(5) == b"stop\n"
    assert await far.hears_all(5) == b"go\nst"
    await near.says(b"op\nno more\n")
    assert await far.hears_all(3) == b"op\n"
    assert await far.hears() == b""
    await here.link().struck()
    assert here.network.complaints() == []


@pytest.mark.asyncio
async def test_a_fault_keeps_a_packet_from_passing(here: Scene) -> None:
    near, far = await here.connected()
    await here.link().hold("client", Before("stop"))
    await near.says(b"go\nst")
    assert await far.hears_all(3) == b"go\n"
    await near.says(b"op\nmore\n")
    await here.link().struck()
    await here.link().until("more")
    assert far.silent
    await here.link().release()
    assert await far.hears_all(10) == b"stop\nmore\n"


@pytest.mark.asyncio
async def test_a_fault_counts_bytes(here: Scene) -> None:
    near, far = await here.connected()
    await here.link().reset(AfterBytes(5, "client"))
    await near.says(b"abc")
    assert await far.hears_all(3) == b"abc"
    await near.says(b"defgh")
    assert await far.hears_all(2) == b"de"
    with pytest.raises(ConnectionResetError):
        await far.hears()


@pytest.mark.asyncio
async def test_links_know_nothing_of_each_other(here: Scene) -> None:
    near, far = await here.connected()
    one, two = await here.connected("other")
    await here.link().hold()
    await one.says(b"free\n")
    assert await two.hears_all(5) == b"free\n"
    await near.says(b"held\n")
    await here.link().until("held")
    assert far.silent
    await here.link("other").cut()
    assert await one.hears() == b""
    await here.link().release()
    assert await far.hears_all(5) == b"held\n"
    assert {event.link for event in here.link("other").trace} == {"other, server"}


@pytest.mark.asyncio
async def test_who_sends_faster_than_is_read_waits(here: Scene) -> None:
    near, far = await here.connected()
    whole = b"x" * (32 << 20)
    sending = asyncio.create_task(near.says(whole))
    # The kernel keeps some megabytes at most; what would be kept beyond these would come at once.
    done, _ = await asyncio.wait({sending}, timeout=0.2)
    assert not done
    assert await far.hears_all(len(whole)) == whole
    await sending


@pytest.mark.asyncio
async def test_a_server_that_moves_is_reached_at_the_same_address(here: Scene) -> None:
    await here.connected()
    with socket.create_server(("127.0.0.1", 0)) as moved:
        moved.setblocking(False)
        before = await here.address()
        here.listening, here.target = moved, moved.getsockname()[1]
        assert await here.address() == before
        near, far = await here.connected()
        await near.says(b"hello\n")
        assert await far.hears_all(6) == b"hello\n"


@pytest.mark.asyncio
async def test_where_the_harness_cannot_listen_it_says_so(here: Scene) -> None:
    address = await here.address()
    await here.link().refuse()
    with (
        socket.create_server((address.host, address.port)),
        pytest.raises(NetworkError, match=f"cannot listen on {address}: Address already in use"),
    ):
        await here.link().restore()


@pytest.mark.asyncio
async def test_a_predicate_that_fails_is_told_and_stops_the_connection(here: Scene) -> None:
    def fails(event: NetworkEvent) -> bool:
        raise KeyError(event.sender)

    near, _ = await here.connected()
    await here.link().cut(After(fails))
    await near.says(b"hello\n")
    with pytest.raises(ConnectionResetError):
        await near.hears()
    assert any("carries no more: KeyError: 'client'" in one for one in here.network.complaints())


@pytest.mark.asyncio
async def test_many_connections_at_once(here: Scene) -> None:
    pairs = [await here.connected() for _ in range(60)]
    await asyncio.gather(*(near.says(b"%d\n" % number) for number, (near, _) in enumerate(pairs)))
    heard = await asyncio.gather(*(far.hears() for _, far in pairs))
    assert heard == [b"%d\n" % number for number in range(60)]
    await here.link().cut()
    assert await asyncio.gather(*(end.hears() for pair in pairs for end in pair)) == [b""] * 120


@pytest.mark.asyncio
async def test_a_held_connection_ends_with_the_scenario(here: Scene) -> None:
    near, far = await here.connected()
    await here.link().hold()
    await near.says(b"held\n" * 10_000)
    await here.link().until("held")
    address = await here.address()
    here.network.abandon()
    await here.network.close()
    with pytest.raises(ConnectionResetError):
        while await far.hears():
            pass
    with socket.socket() as late, pytest.raises(ConnectionRefusedError):
        late.connect((address.host, address.port))
    lock = TEMPORARY / "harmony-ports" / str(address.port)
    assert not lock.exists() or here.run_id not in lock.read_text()


@pytest.mark.asyncio
async def test_where_nobody_listens_a_connection_is_reset_and_told(here: Scene) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        here.target = gone.getsockname()[1]
    near = await here.client()
    with pytest.raises(ConnectionResetError):
        await near.hears()
    assert "connects in vain" in str(here.link().trace[-1])


@pytest.mark.asyncio
async def test_who_waits_in_vain_is_told_what_was_seen(here: Scene) -> None:
    near, _ = await here.connected()
    await near.says(b"something else\n")
    await here.link().until("else")
    with pytest.raises(NotObservedError, match="client says something else"):
        await here.link().until("never", timeout=0.01)
    with pytest.raises(NotObservedError, match="cut, after a packet 'never'"):
        await here.link().cut(After("never"))
        await here.link().struck(timeout=0.01)


@pytest.mark.asyncio
async def test_a_fault_that_has_changed_nothing_is_told(here: Scene) -> None:
    with pytest.raises(NetworkError, match="no connection is open"):
        await here.link().cut()
    with pytest.raises(NetworkError, match="no role of this scenario"):
        here.network.link("cleint", "server")
    with pytest.raises(NetworkError, match="at neither end"):
        await here.link().hold("other")
    with pytest.raises(NetworkError, match="at neither end"):
        await here.link().half_open("other")
    with pytest.raises(NetworkError, match="loopback"):
        await here.network.of("client").to("server", "192.0.2.1:80")
    await here.link().delay(0.1)
    assert ["nobody has connected" in one for one in here.network.complaints()] == [True]
    near, _ = await here.connected()
    await here.link().reset(After("never"))
    await here.link().corrupt("client", "never")
    assert len(here.network.complaints()) == 2
    await near.says(b"never\n")
    await here.link().struck()
    assert here.network.complaints() == []


@pytest.mark.asyncio
async def test_a_splitter_that_fails_stops_no_bytes(here: Scene) -> None:
    def fails(data: bytes, sender: str) -> tuple[int, str]:
        raise ValueError(f"no {sender} of mine: {len(data)}")

    await here.network.of("client").to("server", here.target, splitter=lambda: fails)
    here.address = lambda client="client": here.network.of(client).to("server", here.target)  # type: ignore[method-assign]
    near, far = await here.connected()
    await near.says(b"\x00\xff")
    assert await far.hears_all(2) == b"\x00\xff"
    assert "the splitter failed with ValueError: no client of mine: 2" in str(here.link().trace[-1])


@pytest.mark.asyncio
async def test_a_trace_is_bounded_and_says_so() -> None:
    network = ScenarioNetwork("1_1", SEED, ("client", "server"))
    link = network.link("client", "server")
    for number in range(5000):
        network.begins(f"step {number}")
    told = network.told()
    assert len(told) == 301
    assert [told[0].text, told[100].text, told[-1].text] == ["step 0", "… 4700 left out …", "step 4999"]
    with pytest.raises(NetworkError, match="too much"):
        link.refute("anything")
