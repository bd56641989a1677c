"""The port: how the steps speak to an implementation of the protocol, whatever its language.

Each verb is one request with plain data in and out, and a deadline in seconds; payloads are described, not sent. A
:class:`Driver` needs one method, :meth:`Driver.call`, which carries a verb to the implementation. Errors come back as
:class:`DriverError` with a canonical code, which is what scenarios assert on.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Protocol

from step_definitions.patterns import Payload

PROTOCOL_VERSION: Final = "1.0"
DEFAULT_TIMEOUT: Final = 5.0

CODES: Final = frozenset(
    {
        *("invalid_name", "buffer_in_use", "not_found", "permission_denied", "invalid_oieb", "version_mismatch"),
        *("writer_exists", "reader_dead", "writer_dead", "timeout", "buffer_full", "frame_too_large"),
        *("frame_unwritable", "invalid_frame_size", "sequence_error", "metadata_too_large", "metadata_exists"),
        *("metadata_empty", "no_metadata", "frame_released", "closed", "resource_exhausted", "system_error"),
    }
)


class DriverError(Exception):
    """An implementation refused or failed.

    Attributes:
        code: Canonical name of the cause; see ``CODES``.
        message: What the implementation says, for a person.
        details: The values involved, such as ``expected`` and ``seen``.
    """

    def __init__(self, code: str, message: str, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.details = dict(details or {})


@dataclass(frozen=True, slots=True)
class Identity:
    """Who answers.

    Attributes:
        protocol: Version of this contract.
        language: Such as ``python``.
        implementation: Name of the library.
        version: Its version.
        pid: The process that owns the buffers.
        capabilities: What it can do beyond one buffer, such as ``duplex``.
        layout: Offsets and sizes as the implementation itself sees them, by field name.
    """

    protocol: str
    language: str
    implementation: str
    version: str
    pid: int
    capabilities: Sequence[str] = ()
    layout: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FrameInfo:
    """A frame that was read and is held.

    Attributes:
        frame: Handle for ``peek`` and ``release``.
        sequence: As its header says.
        size: As its header says.
        digest: CRC-32 of its bytes.
    """

    frame: int
    sequence: int
    size: int
    digest: int


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

    frames: int
    bytes: int
    first: int
    last: int
    breaks: int = 0
    runs: Sequence[Sequence[int]] = ()
    digest: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Blob:
    """Bytes that were read, by size and CRC-32."""

    size: int
    digest: int


@dataclass(frozen=True, slots=True)
class Service:
    """What the handler of a duplex server has met.

    Attributes:
        requests: How many it has answered.
        refused_changes: How many of them it tried to change and could not.
    """

    requests: int
    refused_changes: int


class Driver(Protocol):
    """The verbs. Handles are numbers that the implementation gives; they die with it."""

    @abstractmethod
    async def call(self, verb: str, params: Mapping[str, Any], timeout: float) -> Any:
        """Carry one verb to the implementation and its plain answer back.

        Raises:
            DriverError: The implementation says so, or it did not answer in time.
        """

    @abstractmethod
    async def end(self) -> None:
        """End the driver and all it holds."""

    async def hello(self, *, timeout: float = DEFAULT_TIMEOUT) -> Identity:
        """Ask who answers."""
        return Identity(**await self._ask("hello", timeout))

    async def create(self, name: str, *, metadata: int, payload: int, timeout: float = DEFAULT_TIMEOUT) -> int:
        """Create a buffer and become its reader."""
        return int(await self._ask("create", timeout, name=name, metadata=metadata, payload=payload))

    async def connect(self, name: str, *, timeout: float = DEFAULT_TIMEOUT) -> int:
        """Become the writer of a buffer."""
        return int(await self._ask("connect", timeout, name=name))

    async def close(self, handle: int, *, timeout: float = DEFAULT_TIMEOUT) -> None:
        """Close a reader, a writer, a duplex server or client, cleanly."""
        await self._ask("close", timeout, handle=handle)

    async def write(
        self,
        handle: int,
        payload: Payload,
        *,
        count: int = 1,
        sizes: Sequence[int] = (),
        interval: float = 0.0,
        timeout: float = DEFAULT_TIMEOUT,
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
        answer = await self._ask(
            *("write", timeout), handle=handle, payload=asdict(payload), count=count, sizes=sizes, interval=interval
        )
        return Transfer(**answer)

    async def fill(
        self, handle: int, payload: Payload, *, patience: float, timeout: float = DEFAULT_TIMEOUT
    ) -> Transfer:
        """Write frames until one finds no room for ``patience`` seconds."""
        return Transfer(**await self._ask("fill", timeout, handle=handle, payload=asdict(payload), patience=patience))

    async def acquire(self, handle: int, size: int, *, timeout: float = DEFAULT_TIMEOUT) -> int:
        """Get a frame to write in place; returns its slot."""
        return int(await self._ask("acquire", timeout, handle=handle, size=size))

    async def put(self, slot: int, payload: Payload, *, offset: int = 0, timeout: float = DEFAULT_TIMEOUT) -> None:
        """Write bytes into a slot."""
        await self._ask("put", timeout, slot=slot, payload=asdict(payload), offset=offset)

    async def commit(self, slot: int, *, timeout: float = DEFAULT_TIMEOUT) -> int:
        """Publish the frame of a slot; returns its sequence."""
        return int(await self._ask("commit", timeout, slot=slot))

    async def abandon(self, slot: int, *, timeout: float = DEFAULT_TIMEOUT) -> None:
        """Give a slot up, as if it had never been asked for."""
        await self._ask("abandon", timeout, slot=slot)

    async def read(self, handle: int, *, timeout: float = DEFAULT_TIMEOUT) -> FrameInfo:
        """Read one frame, which is held until it is released."""
        return FrameInfo(**await self._ask("read", timeout, handle=handle))

    async def read_many(
        self,
        handle: int,
        *,
        count: int | None = None,
        delay: float = 0.0,
        idle: float = 1.0,
        look: bool = True,
        timeout: float = DEFAULT_TIMEOUT,
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
        return Transfer(
            **await self._ask("read_many", timeout, handle=handle, count=count, delay=delay, idle=idle, look=look)
        )

    async def relay(self, source: int, target: int, count: int, *, timeout: float = DEFAULT_TIMEOUT) -> Transfer:
        """Read frames from one buffer and write their bytes to another."""
        return Transfer(**await self._ask("relay", timeout, source=source, target=target, count=count))

    async def peek(self, frame: int, *, offset: int, length: int, timeout: float = DEFAULT_TIMEOUT) -> bytes:
        """Return a few bytes of a held frame."""
        return bytes.fromhex(await self._ask("peek", timeout, frame=frame, offset=offset, length=length))

    async def release(self, frame: int, *, timeout: float = DEFAULT_TIMEOUT) -> None:
        """Give a frame's space back."""
        await self._ask("release", timeout, frame=frame)

    async def write_metadata(self, handle: int, payload: Payload, *, timeout: float = DEFAULT_TIMEOUT) -> None:
        """Write the metadata of a buffer."""
        await self._ask("write_metadata", timeout, handle=handle, payload=asdict(payload))

    async def read_metadata(self, handle: int, *, timeout: float = DEFAULT_TIMEOUT) -> Blob:
        """Read the metadata of a buffer."""
        return Blob(**await self._ask("read_metadata", timeout, handle=handle))

    async def arm(self, point: str, passage: int, *, timeout: float = DEFAULT_TIMEOUT) -> None:
        """Have the process kill itself when it passes a named point inside an operation; capability ``points``."""
        await self._ask("arm", timeout, point=point, passage=passage)

    async def serve(self, name: str, *, metadata: int, payload: int, timeout: float = DEFAULT_TIMEOUT) -> int:
        """Create a duplex channel and become its server, which does not yet handle anything."""
        return int(await self._ask("serve", timeout, name=name, metadata=metadata, payload=payload))

    async def handle(self, handle: int, handler: str, *, delay: float = 0.0, timeout: float = DEFAULT_TIMEOUT) -> None:
        """Start answering: ``echo``, ``double`` or ``xor``, ``delay`` seconds each, one after the other."""
        await self._ask("handle", timeout, handle=handle, handler=handler, delay=delay)

    async def service(self, handle: int, *, timeout: float = DEFAULT_TIMEOUT) -> Service:
        """Ask what the handler of a server has met."""
        return Service(**await self._ask("service", timeout, handle=handle))

    async def dial(self, name: str, *, metadata: int, payload: int, timeout: float = DEFAULT_TIMEOUT) -> int:
        """Become the client of a duplex channel, with a response buffer of these sizes."""
        return int(await self._ask("dial", timeout, name=name, metadata=metadata, payload=payload))

    async def send(
        self, handle: int, payload: Payload, *, in_place: bool = False, timeout: float = DEFAULT_TIMEOUT
    ) -> None:
        """Send a request without waiting for its response."""
        await self._ask("send", timeout, handle=handle, payload=asdict(payload), in_place=in_place)

    async def receive(self, handle: int, *, timeout: float = DEFAULT_TIMEOUT) -> Blob:
        """Wait for the next response."""
        return Blob(**await self._ask("receive", timeout, handle=handle))

    async def ping(self, handle: int, payload: Payload, *, count: int, timeout: float = DEFAULT_TIMEOUT) -> list[float]:
        """Send a request and wait for its response, many times; returns the seconds of each."""
        return list(await self._ask("ping", timeout, handle=handle, payload=asdict(payload), count=count))

    async def _ask(self, verb: str, seconds: float, /, **params: Any) -> Any:
        return await self.call(verb, {**params, "timeout": seconds}, seconds)
