"""Whether the bytes of frames are those that their recipe makes."""

from __future__ import annotations

from typing import Final

from step_definitions.patterns import Payload, digest, expected_chain, first_difference, sizes_of
from step_definitions.port import Driver, FrameInfo, Transfer

_PEEK: Final = 4096


async def verify_frame(driver: Driver, frame: FrameInfo, payload: Payload) -> None:
    """Compare every byte of a held frame with its recipe.

    Raises:
        AssertionError: They differ; the message names the first offset.
    """
    expected = payload.content(frame.sequence)
    what = f"frame {frame.sequence}"
    if frame.size != len(expected):
        raise AssertionError(f"{what} has {frame.size} bytes, expected {len(expected)}")
    if frame.digest == digest(expected):
        return
    for offset in range(0, frame.size, _PEEK):
        seen = await driver.peek(frame.frame, offset=offset, length=_PEEK)
        different = first_difference(expected[offset : offset + _PEEK], seen)
        if different is not None:
            at = offset + different
            value = seen[different] if different < len(seen) else None
            raise AssertionError(f"{what}, byte {at} of {frame.size}: expected {expected[at]}, seen {value}")
    raise AssertionError(f"{what} reads as expected now, but its digest was that of other bytes")


def verify_series(done: Transfer) -> None:
    """Compare the digest of a series with that of the frames' own pattern.

    Raises:
        AssertionError: They differ, or the sizes do not make the sums.
    """
    sizes = list(sizes_of(done.runs))
    if len(sizes) != done.frames or sum(sizes) != done.bytes:
        raise AssertionError(f"{done.frames} frames of {done.bytes} bytes do not go with their sizes")
    if done.digest != expected_chain(sizes, done.first):
        raise AssertionError(f"the bytes of frames {done.first} to {done.last} are not their pattern")
