"""Runs cells: each role of a scenario in a worker of its platform. The engine behind the matrix."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import functools
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from harmony.errors import HarmonyError, LeftBehindError
from harmony.model import Phase, StepOutcome, Verdict
from harmony.plan.cells import Cell
from harmony.plan.seeds import seed_of
from harmony.process import orphans, places
from harmony.process.child import end_children
from harmony.process.remains import LeakProbe, Remains, excuse_of, look
from harmony.run import interruption
from harmony.run.actor import Actor
from harmony.run.blocking import BlockingCalls
from harmony.run.pool import PooledActor, WorkerPool
from harmony.run.recording import Recorder
from harmony.run.run_id import RunId
from harmony.run.scenario_run import RunOptions, run_scenario, scenario_starts
from harmony.spec.gherkin import Step
from harmony.spec.routing import ScenarioPlan, role_of, route
from harmony.verdict.event_factory import cell_finished, cell_started, step_finished, step_started
from harmony.verdict.events import Subscriber
from harmony.verdict.patience import Limit
from harmony.verdict.result import ScenarioResult, StepResult, merged, with_scenes, with_stderr


@dataclass(frozen=True, slots=True)
class _Player:
    key: str
    platform: str
    worker: PooledActor


class CellRunner:
    """Runs one cell after the other with the workers of a pool.

    Args:
        pool: Where workers come from.
        options: How scenarios run.
        probes: Name what a run has left behind on this machine.
        own_probes: More of them for cells in which a platform plays.
        careless: Platforms whose cells do not fail for what they leave; it is removed all the same.
        seed: Seed of the run.
        repeat: Returns the command that repeats a cell.
        judge: Sees a result in the light of what is claimed and expected.
        record: Directory for recordings of every conversation; none if absent.
    """

    def __init__(
        self,
        pool: WorkerPool,
        options: RunOptions,
        *,
        probes: Sequence[LeakProbe] = (),
        own_probes: Mapping[str, Sequence[LeakProbe]] | None = None,
        careless: Collection[str] = (),
        seed: int = 0,
        repeat: Callable[[Cell], str] = lambda cell: cell.key,
        judge: Callable[[Cell, ScenarioResult], ScenarioResult] = lambda _, result: result,
        record: Path | None = None,
    ) -> None:
        self._pool = pool
        self._options = replace(options, separate_processes=True)
        self._probes = tuple(probes)
        self._own_probes = dict(own_probes or {})
        self._careless = frozenset(careless)
        self._seed = seed
        self._repeat = repeat
        self._judge = judge
        self._record = record
        self._blocking = BlockingCalls("leaks")
        self._played: WeakKeyDictionary[PooledActor, tuple[Cell, ScenarioResult, str]] = WeakKeyDictionary()
        pool.dismissed = self._judge_again

    def run(
        self,
        cell: Cell,
        subscriber: Subscriber = lambda _: None,
        limits: Mapping[str, Limit] | None = None,
        *,
        known: bool = False,
    ) -> ScenarioResult:
        """Run a cell to its end, tell what happens, and leave no trace of it.

        Args:
            cell: The cell.
            subscriber: Hears what happens.
            limits: How long steps of roles may take that are not given the whole limit.
            known: Whether it is known that it will not pass.
        """
        return asyncio.run(self._played_once(cell, subscriber, limits or {}, known=known))

    def close(self, subscriber: Subscriber = lambda _: None) -> None:
        """End all workers, and tell how."""
        self._pool.observe = subscriber
        asyncio.run(self._pool.close())
        self._blocking.close()

    async def play(
        self, cell: Cell, subscriber: Subscriber, limits: Mapping[str, Limit], *, known: bool = False
    ) -> ScenarioResult:
        """Do what `run` does, in a loop that runs already."""
        options = replace(self._options, limits=limits)
        seed = seed_of(self._seed, cell.scenario)
        self._pool.observe = subscriber
        subscriber(cell_started(cell, seed))
        run_id = RunId.of_cell(cell.scenario)
        routed = route(cell.scenario)
        state = _CellRun(cell, routed, self._pool, run_id, options, self._careless, seed, known, subscriber)
        recorder = Recorder(cell, seed) if self._record is not None else None
        before = frozenset(orphans.adopted())
        with places.lent(str(run_id)) as left:
            try:
                result = await state.run(recorder)
            except BaseException:
                await self._abandon(state)
                raise
        recordings = {}
        if recorder is not None and self._record is not None:
            recordings = recorder.write(self._record, result.network)
        daemons = orphans.end_unmarked(before)
        # Whoever is judged again finds all that is known of the cell.
        result = await self._with_leaks(result, state, daemons)
        for text in left:
            result = merged(result, Verdict.FAILED, Phase.LEAKS, f"cannot be removed: {text}")
        self._played.update({player.worker: (cell, result, player.key) for player in state.players})
        result = self._judge(cell, result)
        subscriber(cell_finished(cell, result, self._repeat(cell), recordings=recordings))
        return result

    async def _played_once(
        self, cell: Cell, subscriber: Subscriber, limits: Mapping[str, Limit], *, known: bool
    ) -> ScenarioResult:
        with interruption.once():
            return await self.play(cell, subscriber, limits, known=known)

    def _judge_again(self, worker: PooledActor, crash: str) -> None:
        """Replace the verdict on the last cell of a worker that has crashed since, or been alarming on its way out."""
        written = worker.take_stderr()
        if worker not in self._played or not (crash or written.alarms):
            return
        cell, before, key = self._played[worker]
        result = with_stderr(before, {key: written})
        if crash:
            result = merged(result, Verdict.CRASHED, Phase.CLOSE, f"after this cell, {crash}")
        self._pool.observe(cell_finished(cell, self._judge(cell, result), self._repeat(cell), late=True))

    async def _abandon(self, run: _CellRun) -> None:
        """End all that plays in a cell that was interrupted, and remove what it has left, within moments."""
        kills = [asyncio.ensure_future(player.worker.kill()) for player in run.players]
        if kills and (await asyncio.wait(kills, timeout=interruption.PATIENCE))[1]:
            await self._blocking.call(end_children)
            await asyncio.wait(kills, timeout=interruption.PATIENCE)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(interruption.PATIENCE):
                remains = await self._remains(run)
            remains.remove()

    async def _remains(self, run: _CellRun) -> Remains:
        """Return what the cell has left."""
        platforms = set(run.cell.pairing.platforms.values())
        probes = [*self._probes, *(probe for name in platforms for probe in self._own_probes.get(name, ()))]
        # Elsewhere, so that a probe that hangs keeps nobody from interrupting the run.
        return await self._blocking.call(functools.partial(look, probes, str(run.run_id)))

    async def _with_leaks(self, result: ScenarioResult, run: _CellRun, daemons: Sequence[str]) -> ScenarioResult:
        """Remove what the cell has left; return a result that says what is the fault of somebody."""
        remains = await self._remains(run)
        remains.remove()
        forgiven = bool(set(run.cell.pairing.platforms.values()) & self._careless)
        killed = {pid for player in run.players for pid in player.worker.killed}
        said = remains.told((lambda _: True) if forgiven else excuse_of(killed, deadly=run.plan.deadly))
        if daemons and not forgiven:
            said.append(f"daemons without an environment ran on (ended now): {', '.join(daemons)}")
        for leak in said:
            result = merged(result, Verdict.FAILED, Phase.LEAKS, leak)
        return result


@dataclass(slots=True)
class _CellRun:
    """The state of one cell."""

    cell: Cell
    plan: ScenarioPlan
    pool: WorkerPool
    run_id: RunId
    options: RunOptions
    careless: Collection[str]
    seed: int
    known: bool
    subscriber: Subscriber
    players: list[_Player] = field(default_factory=list)
    scenes: dict[str, dict[str, Any]] = field(default_factory=dict)

    async def run(self, recorder: Recorder | None) -> ScenarioResult:
        async def spawn(role: str) -> Actor:
            return await self._player(role, recorder)

        try:
            actors = {role: await spawn(role) for role in self.plan.roles}
        except HarmonyError as error:
            return await self._released(self._not_started(error))
        starts = scenario_starts(
            self.plan,
            self.cell.pairing.platforms,
            host_pid=self.run_id.host_pid,
            feature_id=self.run_id.feature_id,
            seed=self.seed,
            strict=self.options.strict,
            known=self.known,
        )
        result = await run_scenario(
            self.plan,
            actors,
            starts,
            spawn=spawn,
            own=self.pool.own_actor,
            options=self.options,
            begins=self._begins,
            observe=self._observe,
        )
        return await self._released(with_scenes(result, self.scenes))

    def _look_around(self, result: StepResult) -> dict[str, dict[str, Any]]:
        """Return where the workers stand that did not hang themselves: one of them may be what the other waits for.

        Called between two steps, in the loop; the asking has a thread and a loop of its own.
        """
        silent = {key for key, outcome in result.outcomes.items() if outcome.data.get("stack")}
        others = [player for player in self.players if player.key not in silent]
        if not others:
            return {}
        with concurrent.futures.ThreadPoolExecutor(len(others)) as threads:
            scenes = threads.map(lambda player: asyncio.run(player.worker.stacks()), others)
        return {player.key: scene for player, scene in zip(others, scenes, strict=True) if scene}

    async def _player(self, role: str, recorder: Recorder | None) -> Actor:
        platform = self.cell.pairing.platforms[role]
        worker = await self.pool.acquire(platform, self.run_id, role)
        number = sum(role_of(player.key) == role for player in self.players) + 1
        key = role if number == 1 else f"{role}#{number}"
        self.players.append(_Player(key, platform, worker))
        worker.observe(self.subscriber, recorder.role(key, platform) if recorder is not None else None)
        return worker

    async def _released(self, result: ScenarioResult) -> ScenarioResult:
        """Give the workers back; one that does not end in order spoils the cell."""
        for player in self.players:
            player.worker.observe(self.subscriber, None)
            try:
                await self.pool.release(player.worker, player.platform, role_of(player.key))
            except LeftBehindError as error:
                if player.platform not in self.careless:
                    result = merged(result, Verdict.FAILED, Phase.LEAKS, f"{player.key}: {error}")
            except HarmonyError as error:
                verdict = getattr(error, "verdict", Verdict.FAILED)
                seen = [one.outcomes[player.key].verdict for one in result.results if player.key in one.outcomes]
                if verdict is not Verdict.CRASHED or verdict not in seen:
                    result = merged(result, verdict, Phase.CLOSE, f"{player.key}: {error}")
        return with_stderr(result, {player.key: player.worker.take_stderr() for player in self.players})

    def _not_started(self, error: HarmonyError) -> ScenarioResult:
        verdict = getattr(error, "verdict", Verdict.ERRORED)
        outcome = StepOutcome(verdict, str(error), {"code": error.code})
        first = StepResult(None, Phase.START, {"harmony": outcome}, verdict, 0.0)
        self._observe(first)
        steps = tuple(routed.step for routed in self.plan.steps)
        return ScenarioResult(self.plan, verdict, (first,), not_run=steps, seed=self.seed)

    def _begins(self, step: Step) -> None:
        self.subscriber(step_started(self.cell, step))

    def _observe(self, result: StepResult) -> None:
        if result.verdict is Verdict.TIMED_OUT and not self.scenes:
            self.scenes = self._look_around(result)
        self.subscriber(step_finished(self.cell, result))
