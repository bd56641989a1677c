"""The driver without a fault from which the others are derived."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import sys
import threading
from typing import Any, ClassVar

from harmony import driver_kit
from harmony.wire import framing, jsonrpc
from step_definitions import child
from step_definitions.dispatcher import Dispatcher
from step_definitions.library import load

ZOO: dict[str, type[Sound]] = {}
Plain = dict[str, Any]


class Sound:
    """A driver without a fault. Each of the others replaces one thing."""

    finds: ClassVar[tuple[str, ...]] = ()
    """The checks that must find the fault, and no others of those that are run."""
    also: ClassVar[tuple[str, ...]] = ()
    """Checks that are run beside them, which must not."""
    says: ClassVar[str] = ""
    """What the findings must say, among other things."""

    dispatcher_class: ClassVar[type[Dispatcher]] = Dispatcher
    dies_with_parent: ClassVar[bool] = True
    status: ClassVar[int] = 0

    def __init_subclass__(cls) -> None:
        name = re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower()
        ZOO[name] = cls

    def __init__(self) -> None:
        self.dispatcher = self.dispatcher_class(load("zerobuffer"))
        self.out = os.dup(1)
        self.lock = threading.Lock()
        self.decoder: Any = framing.FrameDecoder()
        self.threads: list[threading.Thread] = []

    def identity(self, said: Plain) -> Plain:
        """Return how it introduces itself."""
        return said

    def result(self, verb: str, params: Plain, result: Any) -> Any:
        """Return what it says is the result of a verb."""
        del verb, params
        return result

    def refusal(self, request: jsonrpc.Request, error: jsonrpc.ErrorResponse) -> jsonrpc.Message:
        """Return how it refuses."""
        del request
        return error

    def document(self, request: jsonrpc.Request, document: Plain) -> Plain:
        """Return the answer as it is written."""
        del request
        return document

    def write(self, data: bytes) -> None:
        with self.lock, contextlib.suppress(BrokenPipeError):
            os.write(self.out, data)

    def send(self, request: jsonrpc.Request, message: jsonrpc.Message) -> None:
        document = self.document(request, json.loads(jsonrpc.encode(message)))
        self.write(framing.encode(json.dumps(document).encode()))

    def answer(self, request: jsonrpc.Request) -> jsonrpc.Message:
        message = driver_kit.answer(child.performed_by(self.dispatcher), request)
        if isinstance(message, jsonrpc.ErrorResponse):
            return self.refusal(request, message)
        assert isinstance(message, jsonrpc.Response)
        result = self.result(request.method, params_of(request), message.result)
        return jsonrpc.Response(request.id, self.identity(result) if request.method == "hello" else result)

    def perform(self, request: jsonrpc.Request) -> None:
        self.send(request, self.answer(request))

    def take(self, request: jsonrpc.Request) -> None:
        thread = threading.Thread(target=self.perform, args=(request,), daemon=True)
        thread.start()
        self.threads.append(thread)

    def refuse(self, error: jsonrpc.ErrorResponse) -> None:
        """Answer what cannot be read as a request."""
        self.write(framing.encode(jsonrpc.encode(error)))

    def body(self, body: bytes) -> None:
        message = jsonrpc.decode(body)
        if isinstance(message, jsonrpc.Request):
            self.take(message)
        elif isinstance(message, jsonrpc.Malformed):
            self.refuse(message.error)

    def fault(self, fault: framing.Fault) -> None:
        self.refuse(jsonrpc.ErrorResponse(None, jsonrpc.PARSE_ERROR, fault.detail))

    def read(self, data: bytes) -> None:
        for item in self.decoder.feed(data):
            if isinstance(item, framing.Fault):
                self.fault(item)
            else:
                self.body(item.body)

    def sigterm(self) -> None:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))

    def end(self) -> None:
        self.dispatcher.close()

    def run(self) -> int:
        self.sigterm()
        try:
            while data := os.read(0, 1 << 16):
                self.read(data)
        finally:
            self.end()
        return self.status


def params_of(request: jsonrpc.Request) -> Plain:
    try:
        return dict(jsonrpc.first_object(request.params))
    except jsonrpc.RpcError:
        return {}
