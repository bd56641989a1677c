"""Runs with steps, of cells that ended in each way."""

from __future__ import annotations

from collections.abc import Sequence

from harmony.model import Phase, Verdict
from harmony.verdict.events import (
    ActorOutcome,
    AttachmentTold,
    CellFinished,
    CellStarted,
    Event,
    RunFinished,
    RunPlanned,
    RunStarted,
    StepFinished,
)
from synthetic_results import result

EVIL = "</details><script>alert(1)</script> ]]> &amp; ``` @everyone \x1b[2J \ufffe"
AT = "2026-11-30T08:00:00.000Z"
ATTACHED = [
    AttachmentTold(name=EVIL, media_type="text/plain", size=len(EVIL), body=[EVIL[:9], EVIL[9:]]),
    AttachmentTold(name="raw", media_type="image/png", size=2, encoding="base64", body=["/wA="]),
    AttachmentTold(name="left out", media_type="image/png", size=9_000_000),
]
_OF_STEPS = {
    *(Verdict.FAILED, Verdict.CRASHED, Verdict.TIMED_OUT, Verdict.UNSUPPORTED, Verdict.UNDEFINED, Verdict.AMBIGUOUS),
}


def stepped(cell: CellFinished, phase: Phase = Phase.STEP) -> list[Event]:
    """Return what a cell tells before it ends: a step that passed, and one that ended as the cell did, if steps can."""
    known = {Verdict.KNOWN_FAILURE: Verdict.FAILED}.get(cell.verdict, cell.verdict)
    last = known if known in _OF_STEPS else Verdict.PASSED
    steps = (
        (Phase.STEP, "Given a table", Verdict.PASSED),
        (phase, "" if phase is not Phase.STEP else "When it waits", last),
    )
    return [
        CellStarted(at=AT, cell=cell.cell, scenario=cell.title, pairing=cell.pairing, seed=7),
        *(
            StepFinished(
                at=AT,
                cell=cell.cell,
                phase=phase_,
                step=sentence,
                verdict=verdict,
                outcomes={
                    "writer": ActorOutcome(
                        verdict=verdict, error="" if verdict is Verdict.PASSED else EVIL, attachments=ATTACHED
                    )
                },
                seconds=0.01,
                argument="| a |\n| 1 |" if sentence.startswith("Given") else "",
            )
            for phase_, sentence, verdict in steps
        ),
    ]


def a_run(events: Sequence[Event], *, of: int = 0, problems: Sequence[str] = ()) -> list[Event]:
    """Return the events of a run around those of its cells."""
    cells = {event.cell for event in events if isinstance(event, CellFinished)}
    return [
        RunStarted(at=AT, seed=7, project="harmony.toml", machine="two cores, Linux 6", commit="c0ffee"),
        RunPlanned(at=AT, cells=len(cells), of=of or len(cells), digest="d"),
        *events,
        RunFinished(at=AT, verdicts={}, problems=list(problems), exit_code=1, seconds=2.0),
    ]


def of_every_verdict() -> list[Event]:
    """Return a run in which every verdict occurs, with steps and without, and everybody says what is evil."""
    cells: list[Event] = []
    for number, verdict in enumerate(Verdict, 1):
        for minor in (1, 2):
            key = f"{number}.{minor}[reader=go,writer=cpp]"
            title = f"{number}.{minor} {verdict} {EVIL}"
            cell = result(key, verdict, at=AT, title=title, error=EVIL, tags=["slow"], report=EVIL)
            cells += [*stepped(cell), cell] if minor == 1 else [cell]
    return a_run(cells, problems=[EVIL])
