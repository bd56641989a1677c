"""JSON-RPC 2.0 messages, without I/O: bytes to typed messages and back.

Batches are refused: no known peer sends them, and the contract has one request per message.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn

MAX_DEPTH = 64

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
STANDARD_CODES = frozenset({PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS, INTERNAL_ERROR})

Id = int | str | None

_STRINGS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)
_BRACKETS = re.compile(rb"[\[{\]}]")


@dataclass(frozen=True, slots=True)
class Request:
    """A call that wants an answer."""

    id: Id
    method: str
    params: Any = None


@dataclass(frozen=True, slots=True)
class Notification:
    """A call that gets no answer, not even an error."""

    method: str
    params: Any = None


@dataclass(frozen=True, slots=True)
class Response:
    """A successful answer."""

    id: Id
    result: Any


@dataclass(frozen=True, slots=True)
class ErrorResponse:
    """An answer that reports an error of the call itself, never of a step."""

    id: Id
    code: int
    message: str
    data: Any = None


@dataclass(frozen=True, slots=True)
class Malformed:
    """Bytes that are no message, with the error to answer them with."""

    error: ErrorResponse


Message = Request | Notification | Response | ErrorResponse


class RpcError(Exception):
    """Raised by a method to answer with a JSON-RPC error.

    Args:
        code: One of the codes of the specification.
        message: The cause and the way out.
        data: Structured details.
    """

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data


def encode(message: Message) -> bytes:
    """Return the message as ASCII-only JSON, so that no text can make invalid UTF-8."""
    match message:
        case Request(id=identity, method=method, params=params):
            fields = {"jsonrpc": "2.0", "id": identity, "method": method, "params": [] if params is None else params}
        case Notification(method=method, params=params):
            fields = {"jsonrpc": "2.0", "method": method, "params": [] if params is None else params}
        case Response(id=identity, result=result):
            fields = {"jsonrpc": "2.0", "id": identity, "result": result}
        case ErrorResponse(id=identity, code=code, message=text, data=data):
            error: dict[str, Any] = {"code": code, "message": text}
            if data is not None:
                error["data"] = data
            fields = {"jsonrpc": "2.0", "id": identity, "error": error}
    return _ENCODER.encode(fields).encode("ascii")


def decode(body: bytes) -> Message | Malformed:
    """Read one message; what is not JSON-RPC 2.0 comes back as `Malformed`, never as an exception."""
    try:
        document = _load(body)
    except (ValueError, RecursionError) as error:
        return _malformed(PARSE_ERROR, f"Parse error: {error}")
    if isinstance(document, list):
        return _malformed(INVALID_REQUEST, "Invalid Request: batches are not supported, send one request per message")
    if not isinstance(document, dict):
        return _malformed(INVALID_REQUEST, "Invalid Request: a message is a JSON object")
    return _classify(document)


def first_object(params: Any) -> Mapping[str, Any]:
    """Return the one object of `params`, whether given positionally or bare; none is an empty one.

    Raises:
        RpcError: If there is something else in its place.
    """
    if params is None or params == []:
        return {}
    if isinstance(params, list):
        if len(params) > 1:
            raise RpcError(INVALID_PARAMS, f"Invalid params: one object is expected, got {len(params)} values")
        params = params[0]
    if not isinstance(params, dict):
        raise RpcError(INVALID_PARAMS, f"Invalid params: one object is expected, got {type(params).__name__}")
    return params


def _load(body: bytes) -> Any:
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH and _depth(body) > MAX_DEPTH:
        raise ValueError(f"nested deeper than {MAX_DEPTH} levels")
    return _DECODER.decode(body.decode("utf-8"))


def _depth(body: bytes) -> int:
    deepest = depth = 0
    for bracket in _BRACKETS.finditer(_STRINGS.sub(b"", body)):
        depth += 1 if bracket[0] in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_DECODER: Final = json.JSONDecoder(parse_constant=_refuse_constant)
_ENCODER: Final = json.JSONEncoder(separators=(",", ":"), allow_nan=False)


def _malformed(code: int, message: str, identity: Id = None) -> Malformed:
    return Malformed(ErrorResponse(identity, code, message))


def _classify(document: dict[str, Any]) -> Message | Malformed:
    identity = document.get("id")
    if isinstance(identity, bool) or not isinstance(identity, int | str | None):
        return _malformed(INVALID_REQUEST, "Invalid Request: 'id' must be a number, a string or null")
    if document.get("jsonrpc") != "2.0":
        return _malformed(INVALID_REQUEST, "Invalid Request: 'jsonrpc' must be \"2.0\"", identity)
    if "method" in document:
        return _call(document, identity)
    if "error" in document and document["error"] is not None:
        return _error(document["error"], identity)
    if "result" in document:
        return Response(identity, document["result"])
    return _malformed(INVALID_REQUEST, "Invalid Request: 'method' is missing", identity)


def _call(document: dict[str, Any], identity: Id) -> Message | Malformed:
    method, params = document["method"], document.get("params")
    if not isinstance(method, str):
        return _malformed(INVALID_REQUEST, "Invalid Request: 'method' must be a string", identity)
    if params is not None and not isinstance(params, list | dict):
        return _malformed(INVALID_REQUEST, "Invalid Request: 'params' must be an array or an object", identity)
    return Request(identity, method, params) if "id" in document else Notification(method, params)


def _error(error: Any, identity: Id) -> Message | Malformed:
    if not isinstance(error, dict) or not isinstance(error.get("code"), int):
        return _malformed(
            INVALID_REQUEST, "Invalid Request: 'error' must be an object with an integer 'code'", identity
        )
    return ErrorResponse(identity, error["code"], str(error.get("message", "")), error.get("data"))
