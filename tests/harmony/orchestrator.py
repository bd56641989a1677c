"""An imitation of the field's orchestrator: it plays a recorded conversation with workers of this project.

It knows nothing of harmony's own client. It sends positional parameters and integer ids, names the run in the
environment, starts one process for each role of each scenario, and kills from outside.

A conversation is one file for each role, a JSON object on each line: `direction` and `message`, as others record them,
and `at`, the place among the lines of all roles. ``python -m tests.harmony.orchestrator FILES`` asks again what the
files of one scenario ask, and writes the answers of today into them.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

ROOT: Final = Path(__file__).resolve().parents[2]
ANSWER_IN: Final = 60.0
FEATURE_ID: Final = 7

Message = dict[str, Any]


@dataclass(frozen=True)
class Line:
    """One line of a conversation.

    Attributes:
        at: Its place among the lines of all roles.
        role: Whose worker it concerns.
        direction: ``to-worker``, ``from-worker``, or ``kill`` for what the orchestrator does to the process.
        message: What is said.
    """

    at: int
    role: str
    direction: str
    message: Message

    def __str__(self) -> str:
        return json.dumps({"at": self.at, "direction": self.direction, "message": self.message})


class Worker:
    """A worker of this project, as the orchestrator sees it: a process, and messages framed to the letter."""

    def __init__(self, host_pid: int) -> None:
        known = {key: value for key, value in os.environ.items() if not key.startswith("HARMONY_")}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "harmony", "serve"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=ROOT,
            env={**known, "HARMONY_HOST_PID": str(host_pid), "HARMONY_FEATURE_ID": str(FEATURE_ID)},
        )
        self._read = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._process.kill()
        self._process.communicate(timeout=ANSWER_IN)

    def send(self, message: Message) -> None:
        body = json.dumps(message).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        self._process.stdin.flush()

    def receive(self) -> Message:
        head = self._until(lambda data: data.find(b"\r\n\r\n") + 4 if b"\r\n\r\n" in data else 0)
        assert head.startswith(b"Content-Length: "), head
        length = int(head.removeprefix(b"Content-Length: "))
        message = json.loads(self._until(lambda data: length if len(data) >= length else 0))
        assert isinstance(message, dict)
        return message

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(ANSWER_IN)

    def ended(self) -> int:
        return self._process.wait(ANSWER_IN)

    def _until(self, enough: Callable[[bytes], int]) -> bytes:
        assert self._process.stdout is not None
        deadline = time.monotonic() + ANSWER_IN
        while not (length := enough(self._read)):
            ready, _, _ = select.select([self._process.stdout], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, f"no answer within {ANSWER_IN:g} s; so far: {self._read!r}"
            more = os.read(self._process.stdout.fileno(), 65536)
            assert more, f"the worker has ended; so far: {self._read!r}"
            self._read += more
        data, self._read = self._read[:length], self._read[length:]
        return data


def lines_of(files: Iterable[Path]) -> list[Line]:
    """Return the lines of all roles of a scenario, in their order."""
    lines = [
        Line(entry["at"], file.stem.rpartition("_")[2], entry["direction"], entry["message"])
        for file in files
        for entry in map(json.loads, file.read_text().splitlines())
    ]
    return sorted(lines, key=lambda line: line.at)


def play(
    lines: Sequence[Line], host_pid: int, said: Callable[[Message], Message] = lambda message: message
) -> list[Line]:
    """Ask workers all that is asked, in its order, and return the conversation with their answers.

    Args:
        lines: A conversation; its answers are passed over.
        host_pid: What makes the names of this run unique.
        said: Makes of a recorded request the one that is sent.
    """
    spoken: list[Line] = []
    roles = sorted({line.role for line in lines})
    workers: dict[str, Worker] = {}
    try:
        for role in roles:
            workers[role] = Worker(host_pid)
        for line in lines:
            if line.direction == "from-worker":
                continue
            worker, role, message = workers[line.role], line.role, said(_in_this_run(line.message, host_pid))
            spoken.append(Line(len(spoken), role, line.direction, message))
            if line.direction == "kill":
                worker.kill()
                continue
            worker.send(message)
            if message["method"] == "crash":
                worker.ended()
                continue
            answer = worker.receive()
            assert answer["id"] == message["id"], answer
            spoken.append(Line(len(spoken), role, "from-worker", answer))
            if message["method"] == "shutdown":
                assert worker.ended() == 0
    finally:
        for worker in workers.values():
            worker.__exit__(None, None, None)
    return spoken


def results(lines: Iterable[Line]) -> list[tuple[str, str, Any]]:
    """Return role, what was asked, and what must be the same in every run: a result, or whether a step succeeded."""
    asked: dict[tuple[str, int], Message] = {}
    found: list[tuple[str, str, Any]] = []
    for line in lines:
        if line.direction == "to-worker":
            asked[line.role, line.message["id"]] = line.message
        elif line.direction == "from-worker":
            question = asked[line.role, line.message["id"]]
            result = line.message.get("result", line.message.get("error"))
            if question["method"] == "executeStep":
                (params,) = question["params"]
                found.append((line.role, params["Step"], result.get("error") if not result["success"] else True))
            else:
                found.append((line.role, question["method"], result))
    return found


def _in_this_run(message: Message, host_pid: int) -> Message:
    if message.get("method") != "initialize":
        return message
    numbers: Mapping[str, Any] = {"HostPid": host_pid, "TestRunId": f"{host_pid}_{FEATURE_ID}"}
    return {**message, "params": [{**message["params"][0], **numbers}]}


def write(spoken: Sequence[Line], files: Mapping[str, Path]) -> None:
    """Write a conversation, one file for each role."""
    for role, file in files.items():
        file.write_text("".join(f"{line}\n" for line in spoken if line.role == role))


if __name__ == "__main__":
    given = [Path(name) for name in sys.argv[1:]]
    write(play(lines_of(given), os.getpid()), {file.stem.rpartition("_")[2]: file for file in given})
