"""A trial: a run of the harness in a copy, as a child, and what it has shown."""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from harmony.errors import ExitCode
from harmony.model import Verdict
from harmony.mutate.workshop import Workshop
from harmony.plan.cells import scenario_of
from harmony.run.child_run import ChildRun
from harmony.text import shown
from harmony.verdict.events import CellFinished, Event, RunFinished, RunPlanned, RunStarted
from harmony.verdict.verdicts import is_red

_SILENCE: Final = 120.0
_TIMES: Final = 10.0
"""How long the harness may say nothing: so many times the longest cell, and so many seconds more."""
_NO_VERDICT: Final = frozenset(
    {
        ExitCode.INTERRUPTED,
        ExitCode.INTERNAL,
        ExitCode.USAGE,
        ExitCode.NOTHING_SELECTED,
        ExitCode.LINT,
        ExitCode.CONFIGURATION,
    }
)
"""How a run ends that says nothing of a platform."""
_TOLD: Final = 400


@dataclass(frozen=True, slots=True)
class Red:
    """A cell that spoils a run.

    Attributes:
        cell: Its key.
        scenario: The number of its scenario, or what it has in place of one.
        verdict: What it was found to be.
        said: Why, in one line.
    """

    cell: str
    scenario: str
    verdict: Verdict
    said: str


@dataclass(frozen=True, slots=True)
class Shown:
    """What a run has shown.

    Attributes:
        passed: The seconds of the cells that passed.
        red: The cells that spoil it, in their order.
        others: How many cells are neither, by their verdict.
        trouble: Why it says nothing of the platform; nothing if it does.
    """

    passed: Mapping[str, float] = field(default_factory=dict)
    red: tuple[Red, ...] = ()
    others: Mapping[Verdict, int] = field(default_factory=dict)
    trouble: str = ""


async def play(
    workshop: Workshop, words: Sequence[str], more: Sequence[str] = (), cells: Mapping[str, float] | None = None
) -> Shown:
    """Run the harness in a copy.

    Args:
        workshop: The copy.
        words: Of `harmony run`.
        more: Of pytest.
        cells: The cells that are played, in this order, and how long each takes; what the words say if absent.
    """
    with tempfile.NamedTemporaryFile("w", prefix="harmony-trial-", suffix=".json", encoding="utf-8") as order:
        more = [*more, f"--touched=platform:{workshop.platform}"]
        if cells is not None:
            json.dump(dict(cells), order)
            order.flush()
            more.append(f"--trial={order.name}")
        heard = Heard()
        longest = max((cells or {}).values(), default=_SILENCE)
        child = await ChildRun.start(workshop.file, words, more, heard, python=workshop.python)
        try:
            code = await _ended(child, heard, _SILENCE + _TIMES * longest)
            names = {workshop.platform, *workshop.partners}
            return heard.shown(code, names, None if cells is None else len(cells), child.output())
        finally:
            await child.close()


async def _ended(child: ChildRun, heard: Heard, silence: float) -> int | None:
    """Wait for the end of a run; return its exit code, or nothing where it is silent for too long."""
    end = asyncio.create_task(child.wait())
    try:
        while not end.done():
            left = heard.last + silence - time.monotonic()
            if left <= 0:
                return None
            await asyncio.wait({end}, timeout=left)
        return end.result()
    finally:
        end.cancel()


class Heard:
    """Keeps what a run tells."""

    def __init__(self) -> None:
        self.last = time.monotonic()
        self._cells: dict[str, CellFinished] = {}
        self._unavailable: Mapping[str, str] = {}
        self._planned: int | None = None
        self._finished: RunFinished | None = None

    def __call__(self, event: Event) -> None:
        """Take an event."""
        self.last = time.monotonic()
        match event:
            case RunStarted():
                self._unavailable = event.platforms
            case RunPlanned():
                self._planned = event.cells
            case CellFinished():
                self._cells[event.cell] = event
            case RunFinished():
                self._finished = event
            case _:
                pass

    def shown(self, code: int | None, names: set[str], wanted: int | None, output: str) -> Shown:
        """Return what the run has shown.

        Args:
            code: How it ended; nothing if it was silent for too long.
            names: The platforms that must play.
            wanted: How many cells there must be, each of which passes without a fault; nothing before that is known.
            output: What it has written.
        """
        every = self._cells.values()
        # What passed without a fault, and deviates with one, shows it: how much that weighs does not matter here.
        also = {Verdict.DEVIATES} if wanted is not None else set()
        judged = [one for one in every if one.verdict is not Verdict.NOT_RUN]
        red = [one for one in judged if is_red(one.verdict) or one.verdict in also]
        passed = {one.cell: one.seconds for one in every if one.verdict is Verdict.PASSED}
        others = [one.verdict for one in every if one.verdict is not Verdict.PASSED and one not in red]
        return Shown(
            passed,
            tuple(Red(one.cell, scenario_of(one.cell), one.verdict, one.said) for one in red),
            Counter(others),
            self._trouble(code, names, wanted, output),
        )

    def _trouble(self, code: int | None, names: set[str], wanted: int | None, output: str) -> str:
        why = [f"{name}: {reason}" for name, reason in sorted(self._unavailable.items()) if name in names and reason]
        if code is None:
            return "the harness had nothing to say for too long"
        if why:
            return "; ".join(why)
        told = shown(output[-_TOLD:], _TOLD)
        if self._finished is None or self._finished.exit_code != code or code in _NO_VERDICT or not self._cells:
            return f"the harness ended with {code} and without a verdict: {told}"
        if wanted is not None and self._planned != wanted:
            return f"{self._planned} of {wanted} cells are there"
        return ""
