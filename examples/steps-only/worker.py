"""A step worker in one file, without a library: JSON-RPC over stdin and stdout, each message behind its length."""

from __future__ import annotations

import json
import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

Params = dict[str, Any]


class Worker:
    """Its methods are those of the step contract, by the names of JSON-RPC."""

    def __init__(self) -> None:
        self.folder = Path()  # where the letters of this scenario lie; its name has the numbers of the cell
        self.steps: list[tuple[str, str, Callable[[str], None]]] = [
            ("when", "the 'sender' process posts '([^']+)'", self.post),
            ("then", "the 'receiver' process should hold '([^']+)'", self.hold),
            ("then", "the 'receiver' process should not hold '([^']+)'", self.not_hold),
        ]

    def post(self, letter: str) -> None:
        (self.folder / letter).write_text(letter, encoding="utf-8")

    def hold(self, letter: str) -> None:
        if not (self.folder / letter).exists():
            raise AssertionError(f"{letter}: it is not there")

    def not_hold(self, letter: str) -> None:
        if (self.folder / letter).exists():
            raise AssertionError(f"{letter}: it is there")

    def health(self, _: Params) -> bool:
        return True

    def discover(self, _: Params) -> Any:
        return {"steps": [{"type": type_, "pattern": pattern} for type_, pattern, _ in self.steps]}

    def initialize(self, params: Params) -> bool:
        self.folder = Path(tempfile.gettempdir()) / f"letters_{params['HostPid']}_{params['FeatureId']}"
        self.folder.mkdir(exist_ok=True)
        return True

    def execute_step(self, params: Params) -> Any:
        for _, pattern, work in self.steps:
            if found := re.fullmatch(pattern, params["Step"]):
                try:
                    work(*found.groups())
                except (AssertionError, OSError) as error:
                    return _told(str(error))
                return _told(None)
        return _told(f"No matching step definition found for: {params['Step']}")

    def cleanup(self, _: Params) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def shutdown(self, _: Params) -> None:
        """Say that it has heard; the end of stdin follows."""


def _told(error: str | None) -> Any:
    return {"success": error is None, "error": error, "context": {}, "logs": []}


def main() -> None:
    worker = Worker()
    methods = {
        "health": worker.health,
        "discover": worker.discover,
        "initialize": worker.initialize,
        "executeStep": worker.execute_step,
        "cleanup": worker.cleanup,
        "shutdown": worker.shutdown,
    }
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    while header := source.readline():
        source.readline()  # the empty line between header and body
        request = json.loads(source.read(int(header.split(b":")[1])))
        answer: dict[str, Any] = {"jsonrpc": "2.0", "id": request["id"]}
        if method := methods.get(request["method"]):
            answer["result"] = method((request.get("params") or [{}])[0])
        else:
            answer["error"] = {"code": -32601, "message": f"Method not found: {request['method']}"}
        body = json.dumps(answer).encode()
        sink.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        sink.flush()


if __name__ == "__main__":
    main()
