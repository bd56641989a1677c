"""A campaign: faults are planted one at a time in each of several copies, and each meets cells until one is red."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections import deque
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Protocol

from harmony.errors import ExitCode, HarmonyError
from harmony.model import Verdict
from harmony.mutate.fault import Patch, Planted
from harmony.mutate.harness import Harness
from harmony.mutate.judgement import Judgement, Outcome
from harmony.mutate.order import Order
from harmony.mutate.record import Record
from harmony.mutate.target import Target
from harmony.mutate.trial import Red, Shown, merged
from harmony.mutate.workshop import Workshop, WorkshopError
from harmony.run.trials import Trial

AS_MADE: Final = "a build makes the same of it, byte for byte"
_FUSE: Final = 8
"""After how many faults in a row that do not build it is asked whether the sources do."""
_NAMED: Final = 5
_FIRST: Final = 30
"""How many cells a fault meets one after the other, before several at a time: most are found by one of these."""
_PER_CORE: Final = 3
"""How many cells are played at a time: most of what one takes is waiting."""
_LEAST: Final = 10
"""How many cells are worth a process."""


class UnmutatedRedError(HarmonyError):
    """The scenarios are red before a fault is planted, so they cannot tell one.

    Way out: make them green, with `harmony run` and the words that the message names; `expectations.toml` takes what is
    known to fail.
    """

    code = "unmutated_red"
    exit_code = ExitCode.FAILED


class Screen(Protocol):
    """Is told how a campaign goes."""

    def say(self, text: str) -> None:
        """Say something in passing."""

    def begin(self, total: int, known: int) -> None:
        """Begin to judge some faults of all."""

    def judged(self, judgement: Judgement) -> None:
        """Tell what came of a fault."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is done at a time, and where.

    Attributes:
        jobs: How many copies there are.
        cores: How many cores they share.
        directory: Below which they stand; the system's for what is temporary if absent.
    """

    jobs: int
    cores: int
    directory: Path | None = None


class Campaign:
    """Judges faults.

    Args:
        target: Of which platform.
        record: What is known already, and where the rest is kept.
        scale: How much at a time.
        screen: Is told of it.
    """

    def __init__(self, target: Target, record: Record, scale: Scale, screen: Screen) -> None:
        self._target = target
        self._record = record
        self._scale = scale
        self._screen = screen
        self._sources = frozenset(target.sources)
        self._left: deque[Planted] = deque()
        self._shares = 1
        self._shy: set[str] = set()
        self._order = Order({})

    async def run(self, faults: Sequence[Planted]) -> None:
        """Judge the faults that are not judged yet.

        Raises:
            HarmonyError: A copy cannot be made, or is red without a fault.
        """
        self._left = deque(fault for fault in faults if self._record.of(fault) is None)
        if not self._left:
            return
        target, copies = self._target, min(self._scale.jobs, len(self._left))
        self._shares = max(1, self._scale.cores * _PER_CORE // copies)
        with tempfile.TemporaryDirectory(
            prefix="harmony-mutate-", dir=self._scale.directory, ignore_cleanup_errors=True
        ) as place:
            roots = [Path(place, str(number)) for number in range(copies)]
            workshops = [Workshop(target.project, root, target.platform, target.partners) for root in roots]
            self._screen.say(f"{len(workshops)} copies in {place}: copied, prepared and built")
            await _all([workshop.make() for workshop in workshops])
            places = [(workshop, Harness(workshop, target.words)) for workshop in workshops]
            try:
                await self._run(places, len(faults))
            finally:
                await asyncio.gather(*(harness.close() for _, harness in places))

    async def _run(self, places: Sequence[tuple[Workshop, Harness]], total: int) -> None:
        if not self._record.cells:
            await self._play_unmutated([harness for _, harness in places])
        killers = [one.cell for one in self._record.judgements() if one.outcome is Outcome.KILLED]
        self._order = Order(self._record.cells, killers)
        self._screen.begin(total, total - len(self._left))
        await _all([self._work(workshop, harness) for workshop, harness in places])

    async def _play_unmutated(self, harnesses: Sequence[Harness]) -> None:
        """Find out what each cell takes while as many others play as will with a fault."""
        begin = time.monotonic()
        cells = dict.fromkeys(await harnesses[0].cells(), 0.0)
        parts = self._parts(cells, len(harnesses) * self._shares) or [{}]  # who has none tells why
        trials = [Trial(cells=part, most=_NAMED, limited=False) for part in parts]
        work = [one.play(trials[place :: len(harnesses)]) for place, one in enumerate(harnesses)]
        shown = merged(await asyncio.gather(*work))
        if shown.red and len(shown.red) <= _NAMED and not shown.trouble:
            doubtful = dict.fromkeys((one.cell for one in shown.red), 0.0)
            again = await harnesses[0].play([Trial(cells=doubtful, most=0, limited=False)])
            self._shy.update(again.passed)
            shown = replace(again, passed={**shown.passed, **again.passed}, others=shown.others)
        if shown.trouble:
            raise UnmutatedRedError(f"without a fault: {shown.trouble}")
        if shown.red or not shown.passed:
            named = [f"  {red.cell}: {red.verdict}: {red.said}" for red in shown.red[:_NAMED]]
            more = len(shown.red) - len(named)
            head = f"without a fault {len(shown.red)} cells are red so far, and {len(shown.passed)} pass"
            raise UnmutatedRedError(
                "\n".join([head, *named, *([f"  … and {more} more"] if more > 0 else [])]),
                hint=f"harmony run {' '.join(self._target.words[:-2])}; a copy has what git tracks, and no more",
            )
        self._record.keep_cells(shown.passed)
        others = "".join(f", {number} {verdict}" for verdict, number in shown.others.items())
        took = time.monotonic() - begin
        self._screen.say(f"without a fault: {len(shown.passed)} cells pass in {took:.0f} s{others}")
        for cell in sorted(self._shy):
            self._screen.say(f"{cell} was red beside others and passed by itself, as which it is played from now on")

    async def _work(self, workshop: Workshop, harness: Harness) -> None:
        unbuilt = 0
        while self._left:
            fault = self._left.popleft()
            judgement = await self._judge(workshop, harness, fault)
            self._record.keep(judgement)
            self._screen.judged(judgement)
            unbuilt = unbuilt + 1 if judgement.outcome is Outcome.UNBUILDABLE else 0
            if unbuilt and unbuilt % _FUSE == 0 and (why := await workshop.build()):
                raise WorkshopError(f"{workshop.platform} does not build any more, without a fault: {why.why}")

    async def _judge(self, workshop: Workshop, harness: Harness, fault: Planted) -> Judgement:
        begin = time.monotonic()
        with workshop.planted(fault):
            if unbuilt := await workshop.build():
                outcome = Outcome.UNDECIDED if unbuilt.late else Outcome.UNBUILDABLE
                return Judgement(fault, outcome, why=unbuilt.why, seconds=time.monotonic() - begin)
            if self._sources.issuperset(fault.files):
                if workshop.is_as_made():
                    return Judgement(fault, Outcome.EQUIVALENT, why=AS_MADE, seconds=time.monotonic() - begin)
                await harness.renew()
                return await self._meet(harness, fault, begin)
            # What else a project has may decide what its scenarios are.
            await harness.close()
            try:
                return await self._meet(harness, fault, begin)
            finally:
                await harness.close()

    async def _meet(self, harness: Harness, fault: Planted, begin: float) -> Judgement:
        """Have a fault meet cells until one is red, and red again."""
        finder = fault.finder if isinstance(fault, Patch) else ""
        done: set[str] = set()
        flaky: list[str] = []
        why = ""
        while cells := self._order.cells(done, finder):
            shown, unsteady = await self._twice(harness, cells)
            flaky += unsteady
            if shown.red and not shown.trouble:
                self._order.killed(shown.red[0].cell)
                return self._killed(fault, shown.red, flaky, begin)
            why = shown.trouble or (f"red once, green when repeated: {', '.join(flaky)}" if flaky else "")
            if shown.trouble or not unsteady or self._target.whole:
                break
            done |= {*shown.passed, *unsteady}
        outcome = Outcome.UNDECIDED if why else Outcome.SURVIVED
        return Judgement(fault, outcome, why=why, flaky=tuple(flaky), seconds=time.monotonic() - begin)

    async def _twice(self, harness: Harness, cells: Mapping[str, float]) -> tuple[Shown, list[str]]:
        """Play cells, and those that are red again, alone.

        Returns:
            What is red for certain, and the cells that were red and then were not.
        """
        shown = await self._first_and_others(harness, cells)
        if not shown.red:
            return shown, []
        again = await self._certain(harness, [{one.cell: cells[one.cell] for one in shown.red}])
        if again.trouble:
            return again, []
        certain = {one.cell for one in again.red}
        unsteady = [one.cell for one in shown.red if one.cell not in certain]
        self._shy.update(unsteady)
        red = tuple(one for one in shown.red if one.cell in certain)
        return replace(shown, red=red, trouble=""), unsteady

    async def _first_and_others(self, harness: Harness, cells: Mapping[str, float]) -> Shown:
        """Play the first cells one after the other, and all others several at a time."""
        every = list(cells.items())
        late = every[_FIRST:]
        alone = [*every[:_FIRST], *(one for one in late if one[0] in self._shy)]
        first = await self._certain(harness, [dict(alone)])
        others = self._parts({cell: seconds for cell, seconds in late if cell not in self._shy}, self._shares)
        if first.trouble or not others or (first.red and not self._target.whole):
            return first
        return merged([first, await self._certain(harness, others)])

    async def _certain(self, harness: Harness, parts: Sequence[Mapping[str, float]]) -> Shown:
        """Play cells; again in a new process, where the harness itself has failed."""
        trials = [Trial(cells=dict(part), most=0 if self._target.whole else 1) for part in parts]
        shown = await harness.play(trials)
        if not shown.trouble or shown.red:
            return shown
        await harness.close()
        return await harness.play(trials)

    def _parts(self, cells: Mapping[str, float], most: int) -> list[dict[str, float]]:
        """Divide cells so that the first of each part are the first of all."""
        every = list(cells.items())
        number = min(most, -(-len(every) // _LEAST))
        return [dict(every[part::number]) for part in range(number)]

    def _killed(self, fault: Planted, red: tuple[Red, ...], flaky: Sequence[str], begin: float) -> Judgement:
        first = red[0]
        return Judgement(
            fault,
            Outcome.KILLED,
            cell=first.cell,
            scenario=first.scenario,
            killers=tuple(dict.fromkeys(one.scenario for one in red)),
            by_timeout=all(one.verdict is Verdict.TIMED_OUT for one in red),
            seconds=time.monotonic() - begin,
            why=first.said,
            flaky=tuple(flaky),
        )


async def _all(work: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Do everything at the same time; where one part fails, end the others and raise its error."""
    try:
        async with asyncio.TaskGroup() as group:
            for one in work:
                group.create_task(one)
    except BaseExceptionGroup as errors:
        raise _first(errors) from errors


def _first(error: BaseException) -> BaseException:
    return _first(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error
