"""The run itself: starts the drivers of each pairing, has them measured, and ends them. Whatever fails is a cell's."""

from __future__ import annotations

import asyncio
import itertools
import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from harmony.errors import HarmonyError, UnsupportedError
from harmony.perf.case import MeasureContext, PerfCase, PerfCases
from harmony.perf.figures import Record, ResultTable, result_table
from harmony.perf.machine import Machine
from harmony.perf.schedule import PairRun, Sample
from harmony.process.child import ProcessSpec
from harmony.process.remains import LeakProbe, excuse_of, look
from harmony.process.this_system import SYSTEM
from harmony.run.driver_process import DriverProcess
from harmony.wire.driver import DriverError, client_of
from harmony.wire.driver_contract import Contract, Driver

Pair = tuple[str, str]
Progress = Callable[[int, int, str], None]
_DUMP_TIMEOUT: Final = 2.0


@dataclass(frozen=True, slots=True)
class Partner:
    """A platform that takes part.

    Attributes:
        spec: How its driver is started.
        capabilities: What it claims.
        patience: Seconds until it must have introduced itself.
    """

    spec: ProcessSpec
    capabilities: frozenset[str]
    patience: float


@dataclass(frozen=True, slots=True)
class PerfOutcome:
    """What came of a run.

    Attributes:
        tables: One for each case.
        problems: What went wrong beside the cells: a driver that did not end in order, something left behind.
        identities: Who answered, by platform.
        seconds: How long it took.
    """

    tables: tuple[ResultTable, ...]
    problems: tuple[str, ...]
    identities: Mapping[str, str]
    seconds: float


@dataclass(slots=True)
class PerformanceRun:
    """Measures what a schedule says.

    Attributes:
        partners: The platforms, by name.
        cases: What is measured.
        contract: What the drivers speak.
        machine: Where, and on which cores.
        probes: Name what a run has left behind on this machine.
        effort: See :class:`~harmony.perf.case.MeasureContext`.
        strict: Whether every word of a driver must be as the contract says.
        progress: Told of each run of a pairing before it begins: how many are done, of how many, and which one begins.
    """

    partners: Mapping[str, Partner]
    cases: PerfCases
    contract: Contract
    machine: Machine
    probes: Sequence[LeakProbe] = ()
    effort: float = 1.0
    strict: bool = False
    progress: Progress = lambda _done, _all, _text: None
    _records: dict[str, dict[Pair, Record]] = field(default_factory=dict)
    _broken: dict[str, str] = field(default_factory=dict)
    _problems: list[str] = field(default_factory=list)
    _identities: dict[str, str] = field(default_factory=dict)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    async def run(self, pair_runs: Sequence[PairRun]) -> PerfOutcome:
        """Measure everything, one thing at a time."""
        began = time.monotonic()
        for done, pair_run in enumerate(pair_runs):
            self.progress(done, len(pair_runs), f"round {pair_run.round}: {'_'.join(pair_run.pairing)}")
            await self._pair_run(pair_run)
        tables = tuple(
            result_table(case, self._records[case.name]) for case in self.cases.items if case.name in self._records
        )
        return PerfOutcome(tables, tuple(self._problems), dict(self._identities), time.monotonic() - began)

    async def _pair_run(self, pair_run: PairRun) -> None:
        samples = [sample for sample in pair_run.samples if self._may(sample, pair_run.pairing)]
        run_ids: list[str] = []
        drivers: list[DriverProcess] = []
        in_order = True
        try:
            for sample in samples:
                record = self._record(sample, pair_run.pairing)
                try:
                    if not drivers:
                        drivers = await self._started(pair_run.pairing)
                    run_ids.append(f"{os.getpid()}_{next(self._numbers)}")
                    record.samples.append(await self._measured(sample, drivers, run_ids[-1]))
                except UnsupportedError as error:
                    record.lack = error.message
                except Exception as error:  # noqa: BLE001 - whatever a case or a driver raises is what the cell shows
                    record.failure = _reason(error)
                    in_order = False
                    await _killed(drivers)
                    drivers = []
        except BaseException:
            await _killed(drivers)
            self._swept(run_ids, pair_run, tell=False)
            raise
        await self._ended(drivers, pair_run)
        self._swept(run_ids, pair_run, tell=in_order)

    def _may(self, sample: Sample, pairing: Pair) -> bool:
        """Whether there is a point in this sample; says in the record why not."""
        record = self._record(sample, pairing)
        if record.failure or record.lack:
            return False
        needs = self._case(sample).needs
        lacks = [
            f"{platform} does not claim {', '.join(sorted(needs - self.partners[platform].capabilities))}"
            for platform in dict.fromkeys(pairing)
            if needs - self.partners[platform].capabilities
        ]
        record.lack = "; ".join(lacks)
        record.failure = "; ".join(self._broken[platform] for platform in sorted(set(pairing) & self._broken.keys()))
        return not record.lack and not record.failure

    async def _started(self, pairing: Pair) -> list[DriverProcess]:
        drivers: list[DriverProcess] = []
        cores = self.machine.pinned or (None, None)
        try:
            for platform, core in zip(pairing, cores, strict=True):
                drivers.append(await self._start(platform))
                if core is not None:
                    SYSTEM.hold(drivers[-1].pid, core)
        except BaseException:
            await _killed(drivers)
            raise
        return drivers

    async def _start(self, platform: str) -> DriverProcess:
        partner = self.partners[platform]
        try:
            driver = await DriverProcess.begin(
                partner.spec, self.contract, strict=self.strict, patience=partner.patience
            )
        except (HarmonyError, DriverError) as error:
            # One that does not start now does not start in the next run; each try may cost the whole patience.
            self._broken[platform] = f"the driver of {platform} does not start: {_reason(error)}"
            raise HarmonyError(self._broken[platform]) from error
        if platform not in self._identities:
            who = await client_of(Driver, driver).hello()
            self._identities[platform] = f"{who.implementation} {who.version} ({who.language})"
        return driver

    async def _measured(self, sample: Sample, drivers: Sequence[DriverProcess], run_id: str) -> float:
        case = self._case(sample)
        by_role = {
            role: client_of(self.contract.port, driver)
            for role, driver in zip(sorted(case.roles), drivers, strict=True)
        }
        try:
            async with asyncio.timeout(case.deadline) as limit:
                value = await case.run(by_role, MeasureContext(sample.seed, run_id, self.effort))
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise HarmonyError(await _late(case, by_role)) from error
        if not math.isfinite(value) or value <= 0:
            raise HarmonyError(f"{value} is no measurement: it must be above 0")
        return value

    async def _ended(self, drivers: Sequence[DriverProcess], pair_run: PairRun) -> None:
        for driver, platform in zip(drivers, pair_run.pairing, strict=False):
            try:
                await driver.end()
            except (HarmonyError, DriverError) as error:
                self._problems.append(f"{platform} in {'_'.join(pair_run.pairing)}: {_reason(error)}")

    def _swept(self, run_ids: Sequence[str], pair_run: PairRun, *, tell: bool) -> None:
        """Remove what was left behind; of drivers that had to be killed nothing else can be expected."""
        for run_id in run_ids:
            remains = look(self.probes, run_id)
            remains.remove()
            if tell:
                pairing = "_".join(pair_run.pairing)
                self._problems += [f"{pairing}: {leak}" for leak in remains.told(excuse_of((), deadly=False))]

    def _case(self, sample: Sample) -> PerfCase:
        return next(one for one in self.cases.items if one.name == sample.case)

    def _record(self, sample: Sample, pairing: Pair) -> Record:
        return self._records.setdefault(sample.case, {}).setdefault(pairing, Record())


async def _killed(drivers: Sequence[DriverProcess]) -> None:
    for driver in drivers:
        await driver.kill()


async def _late(case: PerfCase, drivers: Mapping[str, Driver]) -> str:
    lines = [f"no end within {case.deadline:g} s"]
    for role, driver in drivers.items():
        try:
            found = await driver.dump(timeout=_DUMP_TIMEOUT)
        except (HarmonyError, DriverError) as error:
            lines.append(f"{role}: {error}")
            continue
        busy = ", ".join(f"{one.verb} for {one.seconds:.1f} s" for one in found.requests)
        lines.append(f"{role}: {busy or 'nothing under way'}")
    return "\n".join(lines)


def _reason(error: Exception) -> str:
    if isinstance(error, ExceptionGroup):
        return "; ".join(_reason(one) for one in error.exceptions)
    if isinstance(error, HarmonyError):
        return error.message
    return str(error) if isinstance(error, DriverError) else f"{type(error).__name__}: {error}"
