"""What a project writes against the public face. Checked by mypy, never run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, assert_type

from harmony import (
    BlockingCalls,
    ByteSize,
    Carrier,
    Contract,
    DataTable,
    Directory,
    DocString,
    Driver,
    DriverError,
    Duration,
    ExpectedErrors,
    Identity,
    Logger,
    Naming,
    PerformanceMonitor,
    Port,
    ProcessControl,
    RoleDriver,
    ScenarioContext,
    ScenarioStart,
    SharedValues,
    SocketPath,
    Structure,
    UnsupportedError,
    background,
    client_of,
    expect_equal,
    given,
    parsers,
    performance_critical,
    provider,
    step,
    then,
    until,
    verb,
    when,
)
from harmony.network import Address, After, AfterBytes, Before, Network, NetworkEvent


class CallSteps:
    """Steps that meet through the network."""

    def __init__(self, network: Network) -> None:
        self._network = network

    async def calls(self) -> None:
        """Call."""
        address = await self._network.to("till", 1234, splitter=lambda: lambda data, sender: (len(data), sender))
        assert_type(address, Address)
        assert_type(address.port, int)
        link = self._network.between("till", "client#second")
        await link.cut(After("bye", "till"))
        await link.hold(at=Before(lambda event: b"bye" in event.data))
        await link.drop("till", at=AfterBytes(5, "till"))
        assert_type(await link.until("bye"), NetworkEvent)


class Till(Driver, Protocol):
    """Verbs of a project."""

    @verb(needs="tips")
    async def pay(self, coins: int, *, timeout: float = 5.0) -> int:
        """Pay."""
        ...

    @verb
    async def count(self) -> list[int]:
        """Count."""
        ...


CONTRACT = Contract(
    "Till",
    "1.0",
    Till,
    {"broke": "no coins"},
    {"tips": "it takes tips"},
    {"coin": Structure(size=8, fields={"value": (0, 8)})},
)


@dataclass
class ByteSizes:
    """A record."""

    size: int


class Drawer(Carrier):
    """A till in this process."""

    async def call(self, verb: str, params: Mapping[str, Any], timeout: float) -> Any:
        """Answer."""
        return [len(verb), len(params), timeout]

    async def end(self) -> None:
        """Shut."""


def told(values: SharedValues) -> None:
    """Tell values."""
    values.publish("coins", [1, 2])
    assert_type(values.of("till", "coins", list[int]), list[int])
    assert_type(values.of("till", "drawer", ByteSizes), ByteSizes)


async def waited(port: Port, directory: Directory, path: SocketPath, till: Till) -> None:
    """Wait."""
    assert_type(await until(lambda: port > 5, what="it is"), bool)
    assert_type(await until(till.count, what="it counts", timeout=2.0), list[int])
    assert_type(port.address, str)
    assert_type((directory / "log").is_file() and path.is_socket(), bool)


async def stand_in() -> None:
    """Speak to it."""
    till = client_of(Till, Drawer())
    assert_type(till, Till)
    assert_type(await till.count(), list[int])
    assert_type((await till.hello()).pid, int)
    await till.end()


@provider
def ledger(context: ScenarioContext, naming: Naming) -> Iterator[list[int]]:
    """A thing that is closed with the scenario."""
    context.on_cleanup(lambda: None)
    context.on_failure("ledger", lambda: naming.name("ledger"))
    yield []


class TillSteps:
    """Steps of a project."""

    def __init__(
        self, till: Till, driver: RoleDriver, start: ScenarioStart, logger: Logger, errors: ExpectedErrors
    ) -> None:
        self._till = till
        self._driver = driver
        self._logger = logger
        self._errors = errors
        assert_type(start.tags, tuple[str, ...])
        assert_type(start.strict, bool)

    @given(parsers.re(r"the 'till' is (?P<state>open|closed)"))
    def is_open(self, state: str) -> None:
        """Look."""
        self._logger.info("looked", state=state)

    @when(parsers.parse("the 'till' takes {coins:d} coins"))
    @performance_critical(5.0)
    async def take(self, coins: int, datatable: DataTable, docstring: DocString) -> None:
        """Take."""
        with self._errors.capture():
            assert_type(await self._till.pay(coins), int)
        expect_equal(len(datatable.rows), len(docstring.content), "lines")

    @then(parsers.cfparse("the 'till' waits {time}", {"time": float}))
    @background
    async def wait(self, time: Duration, size: ByteSize) -> None:
        """Wait."""
        try:
            assert_type(await self._till.hello(), Identity)
        except DriverError as error:
            raise UnsupportedError(error.code) from error

    @step(parsers.string("the 'till' is gone"))
    async def gone(self, performance: PerformanceMonitor, control: ProcessControl) -> None:
        """Go."""
        assert_type(await BlockingCalls("till").call(lambda: 5), int)
        with performance.measure("going"):
            del control
