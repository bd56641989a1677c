"""Brokers that serve, clients that connect and are lost."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Literal

from harmony import Directory, DriverError, Port, UnsupportedError, expect_equal, parsers, step, until

from .contract import Will
from .party import ROLE, Party


@dataclass
class Wishes:
    """What a client asks for when it connects: a row of a table, in which an empty place stands for nothing."""

    name: str = ""
    version: Literal[4, 5] | None = None
    clean: bool = True
    keep_alive: int = 60
    session_expiry: int | None = None
    receive_maximum: int | None = None
    will: str = ""
    will_topic: str = ""
    will_qos: int = 0
    will_retain: bool = False
    will_delay: int | None = None


class BrokerSteps:
    """What a broker does as a whole."""

    def __init__(self, party: Party, port: Port, directory: Directory) -> None:
        self._party = party
        self._port = port
        self._directory = directory

    @step(parsers.re(rf"{ROLE} serves(?P<durably> durably)?"))
    async def serves(self, durably: str | None = None) -> None:
        """Start a broker, and tell the others its port. After a kill it is at the same port, in the same directory."""
        await self._party.driver.serve(int(self._port), str(self._directory), bool(durably))
        self._party.tell_port(int(self._port))

    @step(parsers.re(rf"{ROLE} stops"))
    async def stops(self) -> None:
        """End the broker in order."""
        await self._party.driver.stop()


class SessionSteps:
    """How clients come and go."""

    def __init__(self, party: Party) -> None:
        self._party = party

    @step(parsers.re(rf"{ROLE} connects"))
    async def connects(self, instance: str | None = None) -> None:
        """Connect with a new session that ends with the connection."""
        await self._connect(Wishes(), instance)

    @step(parsers.re(rf"{ROLE} connects and keeps its session"))
    async def connects_for_long(self, instance: str | None = None) -> None:
        """Connect to the session that there is, or to one that stays."""
        await self._connect(Wishes(clean=False, session_expiry=600 if self._party.version == 5 else None), instance)

    @step(parsers.re(rf"{ROLE} connects with"))
    async def connects_with(self, datatable: Wishes, instance: str | None = None) -> None:
        """Connect with what the table says."""
        await self._connect(datatable, instance)

    @step(parsers.re(rf"{ROLE} tries to connect"))
    async def tries_to_connect(self, instance: str | None = None) -> None:
        """Connect to a broker that may say what it must not: whether the library hears of CONNACK is left open."""
        with contextlib.suppress(DriverError):
            await self._connect(Wishes(), instance)

    async def _connect(self, wishes: Wishes, instance: str | None) -> None:
        will = (
            Will(
                wishes.will_topic,
                wishes.will.encode().hex(),
                wishes.will_qos,
                wishes.will_retain,
                wishes.will_delay,
            )
            if wishes.will_topic
            else None
        )
        try:
            self._party.answer = await self._party.driver.connect(
                await self._party.way(),
                wishes.name or self._party.name(instance),
                version=wishes.version or self._party.version,
                clean=wishes.clean,
                keep_alive=wishes.keep_alive,
                will=will,
                session_expiry=wishes.session_expiry,
                receive_maximum=wishes.receive_maximum,
            )
        except DriverError as error:
            if error.code != "invalid":
                raise
            # A library may take less than the standard does, such as no keep-alive of a second.
            raise UnsupportedError(f"the library refuses {wishes}: {error.message}") from error
        expect_equal(0, self._party.answer.reason, "the reason of CONNACK")

    @step(parsers.re(rf"{ROLE} disconnects"))
    async def disconnects(self) -> None:
        """Send DISCONNECT and close."""
        await self._party.driver.disconnect()

    @step(parsers.re(rf"{ROLE} disconnects, and its will is to be published"))
    async def disconnects_with_will(self) -> None:
        """Send the DISCONNECT that keeps the will, and close."""
        await self._party.driver.disconnect(with_will=True)

    @step(parsers.re(rf"{ROLE} should have found (?P<which>its|no) session"))
    async def should_have_found(self, which: Literal["its", "no"]) -> None:
        """Compare Session Present."""
        present = self._party.answer.session_present if self._party.answer else None
        expect_equal(which == "its", present, "Session Present")

    @step(parsers.re(rf"{ROLE} should lose its connection"))
    async def should_lose(self) -> None:
        """See that the connection ends."""

        async def lost() -> bool:
            return not (await self._party.driver.state()).connected

        await until(lost, what="the connection ends", timeout=self._party.patience)

    @step(parsers.re(rf"{ROLE} should be connected"))
    async def should_be_connected(self) -> None:
        """See that the connection is there."""
        state = await self._party.driver.state()
        expect_equal(True, state.connected, "whether it is connected")
