"""The document that Cucumber messages speak of, written from the events of a run. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from harmony.plan.pairing import Pairing
from harmony.verdict.events import CellFinished, StepFinished

Message = dict[str, Any]


class Document:
    """A feature, written as it is told: each node with the line on which it stands."""

    def __init__(self, name: str, ids: Iterator[int]) -> None:
        self._ids = ids
        self._lines: list[str] = []
        self._uri = f"{name}.feature"
        self._feature = {**self._node("Feature", name, 0), "language": "en", "children": []}
        del self._feature["id"]
        self._rules: dict[str, Message] = {}

    def messages(self) -> Iterator[Message]:
        """Give its text, and the same as nodes."""
        text = "".join(f"{line}\n" for line in self._lines)
        yield {"source": {"uri": self._uri, "data": text, "mediaType": "text/x.cucumber.gherkin+plain"}}
        yield {"gherkinDocument": {"uri": self._uri, "feature": self._feature, "comments": []}}

    def add(self, cell: CellFinished, steps: Sequence[StepFinished]) -> Message:
        """Write a cell, and return it as what is played."""
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
        return {
            "id": self._id(),
            "uri": self._uri,
            "location": scenario["location"],
            "name": f"{cell.title} [{pairing}]",
            "language": "en",
            "steps": pickled,
            "tags": [{"name": tag["name"], "astNodeId": tag["id"]} for tag in scenario["tags"]],
            "astNodeIds": [scenario["id"]],
        }

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
