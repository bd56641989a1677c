# ruff: noqa: N801 - a mutant is named as the library it becomes
"""Channels that answer wrongly."""

from __future__ import annotations

import time

from tests.zoo import channel, ring
from tests.zoo.memory import RingError, alive
from tests.zoo.mutants.registry import mutant


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
        end = time.monotonic() + 10
        while not alive(self.requests.segment.load("writer_pid")) and time.monotonic() < end:
            if self._ending.wait(0.001):
                break
        return True


@mutant("13.10")
class server_leaves_buffer(channel.DuplexServer):
    """A server that ends leaves its request buffer."""

    def close(self) -> None:
        self.requests.remove_own = lambda name: None  # type: ignore[method-assign]
        super().close()
