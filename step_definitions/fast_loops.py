"""Loops over many frames, as fast as Python allows, so that `harmony perf` measures the library and not the loop.

They do the same as the general loops of the dispatcher, for equal frames whose bytes are not looked at.
"""

from __future__ import annotations

import time

from step_definitions.library import ReadingSide, WritingSide
from step_definitions.transfer import Clock, TransferBuilder


def write_alike(writer: WritingSide, content: bytes, count: int, clock: Clock) -> TransferBuilder:
    """Write the same bytes many times."""
    first = writer.next_sequence
    write, now, deadline = writer.write_frame, time.monotonic, clock.deadline
    for _ in range(count):
        left = deadline - now()
        write(content, left if left > 0 else 0.0)
    transfer = TransferBuilder()
    if count:
        breaks = int(writer.next_sequence != first + count)
        transfer.add_series(first, writer.next_sequence - 1, count, breaks, [(len(content), count)])
    return transfer


def read_blind(reader: ReadingSide, count: int, clock: Clock, transfer: TransferBuilder) -> None:
    """Read frames and release each, unseen. The transfer has what was read, also after an error."""
    read, now, deadline = reader.read_frame, time.monotonic, clock.deadline
    frames = first = last = breaks = times = 0
    current = -1
    runs: list[tuple[int, int]] = []
    try:
        for _ in range(count):
            left = deadline - now()
            frame = read(left if left > 0 else 0.0)
            sequence, size = frame.sequence, frame.size
            if not frames:
                first = sequence
            elif sequence != last + 1:
                breaks += 1
            if size != current:
                if times:
                    runs.append((current, times))
                current, times = size, 0
            times += 1
            frames += 1
            last = sequence
            frame.release()
    finally:
        if times:
            runs.append((current, times))
        transfer.add_series(first, last, frames, breaks, runs)
