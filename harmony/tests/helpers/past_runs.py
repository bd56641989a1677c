"""Runs that nobody has run, for what is told of several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harmony.history.past_run import PastRun
from harmony.model import Verdict
from harmony.verdict.events import CellFinished, Event, RunFinished, RunPlanned, RunStarted, encode_event
from synthetic_results import result

A, B, C = (f"1.{n}[reader=go,writer=cpp]" for n in (1, 2, 3))
Cells = Mapping[str, Verdict | CellFinished]


def events(
    cells: Cells, *, day: int = 1, commit: str = "c0ffee000001", shard: str = "", of: int = 0, **more: Any
) -> list[Event]:
    """Return what a run of some cells tells.

    Args:
        cells: What comes of each.
        day: When.
        commit: Of the project.
        shard: Such as 1/2.
        of: How many cells were to run, if that is more.
        **more: ``ended`` (the exit code; absent for a run without an end), ``partial``, ``machine``, and in ``absent``
            platforms that could not play.
    """
    at = f"2026-11-{day:02d}T08:00:00.000Z"
    told = [one if isinstance(one, CellFinished) else result(key, one, at=at) for key, one in cells.items()]
    planned = of or len(told)
    ended = more.get("ended", 1)
    machine = more.get("machine", "two cores")
    return [
        RunStarted(
            at=at,
            seed=day,
            project="harmony.toml",
            platforms={"go": "", "cpp": "", **dict.fromkeys(more.get("absent", ()), "not built")},
            commit=commit,
            machine=machine,
        ),
        RunPlanned(at=at, cells=len(told), of=planned, digest="d", shard=shard, partial=more.get("partial", [])),
        *told,
        *([] if ended is None else [RunFinished(at=at, verdicts={}, exit_code=ended, seconds=3.0)]),
    ]


def past(cells: Cells, **more: Any) -> PastRun:
    """Return what is kept of such a run."""
    return PastRun.of({"run.ndjson": events(cells, **more)})


def written(file: Path, told: Sequence[Event]) -> Path:
    """Write events into a file, as a run does."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f"{encode_event(event)}\n" for event in told), encoding="utf-8")
    return file
