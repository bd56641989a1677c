"""The readers and writers that a role has open."""

from __future__ import annotations


class Endpoints:
    """Handles by the name of the buffer. Where no name is given, the one used last is meant.

    Attributes:
        readers: Name of a buffer -> handle of its reader.
        writers: Name of a buffer -> handle of its writer.
    """

    def __init__(self) -> None:
        self.readers: dict[str, int] = {}
        self.writers: dict[str, int] = {}
        self._last_reader = ""
        self._last_writer = ""

    @property
    def last(self) -> str:
        """The buffer that was read last, or else the one that was written last."""
        return self._last_reader or self._last_writer

    @property
    def last_writer(self) -> str:
        """The buffer that was written last."""
        return self._last_writer

    def add_reader(self, base: str, handle: int) -> None:
        """Note a reader that has been opened."""
        self.readers[base] = handle
        self._last_reader = base

    def add_writer(self, base: str, handle: int) -> None:
        """Note a writer that has been opened."""
        self.writers[base] = handle
        self._last_writer = base

    def reader(self, base: str | None = None) -> int:
        """Return the handle of a reader."""
        self._last_reader = base or self._last_reader
        return _handle(self.readers, self._last_reader, "reader")

    def writer(self, base: str | None = None) -> int:
        """Return the handle of a writer."""
        self._last_writer = base or self._last_writer
        return _handle(self.writers, self._last_writer, "writer")

    def take(self, base: str) -> list[int]:
        """Return the handles of a buffer, and forget them."""
        handles = [side.pop(base) for side in (self.readers, self.writers) if base in side]
        if not handles:
            raise AssertionError(f"this role has nothing open on buffer {base!r}")
        return handles

    def forget_writer(self, handle: int) -> None:
        """Forget a writer that has been closed."""
        self.writers = {base: one for base, one in self.writers.items() if one != handle}

    def clear(self) -> None:
        """Forget all handles."""
        self.readers.clear()
        self.writers.clear()


def _handle(side: dict[str, int], base: str, what: str) -> int:
    if base not in side:
        raise AssertionError(f"this role has no {what} of buffer {base!r}")
    return side[base]
