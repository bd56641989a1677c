"""Drivers that end wrongly, or not at all, or leave things behind."""

from __future__ import annotations

import os
import signal
import time

from harmony.wire import jsonrpc
from step_definitions.dispatcher import Dispatcher
from step_definitions.port import DriverError
from tests.zoo.broken_drivers.sound import Sound


class IgnoresClosedStdin(Sound):
    finds = ("end.stdin",)
    says = "still running, expected an end within a second"

    def end(self) -> None:
        while True:
            time.sleep(60)


class IgnoresSigterm(Sound):
    finds = ("end.sigterm",)
    also = ("end.stdin",)

    def sigterm(self) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)


class WrongStatus(Sound):
    finds = ("end.stdin",)
    says = "exited with code 3, expected an exit with code 0"
    also = ("end.sigterm",)
    status = 3


class LeavesObjects(Sound):
    finds = ("end.stdin", "end.nothing-left")
    says = "after its stdin was closed there is still /dev/shm/held_"

    def end(self) -> None:
        os._exit(0)


class WaitsForItsVerbs(Sound):
    finds = ("end.stdin-waiting",)
    also = ("end.stdin",)

    def end(self) -> None:
        for thread in self.threads:
            thread.join()
        super().end()


class OutlivesItsParent(Sound):
    finds = ("end.parent",)
    dies_with_parent = False


class HasJustBegun(Sound):
    finds = ("errors.missing-parameter", "errors.ill-typed-parameter", "requests.at-once", "verb.connect.passes.writer")
    says = "it has not got the verbs create, connect, close"

    def answer(self, request: jsonrpc.Request) -> jsonrpc.Message:
        if request.method in {"hello", "health", "dump"}:
            return super().answer(request)
        return jsonrpc.ErrorResponse(request.id, jsonrpc.METHOD_NOT_FOUND, "not yet")


class Segfaults(Sound):
    finds = ("verb.read.passes.one",)
    also = ("verb.write.passes.one",)
    says = "was killed by SIGSEGV"

    def answer(self, request: jsonrpc.Request) -> jsonrpc.Message:
        if request.method == "read":
            os.kill(os.getpid(), signal.SIGSEGV)
        return super().answer(request)


class Hangs(Sound):
    finds = ("verb.close.passes.objects",)
    also = ("verb.write.passes.one",)
    says = "was not answered within"

    def answer(self, request: jsonrpc.Request) -> jsonrpc.Message:
        if request.method == "close":
            time.sleep(60)
        return super().answer(request)


class Pretends(Sound):
    finds = ("verb.create.passes.objects",)
    also = ("verb.create.refuses.invalid-name",)
    says = "objects: seen []"

    def answer(self, request: jsonrpc.Request) -> jsonrpc.Message:
        message = super().answer(request)
        if request.method == "create" and isinstance(message, jsonrpc.Response):
            super().answer(jsonrpc.Request(request.id, "close", [{"handle": message.result, "timeout": 1.0}]))
        return message


class _NeverTakesOver(Dispatcher):
    """Takes whatever is there for somebody's."""

    def _create(self, name: str, metadata: int, payload: int) -> int:
        if os.path.exists(f"/dev/shm/{name}"):  # noqa: PTH110 - as such a library would
            raise DriverError("buffer_in_use", "there is something")
        return super()._create(name, metadata, payload)


class NeverTakesOver(Sound):
    finds = ("end.killed",)
    also = ("verb.create.passes.objects",)
    dispatcher_class = _NeverTakesOver
