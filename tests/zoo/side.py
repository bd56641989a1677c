"""What both sides of the model do, and how large a buffer is."""

from __future__ import annotations

import os
from dataclasses import dataclass

from tests.zoo.memory import (
    OIEB,
    RingError,
    Segment,
    Semaphore,
    semaphore_names,
    translate,
)


@dataclass
class BufferConfig:
    metadata_size: int = 1024
    payload_size: int = 10240


class Side:
    """What both sides do."""

    segment: Segment
    data: Semaphore
    space: Semaphore

    def attach(self, name: str, fd: int) -> None:
        self.name = name
        try:
            self.segment = Segment(fd)
        except (OSError, ValueError) as error:
            os.close(fd)
            raise translate(error, "map") if isinstance(error, OSError) else RingError("invalid_oieb") from error
        data, space = semaphore_names(name)
        try:
            self.data = Semaphore(data, create=False)
            self.space = Semaphore(space, create=False)
        except BaseException:
            self.segment.close()
            raise
        self.metadata_size = self.segment.load("metadata_size")
        self.size = self.segment.load("payload_size")

    def payload_at(self, position: int) -> int:
        return OIEB + self.metadata_size + position

    def detach(self) -> None:
        self.segment.close()
        self.data.close()
        self.space.close()
