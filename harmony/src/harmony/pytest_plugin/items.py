"""Scenarios as pytest items, so that filters, IDEs, reports and plugins just work."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import pytest
from _pytest._code.code import ReprEntryNative, ReprExceptionInfo, ReprFileLocation, ReprTraceback

from harmony.model import Verdict
from harmony.plan.cells import Cell
from harmony.pytest_plugin.tags import declare_tag, marker_name
from harmony.pytest_plugin.unplayed_cells import Unplayed
from harmony.run.mode import Mode, Played
from harmony.run.project_run import ProjectRun
from harmony.spec.gherkin import Scenario
from harmony.text import visible
from harmony.verdict.events import Event
from harmony.verdict.failure_report import failure_report, one_line
from harmony.verdict.patience import Limit
from harmony.verdict.result import ScenarioResult


class ScenarioFailedError(Exception):
    """A scenario has not passed."""

    def __init__(self, result: ScenarioResult) -> None:
        super().__init__(one_line(result))
        self.result = result


def _to_nobody(_item: pytest.Item, _event: Event) -> None:
    """Who hears of it, until reports are set up."""


@dataclass
class HarmonySession:
    """What the items of one pytest session share.

    Attributes:
        run: The project, and what was chosen.
        mode: Plays the cells.
        tell: Hears what happens, and with which item.
        unplayed: Says what comes of a cell that is not to be played; nothing if it is.
        limits: Returns how long the steps of roles may take that are not given the whole limit.
    """

    run: ProjectRun
    mode: Mode
    tell: Callable[[pytest.Item, Event], None] = field(default=_to_nobody)
    unplayed: Callable[[Cell], Unplayed | None] = field(default=lambda _: None)
    limits: Callable[[Cell], Mapping[str, Limit]] = field(default=lambda _: {})


class FeatureFile(pytest.File):
    """A feature file; its scenarios are its items."""

    harmony: HarmonySession

    @classmethod
    def of(cls, parent: pytest.Collector, path: Path, session: HarmonySession) -> FeatureFile:
        """Make the collector of a feature file."""
        collector: FeatureFile = cls.from_parent(parent, path=path)
        name, nodeid = visible(collector.name), visible(collector.nodeid)
        if nodeid != collector.nodeid:  # pytest writes no name that is no text, and pytest-xdist sends none
            collector = cls.from_parent(parent, path=path, name=name, nodeid=nodeid)
        collector.harmony = session
        return collector

    def collect(self) -> Iterator[pytest.Item]:
        """Return an item for each cell."""
        run = self.harmony.run
        feature = next((feature for feature in run.features if feature.path == self.path), None)
        if feature is None:
            problem = next((str(problem) for problem in run.problems() if problem.place.file == self.path), "")
            raise self.CollectError(problem or f"{self.path} is no feature of {run.project.file}")
        for tag in sorted({tag for scenario in feature.scenarios for tag in scenario.tags}):
            declare_tag(self.config, tag, run.project.known_tags)
        for scenario in feature.scenarios:
            for cell in self.harmony.mode.cells([scenario]):
                yield ScenarioItem.of(self, cell, self.harmony)


class ScenarioItem(pytest.Item):
    """One cell: a scenario, and who plays its roles."""

    scenario: Scenario
    cell: Cell
    harmony: HarmonySession

    @classmethod
    def of(cls, parent: FeatureFile, cell: Cell, session: HarmonySession) -> Self:
        """Make the item of a cell."""
        title = session.mode.title(cell)
        # Said as text, so that it equals what pytest's cache has written down: a title may have brackets.
        item: Self = cls.from_parent(parent, name=title, nodeid=f"{parent.nodeid}::{title}")
        item.scenario = cell.scenario
        item.cell = cell
        item.harmony = session
        item.extra_keyword_matches.update(f"{role}:{platform}" for role, platform in cell.pairing.assigned)
        for tag in cell.scenario.tags:
            item.add_marker(marker_name(tag))
        return item

    def runtest(self) -> None:
        """Play the cell."""
        played = self._played()
        result = played.result
        self.user_properties += played.facts
        self.user_properties.append(("verdict", result.verdict.value))
        self.user_properties.append(("seed", self.harmony.run.seed))
        match result.verdict:
            case Verdict.PASSED:
                return
            case Verdict.UNSUPPORTED:
                raise pytest.skip.Exception(one_line(result), _use_item_location=True)
            case Verdict.KNOWN_FAILURE | Verdict.DEVIATES:
                raise pytest.xfail.Exception(one_line(result))
            case _:
                raise ScenarioFailedError(result)

    def _played(self) -> Played:
        session = self.harmony

        def tell(event: Event) -> None:
            session.tell(self, event)

        if unplayed := session.unplayed(self.cell):
            return Played(unplayed.told(session.run, session.mode, self.cell, tell))
        return session.mode.play(self.cell, tell, session.limits(self.cell))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Return the report that a person can act on."""
        if isinstance(excinfo.value, ScenarioFailedError):
            result = excinfo.value.result
            text = failure_report(result, self.harmony.mode.repeat(self.cell))
            place = result.failure.step.place if result.failure and result.failure.step else self.scenario.place
            # pytest's own form, so that the short summary, JUnit and pytest-xdist find the cause on one line.
            return ReprExceptionInfo(
                reprtraceback=ReprTraceback([ReprEntryNative([text + "\n"])], None, "native"),
                reprcrash=ReprFileLocation(visible(str(place.file)), place.line, one_line(result)),
            )
        if isinstance(excinfo.value, pytest.xfail.Exception):
            return excinfo.value.msg or ""  # a traceback of pytest's own costs more than the cell, and says less
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[os.PathLike[str] | str, int | None, str]:
        """Return where the scenario stands.

        With the feature's title before it, because pytest writes the dots of a bare name as ``::``.
        """
        return visible(str(self.path)), self.scenario.place.line - 1, f"{self.scenario.feature}: {self.name}"
