"""A driver in a process of its own: performs verbs that come over stdin and answers on stdout.

In local mode, scenarios that kill a process start ``python -m step_definitions.child LIBRARY``. Framing and messages
are harmony's. Stdout belongs to the messages alone, so what the library prints goes to stderr.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import threading
from typing import Final

import pydantic

from harmony.wire import DRIVER_ERROR, framing, jsonrpc
from step_definitions.dispatcher import Dispatcher
from step_definitions.library import load
from step_definitions.port import CONTRACT, DriverError

_CHUNK: Final = 1 << 16
_SET_DEATH_SIGNAL: Final = 1


class Answers:
    """Writes answers, one at a time."""

    def __init__(self, descriptor: int) -> None:
        self._out = os.fdopen(descriptor, "wb")
        self._lock = threading.Lock()

    def send(self, message: jsonrpc.Message) -> None:
        """Write one message. A reader that is gone is no error: the end of stdin follows."""
        with self._lock:
            try:
                self._out.write(framing.encode(jsonrpc.encode(message)))
                self._out.flush()
            except BrokenPipeError:
                return


def answer(dispatcher: Dispatcher, request: jsonrpc.Request) -> jsonrpc.Message:
    """Perform one request."""
    verb = CONTRACT.verbs.get(request.method)
    if verb is None:
        return jsonrpc.ErrorResponse(request.id, jsonrpc.METHOD_NOT_FOUND, f"there is no verb {request.method!r}")
    try:
        params = {key: value for key, value in jsonrpc.first_object(request.params).items() if key in verb.parameters}
        verb.params.validate_json(json.dumps(params), strict=True)
        return jsonrpc.Response(request.id, dispatcher.perform(request.method, params, request.id or 0))
    except pydantic.ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        return jsonrpc.ErrorResponse(request.id, jsonrpc.INVALID_PARAMS, f"{request.method}: {wrong}")
    except DriverError as error:
        data = {"code": error.code, "details": error.details}
        return jsonrpc.ErrorResponse(request.id, DRIVER_ERROR, error.message, data)
    except jsonrpc.RpcError as error:
        return jsonrpc.ErrorResponse(request.id, error.code, error.message, error.data)
    except Exception as error:  # noqa: BLE001 - the asker must learn of every error
        return jsonrpc.ErrorResponse(request.id, jsonrpc.INTERNAL_ERROR, f"{type(error).__name__}: {error}")


def serve(dispatcher: Dispatcher, source: int, answers: Answers) -> None:
    """Perform requests, each in a thread of its own, until the source ends."""
    decoder = framing.FrameDecoder()
    while data := os.read(source, _CHUNK):
        for item in decoder.feed(data):
            if isinstance(item, framing.Fault):
                answers.send(jsonrpc.ErrorResponse(None, jsonrpc.PARSE_ERROR, item.detail))
                continue
            message = jsonrpc.decode(item.body)
            if isinstance(message, jsonrpc.Request):
                threading.Thread(target=_perform, args=(dispatcher, message, answers), daemon=True).start()
            elif isinstance(message, jsonrpc.Malformed):
                answers.send(message.error)


def _perform(dispatcher: Dispatcher, request: jsonrpc.Request, answers: Answers) -> None:
    answers.send(answer(dispatcher, request))


def main(arguments: list[str]) -> int:
    """Serve until stdin ends or SIGTERM comes, then close all that is open.

    Args:
        arguments: The library, and the numbers of the user and group to become, if any.
    """
    ctypes.CDLL(None).prctl(_SET_DEATH_SIGNAL, signal.SIGKILL)
    dispatcher = Dispatcher(load(arguments[0]))
    if len(arguments) > 1:
        user = int(arguments[1])
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    out = os.dup(1)
    os.dup2(2, 1)
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(0))
    try:
        serve(dispatcher, 0, Answers(out))
    finally:
        dispatcher.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
