"""One connection between two roles: what comes from one goes to the other, under the conditions of the link."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections import deque
from collections.abc import Iterable, Sequence
from enum import Enum
from typing import Any, Final

from harmony.model import NetworkEvent, NetworkKind
from harmony.network.conditions import Surroundings
from harmony.network.moments import Armed
from harmony.network.stream import Piece, Splitter, Stream
from harmony.text import shown

ROOM: Final = 64 << 10
"""Bytes of one direction that are on their way; who sends more waits until they have gone on."""
HELD_ROOM: Final = 16 << 20
"""The same while they are held or delayed."""
_CHUNK: Final = 64 << 10
_CONNECTED_IN: Final = 5.0
_TURNS_PER_SECOND: Final = 50
_LINGER_NOT: Final = struct.pack("ii", 1, 0)
_DRAINED_READS: Final = 256
_LONGEST_ERROR: Final = 200


class How(Enum):
    """How a connection ends."""

    CLOSED = "closed by both"
    CUT = "cut"
    RESET = "reset"


class _Sign(Enum):
    END = "end"
    RESET = "reset"


_Item = bytes | Armed | _Sign


class Connection:
    """A connection that a role has made.

    Args:
        link: What it belongs to.
        number: Of the connection.
        client: The role that connects, and its socket.
        server: The role that listens, and where.
        splitter: Knows the protocol.
    """

    def __init__(
        self,
        link: Surroundings,
        number: int,
        client: tuple[str, socket.socket],
        server: tuple[str, tuple[str, int]],
        splitter: Splitter | None,
    ) -> None:
        self.number = number
        self._link = link
        self._client, self._near = client
        self._server, self._target = server
        self._splitter = splitter
        self._sockets = {self._client: self._near}
        self._over: asyncio.Future[How] = asyncio.get_running_loop().create_future()
        self._gone = ""
        self._directions: tuple[_Direction, ...] = ()
        self.task = asyncio.create_task(self._run())

    @property
    def broken(self) -> bool:
        """Whether bytes of it have been lost, or it is half of one."""
        return any(one.lost for one in self._directions) or len(self._sockets) == 1

    @property
    def over(self) -> bool:
        """Whether nothing is to pass any more."""
        return self._over.done()

    def end(self, how: How) -> None:
        """End it; its task is done as soon as that has happened."""
        if not self._over.done():
            self._over.set_result(how)

    def half_open(self, gone: str) -> None:
        """Have the end of one role disappear, unknown to the other."""
        self._gone = gone
        self.end(How.RESET)

    async def _run(self) -> None:
        how = How.RESET
        try:
            how = await self._play()
            if self._gone and len(self._sockets) > 1:
                self._release({self._gone: self._sockets.pop(self._gone)}, How.RESET)
                self._over = asyncio.get_running_loop().create_future()
                ((role, here),) = self._sockets.items()
                (stream,) = (one.stream for one in self._directions if one.sender == role)
                how = await self._swallow(role, here, stream)
        finally:
            self._release(self._sockets, how)

    async def _play(self) -> How:
        """Carry bytes until the connection is over."""
        if self._link.conditions(self._client).lost:
            self._note(NetworkKind.CONNECTED, f"connects, of which {self._server!r} hears nothing", self._client)
            return await self._swallow(self._client, self._near, Stream(self._client, self._splitter))
        far = await self._reach()
        if far is None:
            return How.RESET
        self._sockets[self._server] = far
        self._note(NetworkKind.CONNECTED, "connects", self._client)
        there = _Direction(self._link, self, (self._client, self._near), far, self._splitter)
        back = _Direction(self._link, self, (self._server, far), self._near, self._splitter)
        there.opposite, back.opposite = back, there
        self._directions = (there, back)
        tasks = [asyncio.create_task(work) for one in (there, back) for work in (one.read(), one.write())]
        for task in tasks:
            task.add_done_callback(self._ended)
        try:
            return await self._over
        finally:
            await _cancelled(tasks)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Have a mistake of ours end the connection and be told."""
        if not task.cancelled() and (error := task.exception()) is not None and not self._over.done():
            self._over.set_exception(error)

    async def _reach(self) -> socket.socket | None:
        far = socket.socket(socket.AF_INET6 if ":" in self._target[0] else socket.AF_INET)
        far.setblocking(False)
        try:
            async with asyncio.timeout(_CONNECTED_IN):
                await asyncio.get_running_loop().sock_connect(far, self._target)
        except BaseException as error:
            far.close()
            if not isinstance(error, OSError):
                raise
            reason = shown(str(error) or type(error).__name__, _LONGEST_ERROR)
            self._note(NetworkKind.REFUSED, f"connects in vain: {reason}", self._client)
            return None
        for one in (far, self._near):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return far

    async def _swallow(self, role: str, here: socket.socket, stream: Stream) -> How:
        """Take what a role sends to nobody."""

        async def read() -> None:
            with contextlib.suppress(OSError):
                while data := await asyncio.get_running_loop().sock_recv(here, _CHUNK):
                    stream.take(data)
                    for piece in stream.pieces(lambda: True):
                        self._note(NetworkKind.PACKET, f"to nobody: {piece.text}", role, piece.packet)
                self._note(NetworkKind.ENDED, "sends no more", role)

        task = asyncio.create_task(read())
        awaited: list[asyncio.Future[Any]] = [self._over, task]
        try:
            await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
            return self._over.result() if self._over.done() else How.CLOSED
        finally:
            await _cancelled([task])

    def _note(self, kind: NetworkKind, text: str, sender: str, data: bytes = b"") -> None:
        self._link.note(kind, text, connection=self.number, sender=sender, data=data)

    @staticmethod
    def _release(sockets: dict[str, socket.socket], how: How) -> None:
        """Close sockets that no task uses any more."""
        for one in sockets.values():
            with contextlib.suppress(OSError):  # the other end may have ended it already
                if how is How.RESET:
                    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
                elif (
                    how is How.CUT
                ):  # an end first, whatever comes meanwhile; then nothing unread, which would reset it
                    one.shutdown(socket.SHUT_WR)
                    _drain(one)
            one.close()


class _Direction:
    """What one role sends to the other on one connection.

    Attributes:
        sender: Who sends.
        stream: Cuts it into packets.
        opposite: What the other one sends.
        lost: Whether bytes have been lost, or can be passed on no more.
        ended: Whether its end has been passed on.
    """

    opposite: _Direction

    def __init__(
        self,
        link: Surroundings,
        connection: Connection,
        source: tuple[str, socket.socket],
        target: socket.socket,
        splitter: Splitter | None,
    ) -> None:
        self._link = link
        self._connection = connection
        self.sender, self._source = source
        self._target = target
        self.stream = Stream(self.sender, splitter)
        self._way: deque[tuple[float, _Item]] = deque()
        self._size = 0
        self._arrived = asyncio.Event()
        self._left = asyncio.Event()
        self.lost = self.ended = False

    async def read(self) -> None:
        """Take what the role sends, as long as there is room for it."""
        loop = asyncio.get_running_loop()
        while True:
            await self._room()
            try:
                data = await loop.sock_recv(self._source, _CHUNK)
            except OSError as error:
                self._note(NetworkKind.RESET, f"resets: {shown(error.strerror or str(error), _LONGEST_ERROR)}")
                self.put(_Sign.RESET)
                return
            if not data:
                if (rest := self.stream.end()) is not None:
                    self._pass(rest)
                self._note(NetworkKind.ENDED, "sends no more")
                self.put(_Sign.END)
                return
            self._take(data)

    async def write(self) -> None:
        """Pass on what has come, when the conditions allow it, until the connection is over."""
        while not self._connection.over:
            while not self._way:
                self._arrived.clear()
                await self._arrived.wait()
            came, item = self._way.popleft()
            await self._allowed(came)
            if isinstance(item, bytes):
                await self._write(came, item)
                self._size -= len(item)
                left, self._left = self._left, asyncio.Event()
                left.set()
            elif isinstance(item, Armed):
                self._link.strike(item)
            else:
                self._close(item)

    def put(self, item: _Item) -> None:
        """Have something go on, or happen, after what has come before."""
        self._way.append((asyncio.get_running_loop().time(), item))
        self._arrived.set()

    def _take(self, data: bytes) -> None:
        while data:
            left = self._link.bytes_left(self.sender)
            head, data = (data, b"") if left is None else (data[:left], data[left:])
            self.stream.take(head)
            for piece in self.stream.pieces(lambda: self._link.awaits_packet(self.sender)):
                self._pass(piece)
            self._put_all(self._link.counted(self.sender, len(head)))

    def _pass(self, piece: Piece) -> None:
        event: NetworkEvent | None = None
        before: Sequence[Armed] = ()
        after: Sequence[Armed] = ()
        if piece.packet:
            event = self._note(NetworkKind.PACKET, piece.text, piece.packet)
            before, after = self._link.due(event)
        self._put_all(before)
        if data := self._link.passed(event, piece, self.sender):
            self._size += len(data)
            self.put(data)
        self._put_all(after)

    def _put_all(self, faults: Iterable[Armed]) -> None:
        for one in faults:
            self.put(one)

    async def _room(self) -> None:
        told = False
        while self._size >= (limit := self._limit):
            if limit == HELD_ROOM and not told:
                self._note(NetworkKind.FAULT, f"{self._size} bytes are kept: no more are taken until some have gone on")
                told = True
            await self._moves()

    @property
    def _limit(self) -> int:
        now = self._link.conditions(self.sender)
        return HELD_ROOM if now.held or now.delay else ROOM

    async def _allowed(self, came: float) -> None:
        """Wait until what came at a moment may go on."""
        loop = asyncio.get_running_loop()
        while True:
            now = self._link.conditions(self.sender)
            left = came + now.delay - loop.time()
            if now.lost or (not now.held and left <= 0):
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(None if now.held else left):
                    await self._link.change.wait()

    async def _write(self, came: float, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            await self._allowed(came)
            now = self._link.conditions(self.sender)
            if now.lost and not self.lost:
                self.lost = True
                self._note(NetworkKind.FAULT, f"what {self.sender!r} sends is lost from here on")
            if self.lost:
                return
            turn = len(rest)
            if now.rate is not None:
                turn = min(turn, max(1, int(now.rate / _TURNS_PER_SECOND)))
                await asyncio.sleep(turn / now.rate)
            try:
                await asyncio.get_running_loop().sock_sendall(self._target, rest[:turn])
            except OSError:
                # Who sends to a peer that is gone is answered with a reset, which takes the way back.
                self.lost = True
                if not self.opposite.ended:
                    self.opposite.put(_Sign.RESET)
                return
            rest = rest[turn:]

    def _close(self, sign: _Sign) -> None:
        if self.lost or self._link.conditions(self.sender).lost:
            self.lost = True
        elif sign is _Sign.RESET:
            self._connection.end(How.RESET)
        else:
            with contextlib.suppress(OSError):
                self._target.shutdown(socket.SHUT_WR)
            self.ended = True
            if self.opposite.ended:
                self._connection.end(How.CLOSED)

    async def _moves(self) -> None:
        """Wait until something has gone on, or the conditions are others."""
        tasks = [asyncio.create_task(one.wait()) for one in (self._left, self._link.change)]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await _cancelled(tasks)

    def _note(self, kind: NetworkKind, text: str, data: bytes = b"") -> NetworkEvent:
        return self._link.note(kind, text, connection=self._connection.number, sender=self.sender, data=data)


async def _cancelled(tasks: Sequence[asyncio.Task[Any]]) -> None:
    """Cancel tasks, and return when they have ended: only then nobody uses their sockets."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _drain(one: socket.socket) -> None:
    """Take what has come already."""
    with contextlib.suppress(BlockingIOError):
        for _ in range(_DRAINED_READS):
            if not one.recv(_CHUNK):
                return
