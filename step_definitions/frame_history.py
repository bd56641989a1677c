"""What a role has read and written."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

from step_definitions.patterns import Payload
from step_definitions.port import FrameInfo, Transfer


@dataclass(frozen=True, slots=True)
class WrittenFrame:
    """A frame that was written, and where.

    Attributes:
        position: Of its header, in the payload block.
        sequence: Its number.
        payload: What makes its bytes.
    """

    position: int
    sequence: int
    payload: Payload


@dataclass(slots=True)
class FrameHistory:
    """The frames of a role.

    Attributes:
        frames: Single frames read, in order.
        transfers: Series read, in order.
        held: Frames that are not released yet.
        written: The last frame written whose place was noted.
    """

    frames: list[FrameInfo] = field(default_factory=list)
    transfers: list[Transfer] = field(default_factory=list)
    held: list[FrameInfo] = field(default_factory=list)
    written: WrittenFrame | None = None

    def sequences(self) -> tuple[int, int, int]:
        """Return first sequence, last sequence and number of breaks over everything read."""
        spans = [(one.first, one.last, one.breaks) for one in self.transfers if one.frames]
        spans += [(one.sequence, one.sequence, 0) for one in self.frames]
        breaks = sum(span[2] for span in spans)
        breaks += sum(after[0] != before[1] + 1 for before, after in itertools.pairwise(spans))
        return (spans[0][0], spans[-1][1], breaks) if spans else (0, 0, 0)
