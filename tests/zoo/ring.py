"""The ring of the model, from both sides."""

from __future__ import annotations

from tests.zoo.reader import Frame, Reader, Tail
from tests.zoo.side import BufferConfig, Side
from tests.zoo.writer import Slot, Writer

__all__ = ["BufferConfig", "Frame", "Reader", "Side", "Slot", "Tail", "Writer"]
