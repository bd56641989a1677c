"""What a driver in Python imports: `serve` does all but the verbs.

A driver is a class whose public methods are its verbs, and one call at the end of its file::

    from harmony.driver_kit import Misfit, Refused, serve

    class Verbs:
        def get(self, key: str, timeout: float) -> str: ...
        def close_all(self) -> None: ...

    if __name__ == "__main__":
        serve(Verbs(), name="mine", protocol="1.0")

Each call comes in a thread of its own, so that one that waits holds up no other. Arguments are checked against the
annotations of the method; parameters that it does not name are left out, but `timeout` must be there. What a verb
returns becomes JSON, data classes as objects. Nothing but the standard library is imported.
"""

from __future__ import annotations

import ctypes
import dataclasses
import functools
import inspect
import itertools
import os
import signal
import sys
import threading
import time
import traceback
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Literal, Protocol

from harmony.wire import framing, jsonrpc

__all__ = ["Misfit", "Perform", "Refused", "Structures", "Verbs", "answer", "serve", "serve_calls", "stacks"]

_REFUSED: Final = -32000
_CHUNK: Final = 1 << 16
_SET_DEATH_SIGNAL: Final = 1
_PADDING: Final = "padding_"

Perform = Callable[[str, Mapping[str, Any], jsonrpc.Id], Any]
"""Does a verb, of which it gets the name, the parameters and the id of the request."""
Structures = Mapping[str, type[ctypes.Structure] | Mapping[str, Any]]
"""Structures by their names in the contract, as ctypes has laid them out, or as ``hello`` tells them."""


class Refused(Exception):  # noqa: N818 - it is one of the answers of a verb
    """What the implementation refuses.

    Args:
        code: Canonical, one of the contract's.
        message: The cause and the way out.
        details: The values involved.
    """

    def __init__(self, code: str, message: str, /, **details: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = details


class Misfit(Exception):  # noqa: N818 - as above
    """A parameter that is not what the contract says, or that a verb cannot use; the message begins with its name."""


class Verbs(Protocol):
    """What an implementation can do: its other public methods are verbs.

    A verb that is not there, or raises `NotImplementedError`, makes its scenarios `unsupported`. A class may have
    ``capabilities``, the names of what it claims beyond the verbs that all have.
    """

    def close_all(self) -> None:
        """Release everything that is open: the driver ends, perhaps while other verbs are still waiting."""


def serve(verbs: Verbs, *, name: str, protocol: str, version: str = "0.1.0", layout: Structures | None = None) -> None:
    """Answer requests from stdin until it ends or SIGTERM comes; then `close_all`.

    Stdout belongs to the answers: what else prints, prints to stderr. On Linux the parent's death ends this process.

    Args:
        verbs: Has a public method for each verb.
        name: Of the implementation.
        protocol: The version of the contract that it speaks.
        version: The implementation's own.
        layout: The structures that it shares with other implementations.

    Raises:
        TypeError: A verb is a coroutine; each has a thread of its own, and may wait in it.
    """
    under_way = _UnderWay()
    own = _Own(under_way, verbs, {"protocol": protocol, "implementation": name, "version": version}, layout or {})
    methods = dict(_methods(verbs)) | dict(_methods(own))

    def perform(verb: str, params: Mapping[str, Any], _: jsonrpc.Id) -> Any:
        if verb not in methods:
            raise NotImplementedError(f"there is no verb {verb!r}")
        _arguments(_timed, params)
        return methods[verb](**_arguments(methods[verb], params))

    _serve(perform, verbs.close_all, under_way)


def serve_calls(perform: Perform, close: Callable[[], None]) -> None:
    """Answer requests as `serve` does, for who finds and checks verbs in another way.

    Args:
        perform: Does a verb, in a thread of its own.
        close: Called at the end.
    """
    _serve(perform, close, _UnderWay())


def answer(perform: Perform, request: jsonrpc.Request) -> jsonrpc.Message:
    """Perform one request; whoever asked learns of every error.

    Args:
        perform: Does it.
        request: Which.
    """

    def error(code: int, message: str, data: Any = None) -> jsonrpc.ErrorResponse:
        return jsonrpc.ErrorResponse(request.id, code, message, data)

    try:
        params = jsonrpc.first_object(request.params)
        return jsonrpc.Response(request.id, _plain(perform(request.method, params, request.id)))
    except NotImplementedError as missing:
        text = str(missing) or f"{request.method} is not implemented yet: fill it in"
        return error(jsonrpc.METHOD_NOT_FOUND, text)
    except Misfit as misfit:
        return error(jsonrpc.INVALID_PARAMS, str(misfit))
    except Refused as refused:
        return error(_REFUSED, refused.message, {"code": refused.code, "details": refused.details})
    except jsonrpc.RpcError as wrong:
        return error(wrong.code, wrong.message, wrong.data)
    except Exception as bug:  # noqa: BLE001 - whatever it is
        traceback.print_exc()
        return error(jsonrpc.INTERNAL_ERROR, f"{type(bug).__name__}: {bug}")


def _serve(perform: Perform, close: Callable[[], None], under_way: _UnderWay) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_DEATH_SIGNAL, signal.SIGKILL)
    answers = _Answers(os.dup(1))
    os.dup2(2, 1)
    signal.signal(signal.SIGTERM, _end)
    try:
        for message in _messages():
            if isinstance(message, jsonrpc.Request):
                _begin(perform, message, answers, under_way)
            else:
                answers.send(message)
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        close()


def _end(*_: object) -> None:
    sys.exit(0)


def _messages() -> Iterator[jsonrpc.Request | jsonrpc.ErrorResponse]:
    """Yield what comes over stdin, and the error for what is no request.

    A notification wants no answer, and there is no verb that would make sense without one.
    """
    decoder = framing.FrameDecoder()
    while data := os.read(0, _CHUNK):
        for item in decoder.feed(data):
            if isinstance(item, framing.Fault):
                yield jsonrpc.ErrorResponse(None, jsonrpc.PARSE_ERROR, item.detail)
                continue
            message = jsonrpc.decode(item.body)
            if isinstance(message, jsonrpc.Malformed):
                yield message.error
            elif isinstance(message, jsonrpc.Request):
                yield message


def _begin(perform: Perform, request: jsonrpc.Request, answers: _Answers, under_way: _UnderWay) -> None:
    """Perform and answer a request in a thread of its own; it is under way from now on."""
    number = under_way.begin(request)

    def work() -> None:
        message = answer(perform, request)
        under_way.end(number)
        answers.send(message)

    threading.Thread(target=work, name=request.method, daemon=True).start()


class _Answers:
    """Writes answers, one at a time."""

    def __init__(self, descriptor: int) -> None:
        self._out = os.fdopen(descriptor, "wb")
        self._lock = threading.Lock()

    def send(self, message: jsonrpc.Message) -> None:
        """Write one message. A reader that is gone is no error: the end of stdin follows."""
        try:
            body = jsonrpc.encode(message)
        except (TypeError, ValueError) as error:
            text = f"the answer cannot be written as JSON: {error}"
            body = jsonrpc.encode(jsonrpc.ErrorResponse(getattr(message, "id", None), jsonrpc.INTERNAL_ERROR, text))
        with self._lock:
            try:
                self._out.write(framing.encode(body))
                self._out.flush()
            except BrokenPipeError:
                return


class _UnderWay:
    """The requests that are being performed."""

    def __init__(self) -> None:
        self._numbers = itertools.count()
        self._requests: dict[int, tuple[jsonrpc.Request, float]] = {}

    def begin(self, request: jsonrpc.Request) -> int:
        number = next(self._numbers)
        self._requests[number] = (request, time.monotonic())
        return number

    def end(self, number: int) -> None:
        del self._requests[number]

    def told(self) -> list[dict[str, Any]]:
        now = time.monotonic()
        return [
            {"id": request.id or 0, "verb": request.method, "seconds": now - since}
            for request, since in list(self._requests.values())
            if request.method != "dump"
        ]


class _Own:
    """The verbs that every driver has."""

    def __init__(self, under_way: _UnderWay, verbs: Verbs, names: Mapping[str, str], layout: Structures) -> None:
        self._under_way = under_way
        self._capabilities = list(getattr(verbs, "capabilities", ()))
        self._names = names
        self._layout = {name: _laid_out(structure) for name, structure in layout.items()}

    def hello(self, timeout: float) -> dict[str, Any]:
        """Say who answers."""
        del timeout
        return {
            **self._names,
            "language": f"python {sys.version_info.major}.{sys.version_info.minor}",
            "pid": os.getpid(),
            "capabilities": self._capabilities,
            "layout": self._layout,
        }

    def health(self, timeout: float) -> bool:
        """Answer at once."""
        del timeout
        return True

    def dump(self, timeout: float) -> dict[str, Any]:
        """Say what is under way and where each thread stands."""
        del timeout
        return {"requests": self._under_way.told(), "threads": stacks()}


def stacks() -> list[dict[str, str]]:
    """Return the name and the stack of each thread, as ``dump`` tells them."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    tops = sys._current_frames()  # noqa: SLF001 - the one way to see other threads
    return [
        {"name": names.get(ident, "?"), "stack": "".join(traceback.format_stack(top))} for ident, top in tops.items()
    ]


def _timed(timeout: float) -> None:
    """Have what every request carries, whether or not its method names it."""


def _methods(verbs: object) -> Iterator[tuple[str, Callable[..., Any]]]:
    for name in dir(type(verbs)):
        if name.startswith("_") or name == "close_all" or not inspect.isroutine(getattr(type(verbs), name)):
            continue
        method = getattr(verbs, name)
        if inspect.iscoroutinefunction(method):
            raise TypeError(
                f"{name} is a coroutine: write it without `async`, it has a thread of its own and may wait there"
            )
        _parameters(method)  # a name that its annotations do not find is told at the start
        yield name, method


@functools.cache
def _parameters(taken_by: Callable[..., Any]) -> tuple[tuple[str, Any, bool], ...]:
    """Return what an annotated function or class takes: each name, its type, and whether it must be there."""
    hints = typing.get_type_hints(taken_by)
    return tuple(
        (name, hints.get(name, Any), parameter.default is parameter.empty)
        for name, parameter in inspect.signature(taken_by).parameters.items()
    )


def _arguments(taken_by: Callable[..., Any], given: Any, path: str = "") -> dict[str, Any]:
    """Return what an annotated function or class takes, and nothing else."""
    if not isinstance(given, Mapping):
        raise Misfit(f"{path.rstrip('.') or 'params'}: an object is expected, got {given!r:.40}")
    found: dict[str, Any] = {}
    for name, kind, required in _parameters(taken_by):
        if name in given:
            found[name] = _fitting(given[name], kind, path + name)
        elif required:
            raise Misfit(f"{path}{name} is missing")
    return found


def _fitting(value: Any, kind: Any, path: str) -> Any:
    """Return a value as an annotation asks for it."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in {types.UnionType, typing.Union}:
        return _first_fitting(value, arguments, kind, path)
    if origin is list and isinstance(value, list):
        return [_fitting(item, arguments[0], path) for item in value]
    if origin is dict and isinstance(value, dict):
        return {name: _fitting(item, arguments[1], f"{path}.{name}") for name, item in value.items()}
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return kind(**_arguments(kind, value, f"{path}."))
    if kind is float and type(value) is int:
        return float(value)
    if kind is Any or type(value) is kind or (origin is Literal and value in arguments):
        return value
    raise Misfit(f"{path}: {_said(kind)} is expected, got {value!r:.40}")


def _first_fitting(value: Any, kinds: tuple[Any, ...], union: Any, path: str) -> Any:
    if value is None and type(None) in kinds:
        return None
    some = [kind for kind in kinds if kind is not type(None)]
    if len(some) == 1:
        return _fitting(value, some[0], path)
    for kind in some:
        try:
            return _fitting(value, kind, path)
        except Misfit:
            continue
    raise Misfit(f"{path}: {_said(union)} is expected, got {value!r:.40}")


def _said(kind: Any) -> str:
    return kind.__name__ if isinstance(kind, type) else str(kind).replace("typing.", "")


def _plain(value: Any) -> Any:
    """Return a value with its data classes as objects."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return value


def _laid_out(structure: type[ctypes.Structure] | Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a structure as ctypes, which asks the compiler's rules, has laid it out."""
    if isinstance(structure, Mapping):
        return structure
    fields = [(name, getattr(structure, name)) for name, *_ in structure._fields_ if not name.startswith(_PADDING)]
    return {
        "size": ctypes.sizeof(structure),
        "fields": {name: [field.offset, field.size] for name, field in fields},
    }
