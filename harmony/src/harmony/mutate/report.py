"""The report of a platform: what it holds, in lines for a terminal and as JSON. Pure."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from harmony.mutate.diffs import DiffError
from harmony.mutate.equivalents import entry
from harmony.mutate.fault import Fault, FaultError
from harmony.mutate.judgement import Judgement, Outcome
from harmony.mutate.score import FileScore, KillMatrix, Score, killers, never_alone, operator_of, weakest
from harmony.text import shown

_MOST_SURVIVORS: Final = 30
_MOST_FILES: Final = 5
_LONGEST_LINE: Final = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What is known of the faults of a platform.

    Attributes:
        platform: Whose.
        judgements: Of all faults that were asked for, and are judged.
        found: How many faults fit the words, of which a sample may be asked for.
        asked: How many of them were asked for.
        sources: The content of each file, of which the diffs are made.
        scenarios: The numbers of all that took part.
        whole: Whether every cell was played for each fault, so that all killers are known.
        command: The words that repeat it.
        facts: What else a reader should know: the seed, who played with whom, how long it took.
    """

    platform: str
    judgements: Sequence[Judgement]
    found: int
    asked: int
    sources: Mapping[str, bytes] = field(repr=False)
    scenarios: Sequence[str] = ()
    whole: bool = False
    command: Sequence[str] = ()
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def score(self) -> Score:
        """How many faults ended how."""
        return Score.of(self.judgements)

    @property
    def matrix(self) -> KillMatrix:
        """Which scenarios found what."""
        return KillMatrix.of(self.judgements)

    @property
    def weakest(self) -> list[FileScore]:
        """The files with survivors."""
        return weakest(self.judgements)

    @property
    def idle(self) -> list[str]:
        """The scenarios that never killed anything alone; without ``whole``, that never were the first to kill."""
        return never_alone(self.judgements, self.scenarios)

    @property
    def idle_title(self) -> str:
        """What these are called."""
        if self.whole:
            return "scenarios that never killed anything alone"
        return "scenarios that never were the first to kill (who kills alone, only --whole tells)"

    @property
    def repeat(self) -> str:
        """The command line that repeats it."""
        return shlex.join(self.command)

    @property
    def flaky(self) -> list[tuple[str, str]]:
        """Each cell that was red with a fault and green when repeated, and the fault."""
        return [(cell, one.fault.name) for one in self.judgements for cell in one.flaky]

    @property
    def sample(self) -> str:
        """What the score of all faults may be, if not all were judged."""
        score = self.score
        if score.value is None or sum(score.counts.values()) >= self.found:
            return ""
        low, high = score.range
        judged = sum(score.counts.values())
        return f"{judged} of {self.found} faults judged; all: between {low:.0%} and {high:.0%}, 95 times of 100"

    @property
    def late(self) -> str:
        """How many kills only a deadline made."""
        late = self.score.by_timeout
        return f"{late} of the killed only ran into a deadline" if late else ""

    @property
    def unfinished(self) -> str:
        """How many are not judged yet."""
        left = self.asked - len(self.judgements)
        return f"{left} of {self.asked} are not judged: the same command goes on" if left > 0 else ""

    @property
    def notes(self) -> list[str]:
        """What a reader of the score must know."""
        return [one for one in (self.sample, self.late, self.unfinished) if one]

    def of(self, outcome: Outcome) -> list[Judgement]:
        """Return the judgements with an outcome."""
        return [one for one in self.judgements if one.outcome is outcome]

    def diff(self, judgement: Judgement) -> str:
        """Return what was planted, as a unified diff."""
        fault = judgement.fault
        if not isinstance(fault, Fault):
            return fault.diff_text
        try:
            return fault.diff(self.sources[fault.file])
        except (KeyError, FaultError, DiffError):
            return f"--- a/{fault.file}\n+++ b/{fault.file}\n@@ {fault.before!r} -> {fault.after!r} @@ {fault.text}\n"

    def entry(self, judgement: Judgement) -> str:
        """Return what says in ``mutants.toml`` that this one has no effect; empty for a patch of one's own."""
        fault = judgement.fault
        if not isinstance(fault, Fault):
            return ""
        return entry(self.platform, fault, self.sources.get(fault.file, b""), "why nobody can see it")

    def patches(self) -> list[tuple[str, str]]:
        """Return each patch of one's own, and what came of it beside what was told."""
        return [(one.fault.name, _kept_word(one)) for one in self.judgements if not isinstance(one.fault, Fault)]


def terminal(report: Report) -> list[str]:
    """Return what a terminal shows."""
    return [shown(line, _LONGEST_LINE) if line.startswith(" ") else shown(line) for line in _terminal(report)]


def _terminal(report: Report) -> Iterator[str]:
    yield f"{report.platform}: {report.score}"
    yield from report.notes
    survivors = report.of(Outcome.SURVIVED)
    if survivors:
        yield "survived:"
    for one in survivors[:_MOST_SURVIVORS]:
        yield f"  {one.fault.name}  {one.fault.place}"
        yield from (f"    {line}" for line in _changed(report.diff(one)))
    if len(survivors) > _MOST_SURVIVORS:
        yield f"  and {len(survivors) - _MOST_SURVIVORS} more: see the report"
    if weak := report.weakest:
        yield "weakest files:"
        yield from (f"  {one.file}: {one.score}" for one in weak[:_MOST_FILES])
    if patches := report.patches():
        yield "patches:"
        yield from (f"  {name}: {word}" for name, word in patches)
    if flaky := report.flaky:
        yield "red once, and green when repeated with the same fault:"
        yield from (f"  {cell} with {name}" for cell, name in flaky)
    if undecided := report.of(Outcome.UNDECIDED):
        yield "undecided:"
        yield from (f"  {one.fault.name}  {one.fault.place}: {one.why}" for one in undecided[:_MOST_SURVIVORS])
    if report.command:
        yield f"repeat: {report.repeat}"


def as_json(report: Report) -> str:
    """Return all that is known, for programs."""
    score, matrix = report.score, report.matrix
    low, high = score.range
    document: dict[str, Any] = {
        "schema_version": 1,
        "platform": report.platform,
        "score": score.value,
        "range": [low, high],
        "counts": {str(outcome): count for outcome, count in score.counts.items()},
        "by_timeout": score.by_timeout,
        "found": report.found,
        "asked": report.asked,
        "whole": report.whole,
        "command": list(report.command),
        "facts": dict(report.facts),
        "operators": list(matrix.operators),
        "matrix": {name: list(row) for name, row in matrix.rows.items()},
        "idle": report.idle,
        "files": {one.file: one.score.value for one in report.weakest},
        "judgements": [_judgement(report, one) for one in report.judgements],
    }
    return json.dumps(document, indent=1) + "\n"


def _judgement(report: Report, judgement: Judgement) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(judgement.to_json())
    told["operator"] = operator_of(judgement.fault)
    if judgement.outcome is Outcome.SURVIVED:
        told["diff"] = report.diff(judgement)
        told["entry"] = report.entry(judgement)
    return told


def _changed(diff: str) -> list[str]:
    return [line for line in diff.splitlines() if line[:1] in {"-", "+"} and line[:3] not in {"---", "+++"}]


def _kept_word(judgement: Judgement) -> str:
    """Return what came of a patch, beside what was told of it."""
    finder = getattr(judgement.fault, "finder", "")
    by = killers(judgement)
    if judgement.outcome is not Outcome.KILLED:
        return f"{judgement.outcome}, {finder} should find it" if finder else str(judgement.outcome)
    if finder and finder not in by:
        return f"killed by {', '.join(by)}; {finder} should find it"
    return f"killed by {', '.join(by)}{', as told' if finder else ''}"
