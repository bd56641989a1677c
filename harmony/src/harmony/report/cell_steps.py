"""The steps of each cell as its page tells them, with what they have attached. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

from harmony.logs import moment
from harmony.model import Phase, Verdict
from harmony.text import jsonable, shortened
from harmony.verdict.events import CellFinished, CellStarted, Event, StepFinished
from harmony.verdict.verdicts import MEANINGS

_ROOM: Final = 8_000_000
"""Characters of all that is attached."""
_LONGEST_DATA: Final = 4_000
Row = tuple[float, float, int, str, str, str, str]
"""End, seconds, verdict; sentence, argument, actors and details."""
VERDICTS: Final = list(MEANINGS)
_NAMES: Final = {Phase.START: "(set-up)", Phase.FINISH: "(clean-up)"}


@dataclass(slots=True)
class CellSteps:
    """The steps of a cell, and what they have attached: number of the step, actor, and what it is."""

    rows: list[Row] = field(default_factory=list)
    attached: list[list[Any]] = field(default_factory=list)


class Steps:
    """A subscriber that keeps of each step when it ended, how long it took, who did it and what came of it.

    A run of many cells has a hundred thousand steps: no event is kept, and each text once.
    """

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self._open: dict[str, CellSteps] = {}
        self._done: dict[tuple[str, str], CellSteps] = {}
        self._last: dict[str, CellSteps] = {}
        self._room = _ROOM

    @classmethod
    def of_run(cls, events: Iterable[Event]) -> Self:
        """Return the steps of a run that is over."""
        steps = cls()
        for event in events:
            steps(event)
        return steps

    def __call__(self, event: Event) -> None:
        """Take an event."""
        match event:
            case CellStarted():
                self._open[event.cell] = CellSteps()
            case StepFinished():
                steps = self._open.setdefault(event.cell, CellSteps())
                steps.attached += self._attached(event, len(steps.rows))
                steps.rows.append(self._row(event))
            case CellFinished():
                # A late verdict has no steps of its own.
                steps = self._open.pop(event.cell, self._last.get(event.cell, CellSteps()))
                self._done[event.cell, event.at] = self._last[event.cell] = steps
            case _:
                pass

    def of(self, cell: CellFinished) -> CellSteps:
        """Return the steps of a cell, as far as they are known."""
        return self._done.get((cell.cell, cell.at)) or self._last.get(cell.cell, CellSteps())

    def _attached(self, event: StepFinished, step: int) -> Iterator[list[Any]]:
        for actor, outcome in event.outcomes.items():
            for one in outcome.attachments:
                body = one.whole
                self._room -= len(body)
                yield [step, actor, one.name, one.media_type, one.size, one.encoding, body if self._room >= 0 else ""]

    def _row(self, event: StepFinished) -> Row:
        told = {
            key: {
                "verdict": one.verdict.value,
                "ms": round(one.seconds * 1e3, 2),
                **({"error": one.error} if one.error else {}),
                **({"data": _data(one.data)} if one.data else {}),
            }
            for key, one in event.outcomes.items()
            if one.verdict is not Verdict.PASSED or one.data or len(event.outcomes) > 1
        }
        return (
            moment(event.at),
            event.seconds,
            VERDICTS.index(event.verdict),
            self._once(event.step or _NAMES.get(event.phase, f"({event.phase})")),
            self._once(event.argument),
            self._once(", ".join(event.outcomes)),
            self._once(json.dumps(told, separators=(",", ":")) if told else ""),
        )

    def _once(self, text: str) -> str:
        return self._texts.setdefault(text, text)


def _data(data: Mapping[str, Any]) -> Any:
    """Return the details of an outcome, each bounded."""
    return {
        key: value if len(json.dumps(value)) <= _LONGEST_DATA else shortened(_as_text(value), _LONGEST_DATA)
        for key, value in jsonable(data).items()
    }


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
