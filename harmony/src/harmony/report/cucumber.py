"""A run as Cucumber messages: NDJSON that the tools around Cucumber read. Pure.

The document that the messages speak of is written from the events: a rule for each scenario, in it a scenario for each
pairing.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from typing import Any, Final

from harmony.model import Phase, Verdict
from harmony.plan.pairing import Pairing
from harmony.report.other_tools import Standing, began, beside, milliseconds, standing, steps_of, surroundings
from harmony.report.outcome import Outcome
from harmony.verdict.events import CellFinished, Event, RunFinished, RunStarted, StepFinished

_PROTOCOL: Final = "34.2.1"
_LOG: Final = "text/x.cucumber.log+plain"
_RUN: Final = "run"
_AFTER: Final = "verdict"
Message = dict[str, Any]


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
        document = _Document(name, ids)
        played += [document.add(cell, steps.get(cell.cell, [])) for cell in cells]
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


class _Document:
    """A feature, written as it is told: each node with the line on which it stands."""

    def __init__(self, name: str, ids: Iterator[int]) -> None:
        self._ids = ids
        self._lines: list[str] = []
        self._uri = f"{name}.feature"
        self._feature = {**self._node("Feature", name, 0), "language": "en", "children": []}
        del self._feature["id"]
        self._rules: dict[str, Message] = {}

    def messages(self) -> Iterator[Message]:
        text = "".join(f"{line}\n" for line in self._lines)
        yield {"source": {"uri": self._uri, "data": text, "mediaType": "text/x.cucumber.gherkin+plain"}}
        yield {"gherkinDocument": {"uri": self._uri, "feature": self._feature, "comments": []}}

    def add(self, cell: CellFinished, steps: Sequence[StepFinished]) -> _Played:
        """Write a cell."""
        rule = self._rules.get(cell.title)
        if rule is None:
            rule = self._rules[cell.title] = {**self._node("Rule", cell.title, 1), "children": []}
            self._feature["children"].append({"rule": rule})
        pairing = str(Pairing.of(cell.pairing))
        scenario = {**self._node("Scenario", pairing, 2), "steps": [], "examples": []}
        scenario["tags"] = [{"location": scenario["location"], "name": f"@{t}", "id": self._id()} for t in cell.tags]
        rule["children"].append({"scenario": scenario})
        # A cell whose steps nobody has told has at least the one that did not pass.
        sentences = [(step.step, step.argument) for step in steps if step.step] or [(cell.step, "")] * bool(cell.step)
        pickled = []
        for text, argument in (*sentences, *((text, "") for text in cell.not_run)):
            node = self._step(text, argument)
            scenario["steps"].append(node)
            more = {"argument": {"docString": {"content": argument}}} if argument else {}
            pickled.append({"id": self._id(), "astNodeIds": [node["id"]], "text": node["text"], **more})
        pickle = {
            "id": self._id(),
            "uri": self._uri,
            "location": scenario["location"],
            "name": f"{cell.title} [{pairing}]",
            "language": "en",
            "steps": pickled,
            "tags": [{"name": tag["name"], "astNodeId": tag["id"]} for tag in scenario["tags"]],
            "astNodeIds": [scenario["id"]],
        }
        return _Played(cell, steps, pickle)

    def _node(self, keyword: str, name: str, depth: int) -> Message:
        node = {"id": self._id(), "location": self._line(f"{keyword}: {name}", depth), "keyword": keyword, "name": name}
        return {**node, "description": "", "tags": []}

    def _step(self, sentence: str, argument: str) -> Message:
        keyword, _, text = sentence.partition(" ")
        node = {"id": self._id(), "location": self._line(sentence, 3), "keyword": f"{keyword} ", "text": text}
        if argument:
            node["docString"] = {"location": self._line('"""', 4), "content": argument, "delimiter": '"""'}
            for line in (*argument.splitlines(), '"""'):
                self._line(line, 4)
        return node

    def _line(self, text: str, depth: int) -> dict[str, int]:
        self._lines.append("  " * depth + " ".join(text.splitlines()))
        return {"line": len(self._lines), "column": 2 * depth + 1}

    def _id(self) -> str:
        return str(next(self._ids))


class _Played:
    """A cell as a test case: its steps, what else went wrong in it, and, where these do not say it, its verdict."""

    def __init__(self, cell: CellFinished, steps: Sequence[StepFinished], pickle: Message) -> None:
        self._cell = cell
        self.pickle = pickle
        self._results: list[tuple[Message, str, int, str]] = []
        left = iter(pickle["steps"])
        for step in steps:
            if step.step:
                self._add({"pickleStepId": next(left)["id"]}, step.verdict, step.seconds, _errors(step))
            elif step.verdict is not Verdict.PASSED:
                self._add({"hookId": f"hook-{step.phase}"}, step.verdict, step.seconds, _errors(step))
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
        for id_, (_, status, took, message) in zip(ids, self._results, strict=True):
            where = {"testCaseStartedId": run, "testStepId": id_}
            yield {"testStepStarted": {**where, "timestamp": _moment(begun)}}
            begun += took
            if status not in {"PASSED", "SKIPPED"}:
                body = f"repeat with: {self._cell.repeat}"
                yield {"attachment": {**where, "body": body, "contentEncoding": "IDENTITY", "mediaType": _LOG}}
            result = {"status": status, "duration": _moment(took), **({"message": message} if message else {})}
            yield {"testStepFinished": {**where, "testStepResult": result, "timestamp": _moment(begun)}}
        yield {"testCaseFinished": {"testCaseStartedId": run, "timestamp": _moment(begun), "willBeRetried": False}}

    def _add(self, what: Message, verdict: Verdict, seconds: float, message: str) -> None:
        self._results.append((what, self._status(verdict), round(seconds * 1000), message))

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


def _moment(milliseconds_: int) -> dict[str, int]:
    seconds, rest = divmod(milliseconds_, 1000)
    return {"seconds": seconds, "nanos": rest * 1_000_000}
