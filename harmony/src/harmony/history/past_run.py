"""What is kept of a run: its cells with verdict, seconds and cause, and what it ran with. Pure."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final, Self

import pydantic
from pydantic import BaseModel, ConfigDict, NonNegativeInt

from harmony.errors import ConfigurationError, ExitCode
from harmony.model import Verdict
from harmony.report.outcome import Outcome
from harmony.text import all_visible, shown
from harmony.verdict.events import CellFinished, Event, RunFinished, RunPlanned, RunStarted
from harmony.verdict.implementations import Implementation
from harmony.verdict.verdicts import BROKEN_OFF, is_red, numbers

FORMAT: Final = 1
_LONGEST: Final = 400
"""Characters of what is kept of an error."""
_KEPT: Final = ("error", "note", "code", "step", "place", "repeat")
"""Of a cell that did not pass."""


@dataclass(frozen=True, slots=True)
class PastCell:
    """What came of a scenario with a pairing.

    Attributes:
        verdict: How it ended.
        seconds: How long it took.
        number: Of the scenario, if it has one.
        title: Of the scenario.
        feature: Of the scenario.
        pairing: Who played.
        told: Of one that did not pass: error, note, code, step, place, repeat; what is empty is absent.
    """

    verdict: Verdict
    seconds: float
    number: str
    title: str
    feature: str
    pairing: Mapping[str, str]
    told: Mapping[str, str] = field(default_factory=dict)

    @property
    def red(self) -> bool:
        """Whether it spoils a run."""
        return is_red(self.verdict)

    @property
    def scenario(self) -> str:
        """What the scenario is called on one line."""
        return self.number or self.title

    def result(self, key: str, seed: int) -> CellFinished:
        """Return it as the event that told it, as far as it is kept."""
        facts = {name: getattr(self, name) for name in ("number", "title", "feature", "pairing", "verdict", "seconds")}
        return CellFinished.model_validate({"cell": key, "seed": seed, "repeat": "", **facts, **self.told})


@dataclass(frozen=True)
class PastRun:
    """A run.

    Attributes:
        name: Moment and fingerprint; the same whenever it is made of the same events.
        at: When it began, in UTC.
        seconds: How long it took; of shards, the longest.
        seed: Of everything random.
        project: Its file.
        commit: Of the project; with ``-dirty`` if files differed from it.
        machine: Where it ran.
        versions: Of implementations, by platform, as far as they told.
        absent: Platforms that could not play, and why.
        exit_code: How it ended.
        planned: How many cells were to run.
        partial: Why it is less than everything; empty if it is not.
        cells: What came of each, by its key.
    """

    name: str
    at: str
    seconds: float
    seed: int
    project: str
    commit: str
    machine: str
    versions: Mapping[str, str]
    absent: Mapping[str, str]
    exit_code: int
    planned: int
    partial: tuple[str, ...]
    cells: Mapping[str, PastCell]

    @classmethod
    def of(cls, runs: Mapping[str, Sequence[Event]]) -> Self:
        """Keep what is needed of a run, whose events may stand in several files.

        Raises:
            ConfigurationError: The files do not divide one plan.
        """
        outcome = Outcome.of(runs)
        every = [event for events in runs.values() for event in events]
        begun = [event for event in every if isinstance(event, RunStarted)]
        plans = [event for event in every if isinstance(event, RunPlanned)]
        ends = [event for event in every if isinstance(event, RunFinished)]
        first = min(begun, key=lambda event: event.at, default=RunStarted(at="", seed=0, project=""))
        partial = [*outcome.lacking, *(reason for plan in plans if not plan.shard for reason in plan.partial)]
        code = outcome.code
        if len(ends) < len(runs):
            code = outcome.broken_off or ExitCode.INTERRUPTED
            partial.append("it did not come to its end")
        told = sorted((result.cell, result.verdict.value, f"{result.seconds:.6f}") for result in outcome.results)
        return cls(
            name=_name(first, told),
            at=first.at,
            seconds=max((end.seconds for end in ends), default=0.0),
            seed=first.seed,
            project=first.project,
            commit=first.commit,
            machine=first.machine,
            versions={one.platform: text for one in outcome.implementations if (text := _version(one))},
            absent={name: why for one in begun for name, why in one.platforms.items() if why},
            exit_code=ends[0].exit_code if len(ends) == len(runs) == 1 else code,
            planned=max((plan.of for plan in plans), default=len(outcome.results)),
            partial=tuple(partial),
            cells={result.cell: _kept(result) for result in outcome.results},
        )

    @property
    def whole(self) -> bool:
        """Whether every cell of the project has a result here."""
        return not self.partial

    @property
    def exhaustive(self) -> bool:
        """Whether a cell that is not here is gone: a whole run, in which every platform could play."""
        return self.whole and not self.absent

    @property
    def complete(self) -> bool:
        """Whether every cell that was to run has a result."""
        return len(self.cells) >= self.planned and self.exit_code not in BROKEN_OFF

    @property
    def clean_commit(self) -> str:
        """The commit, if the files were those of it; nothing if nobody knows."""
        return "" if self.commit.endswith("-dirty") else self.commit

    @cached_property
    def counts(self) -> dict[str, int]:
        """How many cells ended how, in the order of the verdicts."""
        return numbers(cell.verdict for cell in self.cells.values())

    @cached_property
    def red(self) -> frozenset[str]:
        """The keys of the cells that are red, but for those that were not run."""
        told = {verdict for verdict in Verdict if is_red(verdict) and verdict is not Verdict.NOT_RUN}
        return frozenset(key for key, cell in self.cells.items() if cell.verdict in told)

    @cached_property
    def played(self) -> frozenset[str]:
        """The keys of the cells that were run: one that was not says nothing."""
        return frozenset(key for key, cell in self.cells.items() if cell.verdict is not Verdict.NOT_RUN)

    @cached_property
    def platforms(self) -> tuple[str, ...]:
        """Who played."""
        pairings = {id(cell.pairing): cell.pairing for cell in self.cells.values()}
        return tuple(sorted({name for pairing in pairings.values() for name in pairing.values()}))

    def results(self, keys: Iterable[str] | None = None) -> list[CellFinished]:
        """Return cells as the events that told them, as far as they are kept."""
        return [self.cells[key].result(key, self.seed) for key in (self.cells if keys is None else keys)]

    def only(self, keep: Callable[[PastCell], bool]) -> PastRun:
        """Return the run with some of its cells."""
        return replace(self, cells={key: cell for key, cell in self.cells.items() if keep(cell)})

    def to_json(self) -> str:
        """Return it as the text of its file; what many cells have in common stands there once."""
        scenarios: dict[tuple[str, str, str, str], int] = {}
        pairings: dict[str, tuple[int, Mapping[str, str]]] = {}
        rows: list[tuple[int, int, int, int]] = []
        told: dict[int, Mapping[str, str]] = {}
        for key, cell in self.cells.items():
            scenario, _, pairing = key.removesuffix("]").rpartition("[")
            row = scenarios.setdefault((scenario, cell.number, cell.title, cell.feature), len(scenarios))
            column, _ = pairings.setdefault(pairing, (len(pairings), cell.pairing))
            if cell.told:
                told[len(rows)] = cell.told
            rows.append((row, column, _ORDER[cell.verdict], round(cell.seconds * 1e6)))
        facts = {name: getattr(self, name) for name in _FACTS}
        document = _Document(
            **{
                "harmony-run": FORMAT,
                **facts,
                "scenarios": list(scenarios),
                "pairings": [(text, dict(pairing)) for text, (_, pairing) in pairings.items()],
                "verdicts": list(_ORDER),
                "cells": rows,
                "told": told,
            }
        )
        return document.model_dump_json(by_alias=True) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes, source: str) -> Self:
        """Read what :meth:`to_json` has made.

        Args:
            text: It.
            source: Where it stands, for a person.

        Raises:
            ConfigurationError: It is no run, or one of a later version.
        """
        try:
            document = _Document.model_validate_json(text)
            cells: dict[str, PastCell] = {}
            for index, (row, column, verdict, took) in enumerate(document.cells):
                scenario, number, title, feature = document.scenarios[row]
                text_of, pairing = document.pairings[column]
                told = {name: said for name, said in document.told.get(index, {}).items() if name in _KEPT}
                where = (number, title, feature, pairing)
                cells[f"{scenario}[{text_of}]"] = PastCell(document.verdicts[verdict], took / 1e6, *where, told)
        except (pydantic.ValidationError, IndexError) as error:
            why = error.errors()[0]["msg"] if isinstance(error, pydantic.ValidationError) else str(error)
            raise ConfigurationError(
                f"{source}: no run that harmony has kept: {shown(why)}",
                hint="delete the file, or give one that --events has written",
            ) from error
        facts = {name: getattr(document, name) for name in _FACTS}
        return cls(**{**facts, "partial": tuple(document.partial)}, cells=cells)


class _Document(BaseModel):
    """A run as its file has it: tables, and a row of numbers for each cell."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    format: int = pydantic.Field(alias="harmony-run", ge=1, le=FORMAT)
    name: str = pydantic.Field(pattern=r"^[0-9A-Za-z-]{1,80}$")
    at: str
    seconds: float
    seed: int
    project: str
    commit: str
    machine: str
    versions: dict[str, str]
    absent: dict[str, str]
    exit_code: int
    planned: int
    partial: list[str]
    scenarios: list[tuple[str, str, str, str]]
    pairings: list[tuple[str, dict[str, str]]]
    verdicts: list[Verdict]
    cells: list[tuple[NonNegativeInt, NonNegativeInt, NonNegativeInt, NonNegativeInt]]
    told: dict[int, dict[str, str]]

    @pydantic.field_validator(
        *("at", "project", "commit", "machine", "versions", "absent", "partial", "scenarios", "pairings", "told"),
        mode="before",
    )
    @classmethod
    def _visible(cls, value: Any) -> Any:
        return all_visible(value)


_FACTS: Final = (
    *("name", "at", "seconds", "seed", "project", "commit", "machine", "versions", "absent", "exit_code", "planned"),
    "partial",
)
_ORDER: Final = {verdict: index for index, verdict in enumerate(Verdict)}


def _kept(result: CellFinished) -> PastCell:
    told: dict[str, str] = {}
    if result.verdict is not Verdict.PASSED:
        values = {name: getattr(result, name) for name in _KEPT}
        values["error"] = values["error"].partition("\n")[0]
        told = {name: shown(value, _LONGEST) for name, value in values.items() if value}
    where = (result.number, result.title, result.feature, result.pairing)
    return PastCell(result.verdict, result.seconds, *where, told)


def _version(one: Implementation) -> str:
    """Return what changes if an implementation does, or its driver."""
    return ", ".join(filter(None, (one.version, *one.drivers)))


def _name(begun: RunStarted, told: Sequence[tuple[str, str, str]]) -> str:
    """Return a name that sorts by time, and that two runs which begin at once do not share."""
    moment = re.sub(r"[^0-9]", "", begun.at[:23]) or "0"  # to the millisecond
    whole = json.dumps([begun.at, begun.seed, begun.project, told])
    return f"{moment[:8]}-{moment[8:]}-{hashlib.sha256(whole.encode()).hexdigest()[:8]}"
