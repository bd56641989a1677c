"""What the Python driver needs of a library: the part of `zerobuffer`'s interface that it uses.

A type of its own, so that the driver can also be put in front of a model of the protocol: that is how the zoo of
broken ring buffers proves that the scenarios find what is wrong.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Any, Protocol, cast


class Frame(Protocol):
    """A frame in the ring."""

    @property
    def data(self) -> memoryview:
        """Its bytes, read-only."""

    @property
    def size(self) -> int:
        """Number of its bytes."""

    @property
    def sequence(self) -> int:
        """Its sequence number."""

    def release(self) -> None:
        """Give its space back."""


class Frames(Protocol):
    """Frames that were read with one call; all of them are released at the end of a ``with`` block."""

    def __enter__(self) -> Iterable[Frame]:
        """Return them."""

    def __exit__(self, *_: object) -> None:
        """Release them."""


class Slot(Protocol):
    """A place in the ring to write a frame into."""

    @property
    def data(self) -> memoryview:
        """Its bytes, writable."""

    def commit(self) -> None:
        """Publish it."""

    def abandon(self) -> None:
        """Give it up."""


class ReadingSide(Protocol):
    """A reader."""

    def read_frame(self, timeout: float | None = ...) -> Frame:
        """Wait for the next frame."""

    def read_frames(self, maximum: int, timeout: float | None = ...) -> Frames:
        """Wait for the next frame, and take those that are there behind it."""

    def get_metadata(self) -> bytes:
        """Return the metadata."""

    def close(self) -> None:
        """End reading and remove the buffer."""


class WritingSide(Protocol):
    """A writer."""

    @property
    def next_sequence(self) -> int:
        """Number of the next frame."""

    def write_frame(self, data: bytes, timeout: float | None = ...) -> None:
        """Write one frame."""

    def write_frames(self, items: Iterable[bytes], timeout: float | None = ...) -> int:
        """Write frames with one call, and return how many."""

    def acquire(self, size: int, timeout: float | None = ...) -> Slot:
        """Return a slot of this size."""

    def set_metadata(self, content: bytes, /) -> None:
        """Write the metadata."""

    def close(self) -> None:
        """Disconnect."""


class ServingSide(Protocol):
    """A duplex server."""

    def start(self, handler: Callable[[Any], bytes]) -> None:
        """Answer requests in a thread."""

    def close(self) -> None:
        """Stop and remove the channel."""


class AskingSide(Protocol):
    """A duplex client."""

    def send_request(self, data: bytes, timeout: float | None = ...) -> int:
        """Send a request."""

    def request(self, data: bytes, timeout: float | None = ...) -> Frame:
        """Send a request and wait for its response."""

    def acquire_request(self, size: int, timeout: float | None = ...) -> AbstractContextManager[memoryview]:
        """Give a place of this size, which is sent when the block ends."""

    def receive_response(self, timeout: float | None = ...) -> Frame:
        """Wait for the next response."""

    def close(self) -> None:
        """Leave the channel."""


class Library(Protocol):
    """A library, usually a module."""

    __version__: str

    # Named as the classes of the library are.
    def Reader(self, name: str, config: Any, /) -> ReadingSide:  # noqa: N802
        """Create a buffer."""

    def Writer(self, name: str, /, *, timeout: float) -> WritingSide:  # noqa: N802
        """Connect to a buffer."""

    def BufferConfig(self, metadata_size: int, payload_size: int) -> Any:  # noqa: N802
        """Say how large a buffer is."""

    def DuplexServer(self, name: str, config: Any, /) -> ServingSide:  # noqa: N802
        """Create a channel."""

    def DuplexClient(self, name: str, config: Any, /, *, timeout: float) -> AskingSide:  # noqa: N802
        """Join a channel."""


def load(where: str) -> Library:
    """Return the library that is called ``module`` or ``module:attribute``."""
    module, _, attribute = where.partition(":")
    found = importlib.import_module(module)
    return cast("Library", getattr(found, attribute) if attribute else found)
