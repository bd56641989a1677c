"""Events of whole runs that nobody has made, with steps, logs and times, for pages of any size."""

from __future__ import annotations

import datetime as dt
import itertools
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from harmony.history.past_run import PastRun
from harmony.history.trends import over_time, within
from harmony.model import Phase, Verdict
from harmony.report.cell_steps import Steps
from harmony.report.facts import facts
from harmony.report.outcome import Outcome
from harmony.report.page import html_report
from harmony.verdict.events import (
    ActorOutcome,
    CellFinished,
    CellStarted,
    Event,
    LogLine,
    RunFinished,
    RunPlanned,
    RunStarted,
    StderrLine,
    StepFinished,
)
from harmony.verdict.tally import counts, exit_code

PLATFORMS = ("cpp", "csharp", "go", "java", "node", "python", "ruby", "rust", "swift", "zig")
SENTENCES = (
    "Given the '{0}' process opens the till '{number}'",
    "And the '{1}' process enters as 'guest-{number}'",
    "When the '{1}' process orders '{cups}' cups",
    "And the '{0}' process serves '{cups}' cups",
    "Then the '{1}' process has '{cups}' cups",
    "And the '{0}' process closes",
)
BREAKS = 4
"""The sentence that fails."""


def a_run(
    scenarios: int,
    platforms: Sequence[str],
    roles: Sequence[str],
    bad: Callable[[Mapping[str, str], random.Random], bool] = lambda _pairing, _chance: False,
) -> list[Event]:
    """Return the events of every scenario over every pairing; `bad` says in which cells the fifth step fails."""
    chance = random.Random(7)
    begin = moment = dt.datetime(2026, 1, 5, 9, tzinfo=dt.UTC)
    cells: list[Event] = []
    for index, who in itertools.product(range(scenarios), itertools.product(platforms, repeat=len(roles))):
        pairing = dict(zip(roles, who, strict=True))
        cells += a_cell(index, pairing, moment, chance, bad=bad(pairing, chance))
        moment += dt.timedelta(milliseconds=chance.randrange(10, 60))
    results = [event for event in cells if isinstance(event, CellFinished)]
    names = dict.fromkeys(platforms, "")
    machine = "A processor, 2 cores, Linux 6.12"
    return [
        RunStarted(at=told(begin), seed=7, project="harmony.toml", platforms=names, machine=machine, commit="1f0e9d8c"),
        RunPlanned(at=told(begin), cells=len(results), of=len(results), digest="0"),
        *cells,
        RunFinished(at=told(moment), verdicts=counts(results), exit_code=exit_code(results), seconds=321.5),
    ]


def a_cell(
    index: int, pairing: dict[str, str], begin: dt.datetime, chance: random.Random, *, bad: bool, cups: str = ""
) -> Iterator[Event]:
    """Give the events of a cell; `cups` stands in its sentences and errors, and is said by its roles."""
    number = f"{index // 10 + 1}.{index % 10 + 1}"
    key = f"{number}[{','.join(f'{role}={name}' for role, name in pairing.items())}]"
    cups = cups or str(index % 7 + 1)
    roles = list(pairing)
    sentences = [one.format(*roles, number=index, cups=cups) for one in SENTENCES]
    title = f"{number} Tea for {index + 2}"
    yield CellStarted(at=told(begin), cell=key, scenario=title, pairing=pairing, seed=index)
    now = begin
    error = f"cups\n  expected: {cups}\n  seen:     none" if bad else ""
    for place, sentence in enumerate(sentences[: BREAKS + 1] if bad else sentences):
        seconds = chance.random() / 50
        now += dt.timedelta(seconds=seconds)
        failed = bad and place == BREAKS
        verdict = Verdict.FAILED if failed else Verdict.PASSED
        said = (
            {"error": error, "data": {"hint": f"count {cups}", "sections": {f"shelf {cups}": cups}}} if failed else {}
        )
        yield StepFinished(
            at=told(now),
            cell=key,
            phase=Phase.STEP,
            step=sentence,
            verdict=verdict,
            outcomes={roles[place % len(roles)]: ActorOutcome(verdict=verdict, seconds=seconds, **said)},
            seconds=seconds,
        )
    more = {}
    if bad:
        lines = [(told(begin + (now - begin) * part / 5), f"line {part} of {cups} in {key}") for part in range(5)]
        more = {
            "error": error,
            "phase": Phase.STEP,
            "step": sentences[BREAKS],
            "place": f"features/{index // 10 + 1:02}-tea.feature:{index % 10 * 9 + 4}",
            "by": [roles[BREAKS % len(roles)]],
            "not_run": sentences[BREAKS + 1 :],
            "stderr": {roles[0]: [StderrLine(at=at, text=text) for at, text in lines]},
            "logs": {roles[1]: [LogLine(at=at, text=text, level="info") for at, text in lines]},
            "report": "\n".join([key, *sentences, error, *(text for _, text in lines)]),
        }
    yield CellFinished(
        at=told(now),
        cell=key,
        number=number,
        title=title,
        feature=f"Tea time {index // 10 + 1}",
        pairing=pairing,
        verdict=Verdict.FAILED if bad else Verdict.PASSED,
        seconds=(now - begin).total_seconds(),
        seed=index * 7919,
        repeat=f"harmony run {'_'.join(pairing.values())} {number} --seed 7",
        tags=[*(["hot"] if index % 3 == 0 else []), f"clause:T-{index % 23 + 1}"],
        clauses=[f"T-{index % 23 + 1}"],
        level="must",
        **more,
    )


def told(moment: dt.datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def page_of(events: Sequence[Event], before: int = 0) -> str:
    """Return the page of a run, that went as some before it."""
    past = None
    if before:
        run = PastRun.of({"run": events})
        runs = [replace(run, name=f"{number:03}", commit=f"commit{number}") for number in range(before)]
        past = over_time(within([run, *reversed(runs)]))
    return html_report(Outcome.at_end(events), facts(events), Steps.of_run(events), past=past)
