"""A run as Cucumber messages: NDJSON that the tools around Cucumber read. Pure.

The document that the messages speak of is written from the events: a rule for each scenario, in it a scenario for each
pairing.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from typing import Final

from harmony.model import Phase, Verdict
from harmony.report.cucumber_document import Document, Message
from harmony.report.other_tools import Standing, began, beside, milliseconds, standing, steps_of, surroundings
from harmony.report.outcome import Outcome
from harmony.verdict.events import AttachmentTold, CellFinished, Event, RunFinished, RunStarted, StepFinished

_PROTOCOL: Final = "34.2.1"
_LOG: Final = "text/x.cucumber.log+plain"
_RUN: Final = "run"
_AFTER: Final = "verdict"


def cucumber(outcome: Outcome, events: Sequence[Event]) -> str:
    """Return the messages, a line for each."""
    return "".join(f"{json.dumps(message, separators=(',', ':'))}\n" for message in _messages(outcome, events))


def _messages(outcome: Outcome, events: Sequence[Event]) -> Iterator[Message]:
    told = surroundings(outcome, events)
    product = {"name": "harmony", "version": version("harmony-conformance")}
    cpu, _, system = told.get("machine", "unknown").rpartition(", ")
    unknown = {"runtime": {"name": "Python"}, "os": {"name": system}, "cpu": {"name": cpu or system}}
    yield {"meta": {"protocolVersion": _PROTOCOL, "implementation": product, **unknown}}
    features: dict[str, list[CellFinished]] = {}
    for cell in outcome.results:
        features.setdefault(cell.feature, []).append(cell)
    steps = steps_of(events)
    played: list[_Played] = []
    ids = itertools.count(1)
    for name, cells in features.items():
        document = Document(name, ids)
        for cell in cells:
            done = steps.get(cell.cell, [])
            played.append(_Played(cell, done, document.add(cell, done)))
        yield from document.messages()
    yield from ({"pickle": one.pickle} for one in played)
    for phase in (*Phase, _AFTER):
        kind = "BEFORE_TEST_CASE" if phase is Phase.START else "AFTER_TEST_CASE"
        yield {"hook": {"id": f"hook-{phase}", "name": str(phase), "type": kind, "sourceReference": {"uri": "harmony"}}}
    begun = min((milliseconds(event.at) for event in events if isinstance(event, RunStarted)), default=0)
    ended = max((milliseconds(event.at) for event in events if isinstance(event, RunFinished)), default=begun)
    yield {"testRunStarted": {"id": _RUN, "timestamp": _moment(begun)}}
    for one in played:
        yield from one.messages()
    red = beside(outcome)
    success = not red and all(standing(cell.verdict) is not Standing.FAILED for cell in outcome.results)
    end = {"success": success, "timestamp": _moment(ended), "testRunStartedId": _RUN}
    yield {"testRunFinished": {**end, **({"message": "\n".join(red)} if red else {})}}


class _Played:
    """A cell as a test case: its steps, what else went wrong in it, and, where these do not say it, its verdict."""

    def __init__(self, cell: CellFinished, steps: Sequence[StepFinished], pickle: Message) -> None:
        self._cell = cell
        self.pickle = pickle
        self._results: list[tuple[Message, str, int, str, Sequence[AttachmentTold]]] = []
        left = iter(pickle["steps"])
        for step in steps:
            attached = _attached(step)
            if step.step:
                what = {"pickleStepId": next(left)["id"]}
            elif step.verdict is not Verdict.PASSED or attached:
                what = {"hookId": f"hook-{step.phase}"}
            else:
                continue
            self._add(what, step.verdict, step.seconds, _errors(step), attached)
        if not steps and cell.step:
            self._add({"pickleStepId": next(left)["id"]}, cell.verdict, cell.seconds, cell.error)
        for one in left:
            self._add({"pickleStepId": one["id"]}, Verdict.UNSUPPORTED, 0.0, "")
        if standing(cell.verdict) is not self._standing():
            self._add({"hookId": f"hook-{_AFTER}"}, cell.verdict, 0.0, "\n".join(filter(None, (cell.note, cell.error))))

    def messages(self) -> Iterator[Message]:
        name = self.pickle["id"]
        case, run = f"case-{name}", f"started-{name}"
        ids = [f"{case}-{number}" for number in range(len(self._results))]
        tests = [{"id": id_, **what} for id_, (what, *_) in zip(ids, self._results, strict=True)]
        for test in tests:
            if "pickleStepId" in test:
                test.update({"stepDefinitionIds": [], "stepMatchArgumentsLists": []})
        yield {"testCase": {"id": case, "pickleId": name, "testSteps": tests, "testRunStartedId": _RUN}}
        begun = began(self._cell)
        yield {"testCaseStarted": {"id": run, "testCaseId": case, "attempt": 0, "timestamp": _moment(begun)}}
        for id_, (_, status, took, message, attached) in zip(ids, self._results, strict=True):
            where = {"testCaseStartedId": run, "testStepId": id_}
            yield {"testStepStarted": {**where, "timestamp": _moment(begun)}}
            begun += took
            if status not in {"PASSED", "SKIPPED"}:
                body = f"repeat with: {self._cell.repeat}"
                yield {"attachment": {**where, "body": body, "contentEncoding": "IDENTITY", "mediaType": _LOG}}
            for one in attached:
                kind = {"mediaType": one.media_type, "fileName": one.name}
                encoding = "BASE64" if one.encoding == "base64" else "IDENTITY"
                yield {"attachment": {**where, "body": one.whole, "contentEncoding": encoding, **kind}}
            result = {"status": status, "duration": _moment(took), **({"message": message} if message else {})}
            yield {"testStepFinished": {**where, "testStepResult": result, "timestamp": _moment(begun)}}
        yield {"testCaseFinished": {"testCaseStartedId": run, "timestamp": _moment(begun), "willBeRetried": False}}

    def _add(
        self,
        what: Message,
        verdict: Verdict,
        seconds: float,
        message: str,
        attached: Sequence[AttachmentTold] = (),
    ) -> None:
        self._results.append((what, self._status(verdict), round(seconds * 1000), message, attached))

    def _status(self, verdict: Verdict) -> str:
        """Return the status of a step: in a cell that is not red, what did not pass was skipped."""
        if verdict is Verdict.PASSED:
            return "PASSED"
        if standing(self._cell.verdict) is not Standing.FAILED or standing(verdict) is not Standing.FAILED:
            return "SKIPPED"
        return verdict.value.upper() if verdict in {Verdict.UNDEFINED, Verdict.AMBIGUOUS} else "FAILED"

    def _standing(self) -> Standing | None:
        """Return what a reader makes of the steps: the worst of them; nothing of none."""
        seen = {status for _, status, *_ in self._results}
        if seen - {"PASSED", "SKIPPED"}:
            return Standing.FAILED
        return Standing.SKIPPED if "SKIPPED" in seen else Standing.PASSED if seen else None


def _errors(step: StepFinished) -> str:
    return "\n".join(f"{actor}: {one.error}" for actor, one in step.outcomes.items() if one.error)


def _attached(step: StepFinished) -> list[AttachmentTold]:
    """Return what actors have attached; what had no room has no body, and stands in no message."""
    return [each for one in step.outcomes.values() for each in one.attachments if each.body]


def _moment(milliseconds_: int) -> dict[str, int]:
    seconds, rest = divmod(milliseconds_, 1000)
    return {"seconds": seconds, "nanos": rest * 1_000_000}
