"""Sentences of features/05-corruption.feature: the harness writes into the memory itself."""

from __future__ import annotations

from harmony import expect_equal, step
from step_definitions.role import Role
from step_definitions.sentences import stating


class CorruptionSteps:
    """Headers overwritten and looked at."""

    def __init__(self, role: Role) -> None:
        self._role = role

    @step(stating(r"the header of buffer '(?P<base>[^']+)' is overwritten:"))
    def overwrite_header(self, base: str, datatable: list[dict[str, str]]) -> None:
        """Overwrite fields of the control block."""
        view = self._role.view(base)
        for row in datatable:
            view.overwrite(row["field"], int(row["value"]))

    @step(
        stating(
            r"the frame header at '(?P<position>\d+)' of buffer '(?P<base>[^']+)' is overwritten "
            r"with size '(?P<size>\d+)' and sequence '(?P<sequence>\d+)'"
        )
    )
    def overwrite_frame(self, position: int, base: str, size: int, sequence: int) -> None:
        """Overwrite a frame header in the payload block."""
        self._role.view(base).overwrite_frame_header(position, size, sequence)

    @step(
        stating(
            r"the frame header at '(?P<position>\d+)' of buffer '(?P<base>[^']+)' should show "
            r"size '(?P<size>\d+)' and sequence '(?P<sequence>\d+)'"
        )
    )
    def frame_shows(self, position: int, base: str, size: int, sequence: int) -> None:
        """Compare a frame header in the payload block."""
        seen = self._role.view(base).frame_header(position)
        expect_equal((size, sequence), seen, f"(size, sequence) at {position}")
