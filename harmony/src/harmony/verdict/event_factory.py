"""Turns what a run does into the events that it tells. Pure but for the time of day."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from harmony.attachments import Attachment
from harmony.model import NetworkEvent, Verdict
from harmony.plan.cells import Cell
from harmony.spec.gherkin import Step
from harmony.spec.routing import role_of
from harmony.text import shown
from harmony.verdict.events import (
    ActorOutcome,
    AttachmentTold,
    CellFinished,
    CellStarted,
    LogLine,
    NetworkLine,
    StderrLine,
    StepFinished,
    StepStarted,
)
from harmony.verdict.failure_report import argument_of, failure_report, level_name, told
from harmony.verdict.result import ScenarioResult, StepResult
from harmony.verdict.verdicts import is_red

_LONGEST_ALARM: Final = 400


def cell_started(cell: Cell, seed: int) -> CellStarted:
    """Tell that a cell begins."""
    return CellStarted(cell=cell.key, scenario=cell.scenario.id, pairing=cell.pairing.platforms, seed=seed)


def step_started(cell: Cell, step: Step) -> StepStarted:
    """Tell that a step begins."""
    return StepStarted(cell=cell.key, step=str(step))


def step_finished(cell: Cell, result: StepResult) -> StepFinished:
    """Tell what came of a step."""
    return StepFinished(
        cell=cell.key,
        phase=result.phase,
        step=str(result.step) if result.step else "",
        verdict=result.verdict,
        outcomes={
            key: ActorOutcome(
                verdict=one.verdict,
                error=one.error,
                data=dict(one.data),
                seconds=one.seconds,
                attachments=[_attached(each) for each in one.attachments],
            )
            for key, one in result.outcomes.items()
        },
        seconds=result.seconds,
        argument=argument_of(result.step) if result.step else "",
    )


def _attached(one: Attachment) -> AttachmentTold:
    return AttachmentTold(
        name=one.name,
        media_type=one.media_type,
        size=one.size,
        encoding=one.encoding,
        body=list(one.body),
    )


def cell_finished(
    cell: Cell, result: ScenarioResult, repeat: str, *, late: bool = False, recordings: Mapping[str, str] | None = None
) -> CellFinished:
    """Tell what came of a cell: for one that did not pass with all that a person needs to act."""
    failure = result.failure
    judged = next((one for one in result.results if one.phase.judged), None)
    reported = failure is not None or bool(result.alarms)
    return CellFinished(
        cell=cell.key,
        number=cell.scenario.number,
        title=cell.scenario.title,
        feature=cell.scenario.feature,
        pairing=cell.pairing.platforms,
        verdict=result.verdict,
        error=failure.error if failure else "",
        code=failure.code if failure else "",
        seconds=result.seconds,
        seed=result.seed,
        repeat=repeat,
        late=late,
        found=None if judged is None else failure.verdict if failure and failure is not judged else Verdict.PASSED,
        note=judged.error if judged else "",
        phase=failure.phase if failure else None,
        step=str(failure.step) if failure and failure.step else "",
        place=str(failure.step.place) if failure and failure.step else "",
        by=sorted(key for key, one in failure.outcomes.items() if one.verdict is not Verdict.PASSED) if failure else [],
        timed_out=_timed_out(cell, result),
        stderr={
            key: [StderrLine(at=record.timestamp, text=record.message) for record in told(written.records)]
            for key, written in result.stderr.items()
        },
        alarms=[shown(alarm, _LONGEST_ALARM) for alarm in result.alarms],
        tags=list(cell.scenario.tags),
        not_run=[str(step) for step in result.not_run],
        logs={
            key: [LogLine(at=one.timestamp, text=one.message, level=level_name(one)) for one in told(records)]
            for key, records in (result.logs.items() if reported else ())
            if records
        },
        level=result.standing.level,
        clauses=list(result.standing.clauses),
        deviation=result.deviates,
        recordings=dict(recordings or {}) if is_red(result.verdict) else {},
        network=[_network_line(event) for event in result.network] if reported else [],
        report=failure_report(result, repeat) if reported else "",
    )


def _network_line(event: NetworkEvent) -> NetworkLine:
    return NetworkLine(
        at=event.at,
        kind=event.kind,
        text=event.text,
        link=event.link,
        connection=event.connection,
        sender=event.sender,
        size=event.size,
    )


def _timed_out(cell: Cell, result: ScenarioResult) -> list[str]:
    roles = {
        role_of(key)
        for one in result.results
        for key, outcome in one.outcomes.items()
        if outcome.verdict is Verdict.TIMED_OUT
    }
    return sorted({platform for role, platform in cell.pairing.assigned if role in roles})
