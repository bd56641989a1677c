"""What will run: the items of a shard, and what the plan says of them."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest

from harmony.errors import ConfigurationError
from harmony.plan.cells import Cell
from harmony.plan.durations import DURATIONS_FILE, read_durations, typical
from harmony.plan.shards import Division, ShardError, divide, parse_shard, read_plan
from harmony.project import Project
from harmony.pytest_plugin.items import HarmonySession, ScenarioItem
from harmony.pytest_plugin.request import touched_cells
from harmony.pytest_plugin.xdist_worker import told
from harmony.run.local_runner import PLATFORM
from harmony.verdict.events import PlannedCells, RunPlanned

PAST: Final = "harmony_past"
"""What a worker of pytest-xdist is told: the durations that its controller has read, whoever writes others now."""


class Planning:
    """Keeps the items of a shard, and knows what is planned.

    Args:
        config: Of the session.
        session: The project and its mode.

    Attributes:
        durations: Where it is noted how long things took.
        past: How long they took.

    Raises:
        HarmonyError: The shard or the plan is wrong, or the plan is of other cells than this run.
    """

    def __init__(self, config: pytest.Config, session: HarmonySession) -> None:
        here, option = config.invocation_params.dir, config.getoption
        self.durations = durations_file(config, session.run.project)
        self._session = session
        self._shard = parse_shard(option("--shard")) if option("--shard") else None
        self._plan: Division | None = None
        past = told(config, PAST)
        self.past: dict[str, float] = read_durations(self.durations) if past is None else dict(past)
        if option("--plan"):
            file = here / option("--plan")
            self._plan = read_plan(file)
            self._check(str(option("--plan")), self._plan)
        self._before: list[str] = []
        self._division = ""

    def choose(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Keep the items that are touched, where that is asked for, and of these the ones of this shard."""
        if (touched := touched_cells(config)) is not None:
            _keep(config, items, [item for item in items if isinstance(item, ScenarioItem) and touched.has(item.cell)])
        self._before = sorted(item.cell.key for item in items if isinstance(item, ScenarioItem))
        if self._shard is None:
            return
        index, count = self._shard
        keys = [_key(item) for item in items]
        if self._plan is None:
            division = divide(keys, count, self.past)
        else:
            # Tests that are no cells are in no plan; they have no durations that could differ.
            others = divide([key for key in keys if key not in self._plan.cells], count, {})
            division = Division(tuple(a + b for a, b in zip(self._plan.parts, others.parts, strict=True)))
        self._division = (self._plan or division).fingerprint
        mine = set(division.parts[index - 1])
        _keep(config, items, [item for item in items if _key(item) in mine])

    def planned(self, items: Sequence[pytest.Item]) -> RunPlanned | None:
        """Return what will run; nothing, if there is no cell."""
        if not self._before:
            return None
        cells = [item.cell for item in items if isinstance(item, ScenarioItem)]
        median = typical(self.past)
        return RunPlanned(
            cells=len(cells),
            of=len(self._before),
            digest=hashlib.sha256("\n".join(self._before).encode()).hexdigest()[:16],
            shard="/".join(map(str, self._shard)) if self._shard else "",
            division=self._division,
            partial=self._missing({cell.key for cell in cells}),
            pairings=_by_pairing(cells),
            features=dict(Counter(cell.scenario.feature for cell in cells)),
            seconds=round(sum(self.past.get(cell.key, median) for cell in cells), 3),
        )

    def _check(self, name: str, plan: Division) -> None:
        """Hold a plan to what there is here, before anything runs."""
        count = len(plan.parts)
        if self._shard is None or self._shard[1] != count:
            raise ShardError(f"{name} has {count} parts", hint=f"say which: --shard 1/{count}")
        session = self._session
        here = {cell.key for cell in session.mode.cells(session.run.choose())}
        apart = {"cells that are not here": plan.cells - here, "cells less than here": here - plan.cells}
        wrong = [f"{len(keys)} {what}, such as {min(keys)}" for what, keys in apart.items() if keys]
        if wrong:
            absent = "; ".join(f"{key}: {why}" for key, why in sorted(session.mode.unavailable.items()))
            reasons = f" ({absent})" if absent else ""
            raise ConfigurationError(
                f"{name} is the plan of another run: it has {', and '.join(wrong)}{reasons}",
                hint="give the same words and options to `harmony plan` and to every part, and plan where all is built",
            )

    def _missing(self, planned: set[str]) -> list[str]:
        """Say what of the whole does not run; nothing if all does."""
        session = self._session
        every = {cell.key for cell in session.mode.every_cell(session.run.allowed())}
        left_out = len(every - planned)
        return [f"{left_out} of {len(every)} cells were not chosen"] if left_out else []


def _by_pairing(cells: Sequence[Cell]) -> list[PlannedCells]:
    """Return how many cells each pairing has; nothing of a run in which every role is played here."""
    numbers = Counter(cell.pairing for cell in cells)
    scenarios: dict[frozenset[str], set[str]] = {}
    for cell in cells:
        scenarios.setdefault(frozenset(cell.pairing.platforms), set()).add(cell.scenario.id)
    return [
        PlannedCells(pairing=each, cells=count, scenarios=len(scenarios[frozenset(each)]))
        for each, count in ((pairing.platforms, count) for pairing, count in sorted(numbers.items()))
        if set(each.values()) != {PLATFORM}
    ]


def durations_file(config: pytest.Config, project: Project) -> Path:
    """Return where it is written how long cells took."""
    given = config.getoption("--durations-file")
    return config.invocation_params.dir / given if given else project.home / DURATIONS_FILE


def _keep(config: pytest.Config, items: list[pytest.Item], kept: Sequence[pytest.Item]) -> None:
    """Leave all others out."""
    left = set(items) - set(kept)
    if left:
        config.hook.pytest_deselected(items=[item for item in items if item in left])
    items[:] = kept


def _key(item: pytest.Item) -> str:
    """Return what an item is called in every run: a cell by its key, all else by its node id."""
    return item.cell.key if isinstance(item, ScenarioItem) else item.nodeid
