"""What a reader must know of a run beside its cells: where it was, of which state, when. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harmony.verdict.events import Event, RunFinished, RunPlanned, RunStarted


def facts(events: Sequence[Event]) -> dict[str, str]:
    """Return facts by their names; of several runs, such as shards, what they have all said."""
    told: dict[str, list[str]] = {}
    for event in events:
        for name, value in _of(event):
            if value and value not in told.setdefault(name, []):
                told[name].append(value)
    return {name: ", ".join(values) for name, values in told.items() if values}


def _of(event: Event) -> Iterator[tuple[str, str]]:
    match event:
        case RunStarted():
            yield "project", event.project
            yield "commit", event.commit
            yield "seed", str(event.seed)
            yield "machine", event.machine
            yield from ((f"{name} is not available", why) for name, why in event.platforms.items())
        case RunPlanned():
            yield "shard", event.shard
            yield "left out", ", ".join(event.partial)
        case RunFinished():
            yield "took", f"{event.seconds:.1f} s"
            yield "finished", f"{event.at[:19].replace('T', ' ')} UTC"
        case _:
            pass
