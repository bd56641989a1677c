"""What each sentence of a cell will do, as far as it can be known before anything runs."""

from __future__ import annotations

import datetime as dt
import inspect
import os
from collections.abc import Iterator
from pathlib import Path

from harmony.errors import HarmonyError
from harmony.model import ProcessAction
from harmony.plan.cells import Cell
from harmony.run.matrix_mode import MatrixMode
from harmony.run.pool import filled_in
from harmony.run.project_run import ProjectRun
from harmony.spec.capabilities import asked
from harmony.spec.gherkin import Step
from harmony.spec.routing import Doing, RoutedStep, Target, ends_named_in, route
from harmony.steps.binding import bind, parameters_of
from harmony.steps.conversion import describe
from harmony.steps.registry import StepMatch
from harmony.text import shown

_LONGEST_VALUE = 120
_DONE = {
    ProcessAction.KILL: "kills the process of",
    ProcessAction.CRASH: "crashes the process of",
    ProcessAction.SHUTDOWN: "shuts down the process of",
    ProcessAction.FREEZE: "freezes the process of",
    ProcessAction.THAW: "thaws the process of",
}


class Explanation:
    """Says of a cell what will happen.

    Args:
        run: The project.
        mode: Knows the platforms.
        cell: The scenario, and who plays.
    """

    def __init__(self, run: ProjectRun, mode: MatrixMode, cell: Cell) -> None:
        self._run = run
        self._mode = mode
        self._cell = cell
        self._root = run.project.home
        self._settings = run.project.settings
        self._plan = route(cell.scenario)
        self._matches = {id(step): self._matched(step) for step in cell.scenario.steps}

    def lines(self) -> list[str]:
        """Return it for a terminal."""
        scenario = self._cell.scenario
        lines = [f"{scenario.id} [{self._cell.pairing}]", f"  {scenario.place}"]
        if scenario.tags:
            lines.append(f"  tags: {' '.join(f'@{tag}' for tag in scenario.tags)}")
        lines += [f"  {role}: {self._player(platform, role)}" for role, platform in self._cell.pairing.assigned]
        timeouts = self._settings.timeouts
        limit = self._run.options.limit_for(scenario.tags, "").seconds
        lines.append(f"  each step within {limit:g} s, set-up {timeouts.setup:g} s, clean-up {timeouts.cleanup:g} s")
        for routed in self._plan.steps:
            lines += ["", f"  {routed.step}", *(f"      {text}" for text in self._step(routed))]
        needed = asked(scenario.tags, self._settings.capabilities)
        lines += ["", f"  capabilities asked: {', '.join(map(str, needed)) or 'none'}"]
        lines += [f"  expected: {text}" for text in self._expected() or ["to pass"]]
        reasons = list(self._unsupported())
        lines += ["  unsupported:" if reasons else "  unsupported: nothing that is known beforehand makes it so"]
        return [*lines, *(f"    - {text}" for text in reasons)]

    def _player(self, platform: str, role: str) -> str:
        entry = self._settings.platforms[platform].in_role(role)
        command = " ".join(entry.command)
        kind = "a driver, whose steps run in harmony" if entry.contract == "driver" else "a worker, which has steps"
        missing = self._mode.unavailable.get(platform, "")
        return f"{platform}, {kind}: {command}" + (f" (not available: {missing})" if missing else "")

    def _step(self, routed: RoutedStep) -> Iterator[str]:
        if routed.doing is Doing.WAIT:
            yield f"harmony waits {routed.seconds:g} s"
            return
        if routed.doing is Doing.REQUIRE_PROCESSES:
            yield "harmony sees that every role is a process of its own, as it is here"
            return
        if routed.doing is Doing.NETWORK:
            one, other = ends_named_in(routed.step.text)
            yield f"harmony does it itself, between {self._target(one)} and {self._target(other)}"
            yield from self._meaning(routed)
            return
        whom = ", ".join(self._target(target) for target in routed.targets)
        if routed.action is not None:
            yield f"harmony {_DONE[routed.action]} {whom}"
            return
        yield f"to {whom}{': no role is named yet, so all of them' if routed.broadcast else ''}"
        yield from self._meaning(routed)

    def _target(self, target: Target) -> str:
        what = "a new process in its place" if target.replaces else f"its {target.instance} process"
        platform = self._cell.pairing.platforms.get(target.role, "")
        return f"{target.role} ({platform}{f', {what}' if target.replaces or target.instance else ''})"

    def _meaning(self, routed: RoutedStep) -> Iterator[str]:
        step, found = routed.step, self._matches[id(routed.step)]
        platforms = sorted({self._cell.pairing.platforms[target.role] for target in routed.targets})
        drivers = [name for name in platforms if self._settings.platforms[name].contract == "driver"]
        workers = [name for name in platforms if name not in drivers]
        if isinstance(found, StepMatch):
            yield f"{found.definition.qualified_name}  {self._place(found)}"
            yield from self._arguments(step, found)
        elif found:
            yield found
        if drivers:
            yield f"in harmony, by verbs of the driver of {', '.join(drivers)}: which ones, only a run can tell"
        for name in workers:
            yield self._in_worker(name, step)

    def _matched(self, step: Step) -> StepMatch | str:
        if not self._settings.steps:
            return ""
        try:
            return self._run.library.registry.match(step.type, step.text)
        except HarmonyError as error:
            return error.message.partition("\n")[0]

    def _place(self, found: StepMatch) -> str:
        place = found.definition.place
        file = Path(os.path.relpath(place.file, self._root))
        return f"{place.file if file.parts[:1] == ('..',) else file}:{place.line}"

    def _arguments(self, step: Step, found: StepMatch) -> Iterator[str]:
        try:
            values = bind(found, step.table, step.doc_string, self._run.library.converters)
        except HarmonyError as error:
            yield error.message
            return
        types = {one.name: describe(one.annotation) for one in parameters_of(found.definition)}
        if values:
            yield "with " + ", ".join(f"{name}: {types[name]} = {_value(value)}" for name, value in values.items())

    def _in_worker(self, name: str, step: Step) -> str:
        if self._settings.steps:
            what = "which has this project's steps" if self._serves(name) else "by a step of its own"
            return f"in the worker of {name}, {what}"
        catalogues = self._run.catalogues
        if name in catalogues.silent:
            return f"in the worker of {name}, which does not say what it knows: {catalogues.silent[name]}"
        known = [one.pattern for one in catalogues.announced[name].steps if one.may_match(step.text)]
        if not known:
            return f"the worker of {name} does not announce it"
        return f"in the worker of {name}, which announces: {known[0]}"

    def _serves(self, name: str) -> bool:
        """Whether a worker is `harmony serve`, of this project."""
        commands = [filled_in(command, self._root) for command in self._settings.platforms[name].commands]
        return all(
            words[1:4] == ["-m", "harmony", "serve"] or (Path(words[0]).name, *words[1:2]) == ("harmony", "serve")
            for words in commands
        )

    def _expected(self) -> list[str]:
        today = dt.datetime.now(dt.UTC).date()
        return [f"not to pass, by {entry}" for entry in self._run.expectations.about(self._cell, today)]

    def _unsupported(self) -> Iterator[str]:
        for text in self._mode.lacking(self._cell):
            yield f"what is not claimed: {text}; should it pass all the same, that is an unexpected pass"
        for routed in self._plan.steps:
            found = self._matches[id(routed.step)]
            if isinstance(found, StepMatch) and _may_decline(found):
                yield f"where {found.definition.qualified_name} finds it so: {routed.step}"
        for name in sorted(set(self._cell.pairing.platforms.values())):
            platform = self._settings.platforms[name]
            if platform.contract == "driver":
                yield f"where the driver of {name} answers a verb with unsupported"
            elif not (self._settings.steps and self._serves(name)):
                yield f"where the worker of {name} has no such step, or does not take tables or doc strings"


def _may_decline(found: StepMatch) -> bool:
    try:
        return "UnsupportedError" in inspect.getsource(inspect.unwrap(found.definition.function))
    except (OSError, TypeError):
        return False


def _value(value: object) -> str:
    return shown(repr(value), _LONGEST_VALUE)
