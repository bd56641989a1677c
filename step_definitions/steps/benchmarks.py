"""Sentences of features/14-benchmarks.feature: numbers for the log, and little to fail."""

from __future__ import annotations

import statistics
import time

from harmony import ByteSize, step, then
from step_definitions.patterns import Pattern, Payload
from step_definitions.port import Driver, Transfer
from step_definitions.role import Role
from step_definitions.sentences import acting, stating
from step_definitions.steps.duplex_channel import DuplexChannelSteps


class BenchmarkSteps:
    """Latency, throughput, processor time, fill level."""

    def __init__(self, role: Role, driver: Driver, channel: DuplexChannelSteps) -> None:
        self._role = role
        self._driver = driver
        self._channel = channel
        self._trips: list[float] = []

    @step(acting(r"measures '(?P<count>\d+)' round trips of size '(?P<size>[^']+)'"))
    async def measure(self, count: int, size: ByteSize) -> None:
        """Send requests one after the other and time each."""
        recipe = Payload(Pattern.SIMPLE, size)
        timeout = self._role.settings.bulk_timeout
        self._trips = await self._driver.ping(self._channel.handle, recipe, count=count, timeout=timeout)

    @then(acting(r"should report the spread of its round trips"))
    def report_trips(self) -> None:
        """Log minimum, median, high percentiles."""
        if not self._trips:
            raise AssertionError("no round trip has been measured")
        cuts = statistics.quantiles(self._trips, n=1000, method="inclusive")
        spread = {"min": min(self._trips), "p50": cuts[499], "p99": cuts[989], "p99.9": cuts[998]}
        self._role.logger.warning("round trip in µs", **{name: round(value * 1e6, 1) for name, value in spread.items()})

    @step(acting(r"writes '(?P<count>\d+)' frames of size '(?P<size>[^']+)' every '(?P<interval>\d+)' microseconds"))
    async def write_paced(self, count: int, size: ByteSize, interval: int) -> None:
        """Begin to write at a steady rate."""
        recipe = Payload(Pattern.SIMPLE, size)
        timeout = self._role.settings.bulk_timeout
        work = self._driver.write(
            self._role.endpoints.writer(), recipe, count=count, interval=interval / 1e6, timeout=timeout
        )
        self._role.operations.start(work)

    @then(acting(r"should report its throughput and processor time"))
    async def report_throughput(self) -> None:
        """Log frames and bytes per second, and processor time per frame."""
        if self._role.operations.pending:
            outcome = await self._role.operations.finished(self._role.settings.bulk_timeout)
            if outcome.error is not None:
                raise outcome.error
            done: Transfer = outcome.result
        else:
            done = self._role.history.transfers[-1]
        self._role.logger.warning(
            "throughput",
            frames_per_second=round(done.frames / done.seconds),
            megabytes_per_second=round(done.bytes / done.seconds / 1e6, 1),
            cpu_microseconds_per_frame=round(done.cpu_seconds / done.frames * 1e6, 2),
        )

    @step(acting(r"watches buffer '(?P<base>[^']+)' fill to '(?P<percent>\d+)' percent"))
    async def watch_fill(self, base: str, percent: int) -> None:
        """Wait until the header shows that much, and log how long it took."""
        begin = time.monotonic()
        view = self._role.view(base)
        size = view.field("payload_size")
        limit = size * (100 - percent) // 100
        await self._role.poll(lambda: view.field("payload_free_bytes") <= limit, f"{percent} percent full")
        self._role.logger.warning("filled", percent=percent, seconds=round(time.monotonic() - begin, 4))

    @then(stating(r"buffer '(?P<base>[^']+)' should be empty within '(?P<milliseconds>\d+)' ms"))
    async def empty_again(self, base: str, milliseconds: int) -> None:
        """Wait until all space is free."""
        view = self._role.view(base)
        await self._role.poll(
            lambda: view.field("payload_free_bytes") == view.field("payload_size"),
            "empty",
            timeout=milliseconds / 1000 + self._role.settings.slack,
        )
