"""The language server behind the Cucumber extensions of editors, asked as an editor asks it."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import pytest

VERSION = "1.7.0"
CAPABILITIES = {
    "workspace": {"configuration": True},
    "textDocument": {"completion": {"completionItem": {"snippetSupport": True}}, "definition": {}},
}


@dataclass
class LanguageServer:
    """A server over a project.

    Args:
        program: How it is started.
        root: The project.
        settings: What it is told to read, as in the settings of an editor.
        patience: Seconds after which it is killed.
    """

    program: Path
    root: Path
    settings: Mapping[str, Sequence[str]]
    patience: float = 120.0
    log: list[str] = field(default_factory=list)
    undefined: dict[str, list[int]] = field(default_factory=dict)
    """By file, the lines (from 1) whose sentences it takes for undefined."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [self.program, "--stdio"],
            cwd=self.root,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._timer = threading.Timer(self.patience, self._process.kill)
        self._timer.start()
        self._last = 0
        self.ask("initialize", processId=None, rootPath=str(self.root), rootUri=self._uri(), capabilities=CAPABILITIES)
        self._tell("initialized")
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        self._process.kill()
        self._process.communicate()

    def ask(self, method: str, **parameters: Any) -> Any:
        """Ask, and return the answer."""
        self._last += 1
        self._send({"id": self._last, "method": method, "params": parameters})
        while True:
            message = self._next()
            if message.get("id") == self._last and "method" not in message:
                assert "error" not in message, message
                return message["result"]

    def open(self, *names: str) -> None:
        """Open features, and wait until the server has read all and has told what is undefined in them."""
        for name in names:
            text = (self.root / name).read_text("utf-8")
            document = {"uri": self._uri(name), "languageId": "cucumber", "version": 1, "text": text}
            self._tell("textDocument/didOpen", textDocument=document)
        while not any("Built" in line for line in self.log):
            self._next()

    def definitions(self, name: str, line: int) -> list[tuple[str, int]]:
        """Return file and line to which a sentence leads."""
        found = self.ask("textDocument/definition", **self._position(name, line, 12))
        return [
            (one["targetUri"].removeprefix(f"{self._uri()}/"), one["targetSelectionRange"]["start"]["line"] + 1)
            for one in found
        ]

    def completions(self, name: str, line: int, character: int) -> dict[str, str]:
        """Return what may stand there: label and text."""
        found = self.ask("textDocument/completion", **self._position(name, line, character))
        return {one["label"]: one["textEdit"]["newText"] for one in found}

    def _position(self, name: str, line: int, character: int) -> dict[str, Any]:
        place = {"line": line - 1, "character": character}
        return {"textDocument": {"uri": self._uri(name)}, "position": place}

    def _uri(self, name: str = "") -> str:
        return f"file://{self.root / name}".rstrip("/")

    def _tell(self, method: str, **parameters: Any) -> None:
        self._send({"method": method, "params": parameters})

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        self._process.stdin.flush()

    def _next(self) -> dict[str, Any]:
        """Take a message, and do what an editor does with it."""
        assert self._process.stdout is not None
        size = 0
        while (line := self._process.stdout.readline()) != b"\r\n":
            assert line, f"the language server has ended: {self.log}"
            if line.lower().startswith(b"content-length:"):
                size = int(line.partition(b":")[2])
        message: dict[str, Any] = json.loads(self._process.stdout.read(size))
        match message.get("method"):
            case "workspace/configuration":
                self._send({"id": message["id"], "result": [self.settings]})
            case "window/logMessage":
                self.log.append(message["params"]["message"])
            case "textDocument/publishDiagnostics":
                name = message["params"]["uri"].removeprefix(f"{self._uri()}/")
                self.undefined[name] = [one["range"]["start"]["line"] + 1 for one in message["params"]["diagnostics"]]
            case str() if "id" in message:
                self._send({"id": message["id"], "result": None})
            case _:
                pass
        return message


def installed_server(directory: Path) -> Path:
    """Return the language server, as the extensions have it."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("there is no npm here")
    words = ("install", "--global", f"--prefix={directory}", "--ignore-scripts", "--no-audit", "--no-fund")
    done = subprocess.run(
        [npm, *words, f"@cucumber/language-server@{VERSION}"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"npm cannot install the language server: {done.stderr[-300:]}")
    return directory / "bin/cucumber-language-server"
