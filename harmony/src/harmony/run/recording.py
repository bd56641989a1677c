"""Recordings: the conversation of one role in one cell, as YAML that a person can read and a worker can be held to.

What differs from run to run (`noise`) is named in the recording itself and left out of every comparison.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import yaml

from harmony.errors import ExitCode, HarmonyError
from harmony.model import NetworkEvent
from harmony.plan.cells import Cell
from harmony.state import read_whole
from harmony.text import jsonable, shown
from harmony.wire.jsonrpc import ErrorResponse, Message, Request, Response
from harmony.wire.step_contract import without_case

FORMAT: Final = 1
NOISE: Final = (
    "id",
    "HostPid",
    "FeatureId",
    "TestRunId",
    "timestamp",
    "seconds",
    "elapsedMs",
    "stack",
    "traceback",
    "sections",
    "logs",
    "attachments",
    "message",
    "capabilities",
)
_LARGEST_TOLD: Final = 65_536
_UNREADABLE: Final = (yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError, RecursionError)
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_UNSAFE: Final = re.compile(r"[^\w.=,#-]+")


class RecordingError(HarmonyError):
    """A file is no recording.

    Way out: make one with `--record DIR`, and name that directory.
    """

    code = "recording"
    exit_code = ExitCode.CONFIGURATION


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and what came of it.

    Attributes:
        method: What was asked for.
        params: With which parameters.
        result: The answer.
        error: The JSON-RPC error instead of an answer.
        answered: Whether there was an answer at all.
        seconds: How long it took.
        at: When it was asked, in seconds since the epoch; 0 where that was not kept.
    """

    method: str
    params: Any = None
    result: Any = None
    error: Mapping[str, Any] | None = None
    answered: bool = True
    seconds: float = 0.0
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class Recording:
    """One conversation.

    Attributes:
        role: The role that was played.
        platform: The platform that played it.
        exchanges: What was said.
        cell: Of which cell.
        seed: The seed of the scenario.
        noise: Names of fields that differ from run to run.
        file: Where it was read from.
    """

    role: str
    platform: str
    exchanges: Sequence[Exchange]
    cell: str = ""
    seed: int = 0
    noise: Sequence[str] = NOISE
    file: Path | None = None


@dataclass(slots=True)
class _Conversation:
    """Hears one link during one cell."""

    platform: str
    exchanges: list[Exchange] = field(default_factory=list)
    open: dict[Any, tuple[int, float]] = field(default_factory=dict)

    def sent(self, message: Message, at: float) -> None:
        """A request went out."""
        if isinstance(message, Request):
            self.open[message.id] = (len(self.exchanges), at)
            self.exchanges.append(Exchange(message.method, message.params, answered=False, at=at))

    def received(self, message: Message, at: float) -> None:
        """An answer came in."""
        if not isinstance(message, Response | ErrorResponse) or message.id not in self.open:
            return
        index, began = self.open.pop(message.id)
        asked = self.exchanges[index]
        result, error = None, None
        if isinstance(message, Response):
            result = message.result
        else:
            error = {"code": message.code, "message": message.message}
        self.exchanges[index] = Exchange(asked.method, asked.params, result, error, seconds=at - began, at=asked.at)


class Recorder:
    """Keeps the conversations of a cell."""

    def __init__(self, cell: Cell, seed: int) -> None:
        self._cell = cell
        self._seed = seed
        self._roles: dict[str, _Conversation] = {}

    def role(self, key: str, platform: str) -> _Conversation:
        """Return what hears the link of a role."""
        return self._roles.setdefault(key, _Conversation(platform))

    def write(self, directory: Path, network: Sequence[NetworkEvent] = ()) -> dict[str, str]:
        """Write one file for each role, and one that nobody replays for what was seen between them.

        Return by name the text of those that are not too large to be told.
        """
        directory.mkdir(parents=True, exist_ok=True)
        texts = {}
        for key, conversation in self._roles.items():
            recording = Recording(key, conversation.platform, conversation.exchanges, self._cell.key, self._seed)
            texts[f"{_UNSAFE.sub('_', key)}.yaml"] = dump(recording)
        if network:
            texts["network.txt"] = "".join(f"{event.at} {shown(str(event))}\n" for event in network)
        files = {f"{_UNSAFE.sub('_', self._cell.key)}.{name}": text for name, text in texts.items()}
        for name, text in files.items():
            (directory / name).write_text(text, encoding="utf-8")
        return {name: text for name, text in files.items() if len(text) <= _LARGEST_TOLD}


def dump(recording: Recording) -> str:
    """Return a recording as YAML."""
    document = {
        "harmony-recording": FORMAT,
        "cell": recording.cell,
        "role": recording.role,
        "platform": recording.platform,
        "seed": recording.seed,
        "noise": list(recording.noise),
        "exchanges": [_as_dict(exchange) for exchange in recording.exchanges],
    }
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120)


def load(file: Path) -> Recording:
    """Read a recording: our YAML, or the JSON lines of other projects (`direction` and `message` on each line).

    Raises:
        RecordingError: It is neither.
    """
    try:
        text = read_whole(file)
        return _of_lines(text, file) if file.suffix == ".jsonl" else _of_yaml(yaml.safe_load(text), file)
    except (OSError, *_UNREADABLE) as error:
        detail = f"{type(error).__name__}: {shown(str(error), 200)}"
        raise RecordingError(f"{file} is no recording: {detail}", hint="make one with --record DIR") from error


def recording_of(text: str) -> Recording | None:
    """Return a recording that an event tells; nothing if it is none.

    Whoever wrote the event is not trusted: a text that refers to parts of itself may be endless.
    """
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=_LOADER)):
            return None
        return _of_yaml(yaml.load(text, Loader=_LOADER))  # noqa: S506 - it is a safe loader
    except _UNREADABLE:
        return None


def load_all(place: Path) -> list[Recording]:
    """Read a recording, or all of a directory.

    Raises:
        RecordingError: There is none, or one cannot be read.
    """
    files = sorted([*place.glob("*.yaml"), *place.glob("*.jsonl")]) if place.is_dir() else [place]
    if not files:
        raise RecordingError(f"there are no recordings in {place}", hint="make some with --record DIR")
    return [load(file) for file in files]


def without_noise(value: Any, noise: Sequence[str]) -> Any:
    """Return a value without the fields that differ from run to run; field names match in any casing."""
    names = set(map(without_case, noise))
    return _without(value, names)


def _without(value: Any, names: set[str]) -> Any:
    if isinstance(value, Mapping):
        kept = {without_case(key): item for key, item in value.items()}
        return {key: _without(item, names) for key, item in kept.items() if key not in names}
    if isinstance(value, list | tuple):
        return [_without(item, names) for item in value]
    return value


def _as_dict(exchange: Exchange) -> dict[str, Any]:
    fields: dict[str, Any] = {"method": exchange.method, "params": jsonable(exchange.params)}
    fields |= {"at": round(exchange.at, 6)} if exchange.at else {}
    if not exchange.answered:
        return {**fields, "answered": False}
    fields |= (
        {"error": jsonable(exchange.error)} if exchange.error is not None else {"result": jsonable(exchange.result)}
    )
    return {**fields, "seconds": round(exchange.seconds, 6)}


def _of_yaml(document: Mapping[str, Any], file: Path | None = None) -> Recording:
    if document.get("harmony-recording") != FORMAT:
        raise ValueError(f"harmony-recording is {document.get('harmony-recording')!r} instead of {FORMAT}")
    exchanges = [
        Exchange(
            entry["method"],
            entry.get("params"),
            entry.get("result"),
            entry.get("error"),
            bool(entry.get("answered", True)),
            float(entry.get("seconds", 0.0)),
            float(entry.get("at", 0.0)),
        )
        for entry in document["exchanges"]
    ]
    return Recording(
        document["role"],
        document["platform"],
        exchanges,
        document.get("cell", ""),
        int(document.get("seed", 0)),
        tuple(document.get("noise", NOISE)),
        file,
    )


def _moment(entry: Mapping[str, Any]) -> float:
    """Return when a line was written, in seconds since the epoch; 0 where it does not say."""
    at = entry.get("at", 0.0)
    return dt.datetime.fromisoformat(at).timestamp() if isinstance(at, str) else float(at)


def _of_lines(text: str, file: Path) -> Recording:
    asked: dict[Any, Exchange] = {}
    exchanges: list[Exchange] = []
    role = platform = ""
    for entry in map(json.loads, text.splitlines()):
        message = entry["message"]
        if entry["direction"] == "to-worker":
            asked[message["id"]] = Exchange(message["method"], message.get("params"), answered=False, at=_moment(entry))
            if message["method"] == "initialize":
                first = message["params"][0]
                role, platform = first["Role"], first["Platform"]
            continue
        question = asked.pop(message["id"])
        seconds = max(0.0, _moment(entry) - question.at)
        result, error = message.get("result"), message.get("error")
        exchanges.append(replace(question, result=result, error=error, answered=True, seconds=seconds))
    exchanges += asked.values()
    if not exchanges:
        raise ValueError("it is empty")
    return Recording(role, platform, exchanges, file.stem.removesuffix(f"_{role}"), file=file)
