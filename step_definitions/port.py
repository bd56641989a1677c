"""The port: how the steps speak to an implementation of the protocol, whatever its language.

Each verb is one request with plain data in and out, and a deadline in seconds; payloads are described, not sent.
Errors come back as :class:`DriverError` with a canonical code, which is what scenarios assert on. :data:`CONTRACT` is
all of it as data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Literal, Protocol

from pydantic import BeforeValidator, Field

from harmony import Contract, DriverError, verb
from harmony import Driver as AnyDriver
from harmony.wire import DEFAULT_TIMEOUT
from step_definitions import contract_terms
from step_definitions.patterns import Payload

__all__ = ["CONTRACT", "Blob", "Driver", "DriverError", "FrameInfo", "Service", "Transfer"]

Handle = Annotated[int, Field(ge=1, title="handle")]
Slot = Annotated[int, Field(ge=1, title="slot")]
Held = Annotated[int, Field(ge=1, title="frame")]
Count = Annotated[int, Field(ge=0, title="count")]
Size = Annotated[int, Field(ge=0, title="bytes")]
Sequenced = Annotated[int, Field(ge=0, lt=1 << 64, title="sequence")]
Digest = Annotated[int, Field(ge=0, lt=1 << 32, title="crc-32")]
Seconds = Annotated[float, Field(ge=0, title="seconds")]
Handler = Literal["echo", "double", "xor", "faulty"]
Deed = Literal["die", "halt"]
Hex = Annotated[str, Field(pattern="^([0-9a-f]{2})*$", title="hexadecimal")]
Bytes = Annotated[bytes, BeforeValidator(bytes.fromhex)]


@dataclass(frozen=True, slots=True)
class FrameInfo:
    """A frame that was read and is held.

    Attributes:
        frame: Handle for ``peek`` and ``release``.
        sequence: As its header says.
        size: As its header says.
        digest: CRC-32 of its bytes.
    """

    frame: Held
    sequence: Sequenced
    size: Size
    digest: Digest


@dataclass(frozen=True, slots=True)
class Transfer:
    """Many frames, summed up.

    Attributes:
        frames: How many.
        bytes: Their payload.
        first: Sequence of the first, 0 if there was none.
        last: Sequence of the last.
        breaks: How often a sequence was not its predecessor's plus one.
        runs: Their sizes, as (size, how often in a row).
        digest: CRC-32 over size, sequence and bytes of each.
        seconds: From the first to the last.
        cpu_seconds: Processor time of the driver's process meanwhile.
    """

    frames: Count
    bytes: Size
    first: Sequenced
    last: Sequenced
    breaks: Count = 0
    runs: Sequence[tuple[Size, Count]] = ()
    digest: Digest = 0
    seconds: Seconds = 0.0
    cpu_seconds: Seconds = 0.0


@dataclass(frozen=True, slots=True)
class Blob:
    """Bytes that were read, by size and CRC-32."""

    size: Size
    digest: Digest


@dataclass(frozen=True, slots=True)
class Service:
    """What the handler of a duplex server has met.

    Attributes:
        requests: How many it has answered.
        refused_changes: How many of them it tried to change and could not.
    """

    requests: Count
    refused_changes: Count


class Driver(AnyDriver, Protocol):
    """The verbs of ZeroBuffer. Handles are numbers that the implementation gives; they die with it."""

    @verb
    async def create(self, name: str, *, metadata: Size, payload: Size, timeout: Seconds = DEFAULT_TIMEOUT) -> Handle:
        """Create a buffer and become its reader."""
        ...

    @verb
    async def connect(self, name: str, *, timeout: Seconds = DEFAULT_TIMEOUT) -> Handle:
        """Become the writer of a buffer."""
        ...

    @verb
    async def close(self, handle: Handle, *, timeout: Seconds = DEFAULT_TIMEOUT) -> None:
        """Close a reader, a writer, a duplex server or client, cleanly."""
        ...

    @verb
    async def write(
        self,
        handle: Handle,
        payload: Payload,
        *,
        count: Count = 1,
        sizes: Sequence[Size] = (),
        interval: Seconds = 0.0,
        timeout: Seconds = DEFAULT_TIMEOUT,
    ) -> Transfer:
        """Write frames.

        Args:
            handle: A writer.
            payload: Recipe of each frame.
            count: How many frames.
            sizes: Sizes to take in turn instead of the recipe's.
            interval: Seconds from one frame to the next.
            timeout: For all of them together.
        """
        ...

    @verb
    async def fill(
        self, handle: Handle, payload: Payload, *, patience: Seconds, timeout: Seconds = DEFAULT_TIMEOUT
    ) -> Transfer:
        """Write frames until one finds no room for ``patience`` seconds."""
        ...

    @verb
    async def acquire(self, handle: Handle, size: Size, *, timeout: Seconds = DEFAULT_TIMEOUT) -> Slot:
        """Get a frame to write in place; returns its slot."""
        ...

    @verb
    async def put(self, slot: Slot, payload: Payload, *, offset: Size = 0, timeout: Seconds = DEFAULT_TIMEOUT) -> None:
        """Write bytes into a slot."""
        ...

    @verb
    async def commit(self, slot: Slot, *, timeout: Seconds = DEFAULT_TIMEOUT) -> Sequenced:
        """Publish the frame of a slot; returns its sequence."""
        ...

    @verb
    async def abandon(self, slot: Slot, *, timeout: Seconds = DEFAULT_TIMEOUT) -> None:
        """Give a slot up, as if it had never been asked for."""
        ...

    @verb
    async def read(self, handle: Handle, *, timeout: Seconds = DEFAULT_TIMEOUT) -> FrameInfo:
        """Read one frame, which is held until it is released."""
        ...

    @verb
    async def read_many(
        self,
        handle: Handle,
        *,
        count: Count | None = None,
        delay: Seconds = 0.0,
        idle: Seconds = 1.0,
        look: bool = True,
        timeout: Seconds = DEFAULT_TIMEOUT,
    ) -> Transfer:
        """Read frames and release each before the next.

        Args:
            handle: A reader.
            count: How many; without it, until none has come for ``idle`` seconds.
            delay: Seconds to hold each frame.
            idle: See ``count``.
            look: Whether to make the digest, or not to touch the bytes at all.
            timeout: For all of them together.
        """
        ...

    @verb
    async def relay(
        self, source: Handle, target: Handle, count: Count, *, timeout: Seconds = DEFAULT_TIMEOUT
    ) -> Transfer:
        """Read frames from one buffer and write their bytes to another."""
        ...

    @verb(wire=Hex)
    async def peek(self, frame: Held, *, offset: Size, length: Size, timeout: Seconds = DEFAULT_TIMEOUT) -> Bytes:
        """Return a few bytes of a held frame."""
        ...

    @verb
    async def release(self, frame: Held, *, timeout: Seconds = DEFAULT_TIMEOUT) -> None:
        """Give a frame's space back."""
        ...

    @verb
    async def write_metadata(self, handle: Handle, payload: Payload, *, timeout: Seconds = DEFAULT_TIMEOUT) -> None:
        """Write the metadata of a buffer."""
        ...

    @verb
    async def read_metadata(self, handle: Handle, *, timeout: Seconds = DEFAULT_TIMEOUT) -> Blob:
        """Read the metadata of a buffer."""
        ...

    @verb(needs="points")
    async def arm(self, point: str, passage: int, *, then: Deed = "die", timeout: Seconds = DEFAULT_TIMEOUT) -> None:
        """Have the process kill or halt itself when it passes a named point of an operation; capability ``points``."""
        ...

    @verb(needs="duplex")
    async def serve(self, name: str, *, metadata: Size, payload: Size, timeout: Seconds = DEFAULT_TIMEOUT) -> Handle:
        """Create a duplex channel and become its server, which does not yet handle anything."""
        ...

    @verb(needs="duplex")
    async def handle(
        self, handle: Handle, handler: Handler, *, delay: Seconds = 0.0, timeout: Seconds = DEFAULT_TIMEOUT
    ) -> None:
        """Start answering: ``echo``, ``double``, ``xor`` or ``faulty``, ``delay`` seconds each, one after the other."""
        ...

    @verb(needs="duplex")
    async def service(self, handle: Handle, *, timeout: Seconds = DEFAULT_TIMEOUT) -> Service:
        """Ask what the handler of a server has met."""
        ...

    @verb(needs="duplex")
    async def dial(self, name: str, *, metadata: Size, payload: Size, timeout: Seconds = DEFAULT_TIMEOUT) -> Handle:
        """Become the client of a duplex channel, with a response buffer of these sizes."""
        ...

    @verb(needs="duplex")
    async def send(
        self, handle: Handle, payload: Payload, *, in_place: bool = False, timeout: Seconds = DEFAULT_TIMEOUT
    ) -> None:
        """Send a request without waiting for its response."""
        ...

    @verb(needs="duplex")
    async def receive(self, handle: Handle, *, timeout: Seconds = DEFAULT_TIMEOUT) -> Blob:
        """Wait for the next response."""
        ...

    @verb(needs="duplex")
    async def ping(
        self, handle: Handle, payload: Payload, *, count: Count, timeout: Seconds = DEFAULT_TIMEOUT
    ) -> list[Seconds]:
        """Send a request and wait for its response, many times; returns the seconds of each."""
        ...


CONTRACT: Final = Contract(
    name="ZeroBuffer",
    version=contract_terms.VERSION,
    port=Driver,
    codes=contract_terms.CODES,
    capabilities=contract_terms.CAPABILITIES,
    layout=contract_terms.LAYOUT,
    notes=contract_terms.NOTES,
)
"""What every driver of this project must be able to do; `docs/contract.md` and the JSON Schema are made from it."""
