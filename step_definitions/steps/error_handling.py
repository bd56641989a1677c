"""Sentences of features/03-error-handling.feature: metadata."""

from __future__ import annotations

from typing import Final

from harmony import ByteSize, expect_equal, step, then
from step_definitions.patterns import Pattern, Payload, digest
from step_definitions.port import Driver
from step_definitions.role import Role
from step_definitions.sentences import acting
from step_definitions.verification import verify_frame

_SIZE: Final = ByteSize(100)
_LENGTH: Final = 8
_OTHER: Final = 100
"""What shifts the bytes of a second try, so that they differ from those of the first."""
_TEXTS: Final = ("frame_0", "frame_1", "frame_2")
_TEXT: Final = "no_metadata_frame"


class ErrorHandlingSteps:
    """Metadata that is read, refused, missing."""

    def __init__(self, role: Role, driver: Driver) -> None:
        self._role = role
        self._driver = driver

    @step(acting(r"attempts to write metadata(?: with size '(?P<size>[^']+)')?"))
    async def try_write_metadata(self, size: ByteSize = _SIZE) -> None:
        """Write metadata, or learn why not."""
        await self._attempt(Payload(Pattern.SIMPLE, size))

    @step(acting(r"attempts to write metadata again with size '(?P<size>[^']+)'"))
    async def try_write_other_metadata(self, size: ByteSize) -> None:
        """Write metadata of other bytes than the first, or learn why not."""
        await self._attempt(Payload(Pattern.FRAME, size, _OTHER))

    @then(acting(r"verifies the metadata write should fail with size error"))
    @then(acting(r"metadata write should fail appropriately"))
    async def metadata_too_large(self) -> None:
        """The last attempt failed because the block has no room for it."""
        await self._role.operations.error(["metadata_too_large"], self._role.settings.read_timeout)

    @then(acting(r"verifies the second metadata write should fail"))
    async def metadata_exists(self) -> None:
        """The last attempt failed because metadata is written once."""
        await self._role.operations.error(["metadata_exists"], self._role.settings.read_timeout)

    @then(acting(r"verifies the original metadata should remain unchanged"))
    async def metadata_unchanged(self) -> None:
        """Read metadata, compare every byte with what is written first, and its length with what the header says."""
        seen = await self._driver.read_metadata(self._role.endpoints.reader())
        written = self._role.current_view.field("metadata_written_bytes")
        expect_equal(written, seen.size + _LENGTH, "bytes of metadata and its length, by the header")
        expect_equal(digest(Payload(Pattern.SIMPLE, seen.size).content()), seen.digest, "digest of the metadata")

    @step(acting(r"writes frames without metadata"))
    async def write_without_metadata(self) -> None:
        """Write a few frames, each with its own text."""
        for text in _TEXTS:
            await self._role.write(Payload.of_text(text))

    @then(acting(r"should read frames successfully"))
    async def read_without_metadata(self) -> None:
        """Read these frames and compare each with its text."""
        for text in _TEXTS:
            await verify_frame(self._driver, await self._role.read(), Payload.of_text(text))

    @step(acting(r"writes frame without metadata"))
    async def write_one_without_metadata(self) -> None:
        """Write one frame."""
        await self._role.write_noted(Payload.of_text(_TEXT))

    @then(acting(r"verifies the system should work without metadata"))
    @then(acting(r"should verify system works correctly without metadata"))
    async def works_without_metadata(self) -> None:
        """There is no metadata to read, and a frame has passed or passes now."""
        await self.try_read_metadata()
        await self._role.operations.error(["no_metadata"], self._role.settings.read_timeout)
        if not self._role.history.frames:
            await verify_frame(self._driver, await self._role.read(), Payload.of_text(_TEXT))

    @step(acting(r"tries to read metadata"))
    async def try_read_metadata(self) -> None:
        """Read metadata, or learn why not."""
        await self._role.operations.attempt(self._driver.read_metadata(self._role.endpoints.reader()))

    @then(acting(r"should read metadata with size '(?P<size>[^']+)'"))
    async def read_metadata(self, size: ByteSize) -> None:
        """Read metadata and compare its size and every byte."""
        seen = await self._driver.read_metadata(self._role.endpoints.reader())
        expect_equal(size, seen.size, "size of the metadata")
        expect_equal(digest(Payload(Pattern.SIMPLE, size).content()), seen.digest, "digest of the metadata")

    async def _attempt(self, payload: Payload) -> None:
        work = self._driver.write_metadata(self._role.endpoints.writer(), payload)
        await self._role.operations.attempt(work)
