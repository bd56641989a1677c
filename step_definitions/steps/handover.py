"""Sentences of features/15-handover.feature."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping

from harmony import expect_equal, step, then
from step_definitions import foreign_peer
from step_definitions.observer import BufferView
from step_definitions.port import Driver
from step_definitions.role import Role
from step_definitions.sentences import acting, stating


class HandoverSteps:
    """Relays, and the end of a buffer as its writer sees it."""

    def __init__(self, role: Role, driver: Driver) -> None:
        self._role = role
        self._driver = driver

    @step(acting(r"passes '(?P<count>\d+)' frames from buffer '(?P<source>[^']+)' to buffer '(?P<target>[^']+)'"))
    async def relay(self, count: int, source: str, target: str) -> None:
        """Begin to read from one buffer and write to another; with one frame, wait until it is done."""
        timeout = self._role.settings.bulk_timeout
        work = self._driver.relay(
            self._role.endpoints.reader(source), self._role.endpoints.writer(target), count, timeout=timeout
        )
        if count > 1:
            self._role.operations.start(work)
        else:
            expect_equal(count, (await work).frames, "frames passed on")

    @then(
        acting(
            r"should get error '(?P<code>[^']+)' within '(?P<milliseconds>\d+)' ms "
            r"of the end of buffer '(?P<base>[^']+)'"
        )
    )
    async def error_after_end(self, code: str, milliseconds: int, base: str) -> None:
        """What was blocked ended soon after the buffer was gone; this step begins when it is."""
        view = self._role.view(base)
        ended = time.monotonic()
        expect_equal([], view.existing(), "objects of the buffer")
        _, outcome = await self._role.operations.error([code], self._role.settings.read_timeout)
        self._role.expect_within(outcome.ended - ended, milliseconds, "the end")
        await asyncio.sleep(0)

    @step(stating(r"another implementation (?P<deed>connects to|leaves) buffer '(?P<base>[^']+)'"))
    def foreign_writer(self, deed: str, base: str) -> None:
        """Be the writer, or be it no more, as one that knows part one of the protocol alone."""
        deeds: Mapping[str, Callable[[BufferView], None]] = {
            "connects to": foreign_peer.connect,
            "leaves": foreign_peer.leave,
        }
        deeds[deed](self._role.view(base))

    @step(
        stating(
            r"another implementation writes a frame of '(?P<size>\d+)' bytes with sequence '(?P<sequence>\d+)' "
            r"to buffer '(?P<base>[^']+)'"
        )
    )
    def foreign_frame(self, size: int, sequence: int, base: str) -> None:
        """Write a frame into memory and signal it."""
        foreign_peer.write(self._role.view(base), size, sequence)
