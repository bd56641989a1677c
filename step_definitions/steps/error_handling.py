"""Sentences of features/03-error-handling.feature: metadata."""

from __future__ import annotations

from harmony import ByteSize, expect_equal, step, then
from step_definitions.patterns import Pattern, Payload, digest
from step_definitions.port import Driver
from step_definitions.role import Role
from step_definitions.sentences import acting


class ErrorHandlingSteps:
    """Metadata that is read, refused, missing."""

    def __init__(self, role: Role, driver: Driver) -> None:
        self._role = role
        self._driver = driver

    @step(acting(r"tries to write metadata with size '(?P<size>[^']+)'"))
    async def try_write_metadata(self, size: ByteSize) -> None:
        """Write metadata, or learn why not."""
        work = self._driver.write_metadata(self._role.endpoints.writer(), Payload(Pattern.SIMPLE, size))
        await self._role.operations.attempt(work)

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
