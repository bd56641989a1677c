"""Sentences of features/12-protocol-compliance.feature: memory byte for byte."""

from __future__ import annotations

from harmony import ByteSize, ScenarioContext, expect_equal, given, then
from step_definitions import foreign_peer
from step_definitions.role import Role
from step_definitions.sentences import stating


class ProtocolComplianceSteps:
    """What stands in the segment."""

    def __init__(self, role: Role, context: ScenarioContext) -> None:
        self._role = role
        self._context = context

    @given(stating(r"another implementation created buffer '(?P<base>[^']+)' with payload size '(?P<payload>[^']+)'"))
    def foreign_reader(self, base: str, payload: ByteSize) -> None:
        """Make a buffer as a reader does that knows part one of the protocol alone, and lives."""
        view = self._role.view(base)
        self._context.on_cleanup(view.sweep)
        foreign_peer.create(view, payload)

    @then(stating(r"the memory of buffer '(?P<base>[^']+)' should hold:"))
    def memory_holds(self, base: str, datatable: list[dict[str, str]]) -> None:
        """Compare bytes of the segment."""
        view = self._role.view(base)
        for row in datatable:
            expected, offset = bytes.fromhex(row["bytes"]), int(row["offset"])
            expect_equal(expected.hex(" "), view.read(offset, len(expected)).hex(" "), f"memory at {offset}")

    @then(
        stating(
            r"the header of buffer '(?P<base>[^']+)' should name the '[^']+' process "
            r"as its (?P<side>reader|writer|connection)"
        )
    )
    async def names_process(self, base: str, side: str) -> None:
        """Compare a process number in the header with that of the process itself."""
        seen = self._role.view(base).field(f"{side}_pid")
        expect_equal(await self._role.pid(), seen, f"{side}_pid")
