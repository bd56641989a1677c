"""What ``harmony perf`` measures of ZeroBuffer: throughput one way, and round trips over a duplex channel.

The implementations measure every number in verbs that loop inside the driver; no payload crosses the wire. A smaller
transfer comes first and is compared byte by byte: a wrong implementation gets no number, and all pages are mapped. A
case that fails closes nothing, because its drivers are killed.
"""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from harmony.perf import Alternative, Better, MeasureContext, PerfCase, PerfCases
from step_definitions.patterns import Pattern, Payload, expected_chain
from step_definitions.port import Driver, Transfer

_KIB: Final = 1024
_LEAST_ROOM: Final = 256 * _KIB
_FRAMES_IN_RING: Final = 8
_HEADER: Final = 16
_METADATA: Final = 64
_CHECKED: Final = 64
_DEADLINE: Final = 30.0
_SIZES: Final = (64, 4 * _KIB, 64 * _KIB)
_WARM_UP: Final = 1_000
_WANTED: Final = 0.3
"""Seconds that a throughput is measured for: fast implementations carry more frames in them."""
_TRIPS: Final = 2_000
_TRIP_SIZE: Final = 64
_CHECKED_TRIPS: Final = 100
_MICROSECONDS: Final = 1e6

Drivers = Mapping[str, Driver]


def _room(size: int) -> int:
    """Return the payload bytes of a buffer: half a frame more than a whole number of them, to wrap anywhere."""
    return max(_LEAST_ROOM, _FRAMES_IN_RING * (size + _HEADER) + size // 2)


def _throughput(size: int) -> Callable[[Drivers, MeasureContext], Awaitable[float]]:
    async def measure(drivers: Drivers, context: MeasureContext) -> float:
        reader, writer = drivers["reader"], drivers["writer"]
        name = f"perf_{size}_{context.run_id}"
        source = await reader.create(name, metadata=_METADATA, payload=_room(size))
        target = await writer.connect(name)
        written, seen = await _carried(drivers, source, target, Payload(Pattern.FRAME, size), _CHECKED, look=True)
        _alike(written, seen, size, _CHECKED)
        if seen.digest != expected_chain([size] * _CHECKED, 1):
            raise AssertionError(f"{_CHECKED} frames of {size} bytes arrived with other bytes than they must have")
        simple = Payload(Pattern.SIMPLE, size)
        least = max(_WARM_UP, 2 * _room(size) // (size + _HEADER))
        written, seen = await _carried(drivers, source, target, simple, least, look=False)
        count = max(least, context.count(int(_WANTED * least / max(written.seconds, seen.seconds))))
        written, seen = await _carried(drivers, source, target, simple, count, look=False)
        _alike(written, seen, size, count)
        await writer.close(target)
        await reader.close(source)
        return count / max(written.seconds, seen.seconds)

    return measure


async def _carried(
    drivers: Drivers, source: int, target: int, payload: Payload, count: int, *, look: bool
) -> tuple[Transfer, Transfer]:
    """Write and read frames at the same time, and return both transfers."""
    async with asyncio.TaskGroup() as group:
        seen = group.create_task(drivers["reader"].read_many(source, count=count, look=look, timeout=_DEADLINE))
        written = group.create_task(drivers["writer"].write(target, payload, count=count, timeout=_DEADLINE))
    return written.result(), seen.result()


def _alike(written: Transfer, seen: Transfer, size: int, count: int) -> None:
    """Refuse a transfer that is not what was asked for."""
    for side, transfer in (("written", written), ("read", seen)):
        if (transfer.frames, transfer.bytes, transfer.breaks) != (count, count * size, 0):
            raise AssertionError(
                f"{side}: {transfer.frames} frames, {transfer.bytes} bytes, {transfer.breaks} breaks in the sequence; "
                f"expected {count} frames of {size} bytes without a break"
            )
    if (written.first, written.last) != (seen.first, seen.last):
        raise AssertionError(f"written were {written.first} to {written.last}, read were {seen.first} to {seen.last}")


async def _round_trip(drivers: Drivers, context: MeasureContext) -> float:
    """Return the median microseconds from a request to its response, as the client saw them."""
    client, server = drivers["client"], drivers["server"]
    name = f"perf_trip_{context.run_id}"
    room = _room(_TRIP_SIZE)
    service = await server.serve(name, metadata=_METADATA, payload=room)
    await server.handle(service, "echo")
    call = await client.dial(name, metadata=_METADATA, payload=room)
    request = Payload(Pattern.SIMPLE, _TRIP_SIZE)
    await client.ping(call, request, count=_CHECKED_TRIPS, timeout=_DEADLINE)
    count = context.count(_TRIPS)
    trips = await client.ping(call, request, count=count, timeout=_DEADLINE)
    answered = (await server.service(service)).requests
    if (len(trips), answered) != (count, count + _CHECKED_TRIPS):
        raise AssertionError(f"{len(trips)} round trips of {count}, {answered} requests answered")
    await client.close(call)
    await server.close(service)
    return statistics.median(trips) * _MICROSECONDS


def _size(size: int) -> str:
    return f"{size // _KIB} KiB" if size >= _KIB else f"{size} B"


PERF_CASES: Final = PerfCases(
    items=(
        *(
            PerfCase(
                name=f"throughput-{size}",
                title=f"Throughput one way, frames of {_size(size)}",
                unit="frames/s",
                better=Better.MORE,
                roles=("reader", "writer"),
                run=_throughput(size),
                also=Alternative("B/s", size),
                deadline=4 * _DEADLINE,
            )
            for size in _SIZES
        ),
        PerfCase(
            name="round-trip-64",
            title=f"Round trip over a duplex channel, {_size(_TRIP_SIZE)}, median",
            unit="µs",
            better=Better.LESS,
            roles=("client", "server"),
            run=_round_trip,
            needs=frozenset({"duplex"}),
            deadline=4 * _DEADLINE,
        ),
    ),
)
"""What `driver.cases` in the project file names."""
