"""The explorer: programs, what they share, and every interleaving of their steps.

A program is a generator that yields steps and gets their results. Its local state is where it stands, and its local
variables: two histories that led to the same ones are one state. So a program becomes a table, made while exploring:
(local state, result) gives the next local state and its step. A state of the whole is what is shared, and the number of
each program's local state.
"""

from __future__ import annotations

import gc
import time
from array import array
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, NamedTuple

Shared = list[Any]
Outcome = Callable[[Shared], Any]

BLOCKED = object()
"""What an outcome returns that cannot happen now."""

ENDED = -1
KILLED = -2


class ViolationError(Exception):
    """A property does not hold. The first word names it."""


class Step(NamedTuple):
    """One atomic step: its outcomes happen or not, each with its result.

    A passive one waits for others. A pure one changes nothing: its outcomes get the state itself, not a copy.
    """

    name: str
    outcomes: tuple[Outcome, ...]
    passive: bool = False
    pure: bool = False


Program = Generator[Step, Any, Any]


class Process:
    """A program as a table that grows."""

    def __init__(self, name: str, start: Callable[[], Program], die: Callable[[Shared], Any] | None = None) -> None:
        self.name = name
        self.die = die
        self._start = start
        self._known: dict[Any, int] = {}
        self._histories: list[tuple[Any, ...]] = []
        self._next: dict[tuple[int, Any], int] = {}
        self.steps: list[Step] = []
        self.first = self._enter(())

    def follow(self, local: int, result: Any) -> int:
        """Return the local state after the step of `local` gave `result`."""
        known = self._next.get((local, result))
        if known is None:
            known = self._enter((*self._histories[local], result))
            self._next[local, result] = known
        return known

    def _enter(self, history: tuple[Any, ...]) -> int:
        program = self._start()
        try:
            step = next(program)
            for result in history:
                step = program.send(result)
        except StopIteration:
            return ENDED
        where = _where(program)
        known = self._known.get(where)
        if known is None:
            known = self._known[where] = len(self.steps)
            self.steps.append(step)
            self._histories.append(history)
        program.close()
        return known


def _where(program: Any) -> tuple[Any, ...]:
    places = []
    while program is not None:
        frame: FrameType = program.gi_frame
        values = [item for item in frame.f_locals.items() if not callable(item[1])]
        places.append((frame.f_code.co_name, frame.f_lasti, tuple(sorted(values, key=_by_name))))
        program = program.gi_yieldfrom
    return tuple(places)


def _by_name(item: tuple[str, Any]) -> str:
    return item[0]


@dataclass
class Exploration:
    """What was found."""

    states: int = 0
    transitions: int = 0
    seconds: float = 0.0
    violation: str = ""
    trace: list[str] = field(default_factory=list)
    observations: dict[str, int] = field(default_factory=dict)

    @property
    def broken(self) -> str:
        """The property that does not hold; empty when all do."""
        return self.violation.split(":", 1)[0]


Watch = Callable[[Shared, tuple[int, ...], list[Process]], str]
"""Looks at a state; returns an observation to count, or nothing, or raises ViolationError."""


def _numbers() -> array[int]:
    return array("I")


@dataclass
class _Space:
    """The states that were reached: each is the number of what is shared, and of each local state."""

    shared: dict[tuple[Any, ...], int] = field(default_factory=dict)
    memories: list[tuple[Any, ...]] = field(default_factory=list)
    seen: dict[tuple[int, ...], int] = field(default_factory=dict)
    order: list[tuple[int, ...]] = field(default_factory=list)
    parents: list[tuple[int, int, str, Any]] = field(default_factory=list)
    sources: array[int] = field(default_factory=_numbers)
    targets: array[int] = field(default_factory=_numbers)

    def number(self, memory: tuple[Any, ...]) -> int:
        """Return the number of what is shared."""
        known = self.shared.get(memory)
        if known is None:
            known = self.shared[memory] = len(self.memories)
            self.memories.append(memory)
        return known

    def reach(self, state: tuple[int, ...], at: int, who: int, what: str, result: Any = None) -> None:
        """Add a transition, and the state that it leads to unless that is known."""
        known = self.seen.get(state)
        if known is None:
            known = self.seen[state] = len(self.order)
            self.order.append(state)
            self.parents.append((at, who, what, result))
        if at >= 0:
            self.sources.append(at)
            self.targets.append(known)

    def stuck(self) -> int:
        """Return the first state from which not all but the first process can end; -1 if there is none."""
        ends = bytearray(all(local < 0 for local in state[2:]) for state in self.order)
        changed = True
        while changed:
            changed = False
            for source, target in zip(reversed(self.sources), reversed(self.targets), strict=True):
                if ends[target] and not ends[source]:
                    ends[source] = changed = True
        return ends.find(0)

    def trace(self, at: int, processes: list[Process], show: Callable[[Shared], str]) -> list[str]:
        """Tell how a state was reached."""
        lines: list[str] = []
        while at > 0:
            parent, who, what, result = self.parents[at]
            what = what if result is None else f"{what} -> {result}"
            lines.append(f"{processes[who].name:>10}  {what:<48} {show(list(self.memories[self.order[at][0]]))}")
            at = parent
        return lines[::-1]


def explore(
    shared: Shared, processes: list[Process], show: Callable[[Shared], str], watch: Watch | None = None
) -> Exploration:
    """Visit every state that can be reached, breadth first, so that a trace is the shortest one.

    With a watch, all but the first process must be able to end, from wherever they are.
    """
    found = Exploration()
    space = _Space()
    begun = time.perf_counter()
    space.reach((space.number(tuple(shared)), *(process.first for process in processes)), -1, -1, "")
    collecting = gc.isenabled()
    gc.disable()  # nothing here is a cycle, and looking for some takes half the time
    at, who, what = 0, -1, ""
    try:
        while at < len(space.order):
            state = space.order[at]
            memory = space.memories[state[0]]
            who, what = -1, ""
            if watch is not None:
                noticed = watch(list(memory), state[1:], processes)
                if noticed:
                    found.observations[noticed] = found.observations.get(noticed, 0) + 1
            for who, process in enumerate(processes):
                local = state[who + 1]
                if local < 0:
                    continue
                step = process.steps[local]
                what = step.name
                for outcome in step.outcomes:
                    if step.pure:
                        result = outcome(memory)  # type: ignore[arg-type]
                        number = state[0]
                    else:
                        copy = list(memory)
                        result = outcome(copy)
                        if result is BLOCKED:
                            continue
                        number = space.number(tuple(copy))
                    found.transitions += 1
                    reached = (number, *state[1 : who + 1], process.follow(local, result), *state[who + 2 :])
                    space.reach(reached, at, who, what, result)
                if process.die is not None:
                    copy = list(memory)
                    if process.die(copy) is not BLOCKED:
                        found.transitions += 1
                        reached = (space.number(tuple(copy)), *state[1 : who + 1], KILLED, *state[who + 2 :])
                        space.reach(reached, at, who, "is killed")
            at += 1
        stuck = space.stuck() if watch is not None else -1
        if stuck >= 0:
            who, at = -1, stuck
            found.violation = "stuck: not everybody can come to an end from here"
    except ViolationError as error:
        found.violation = str(error)
    finally:
        if collecting:
            gc.enable()
    if found.violation:
        found.trace = space.trace(at, processes, show)
        if who >= 0:
            found.trace.append(f"{processes[who].name:>10}  {what}")
        found.trace.append(f"            ** {found.violation}")
    found.states = len(space.order)
    found.seconds = time.perf_counter() - begun
    return found
