"""Drivers whose verbs do something else."""

from __future__ import annotations

import itertools
import time
from typing import Any

from harmony.wire import jsonrpc
from step_definitions.dispatcher import Dispatcher
from step_definitions.handles import Handles
from step_definitions.library import Library
from step_definitions.patterns import Payload
from step_definitions.port import Deed
from tests.zoo.broken_drivers.sound import Plain, Sound

_PATIENCE = 5.0


class _KeepsObjects(Dispatcher):
    """Forgets to close."""

    def _close(self, handle: int) -> None:
        self._kept = self._handles.take(handle, "close")


class KeepsObjects(Sound):
    finds = ("verb.close.passes.objects",)
    also = ("verb.close.refuses.twice",)
    dispatcher_class = _KeepsObjects


class _LowestNumbers(Handles):
    """Gives the lowest number that is free."""

    def add(self, thing: Any) -> int:
        number = next(number for number in itertools.count(1) if number not in self._open)
        self._open[number] = thing
        return number


class _ReusesNumbers(Dispatcher):
    """Gives a number again once it is free."""

    def __init__(self, library: Library) -> None:
        super().__init__(library)
        self._handles = _LowestNumbers()


class ReusesNumbers(Sound):
    finds = ("verb.connect.passes.writer",)
    also = ("verb.read.passes.one",)
    dispatcher_class = _ReusesNumbers


class WrongDigest(Sound):
    finds = ("verb.read.passes.one",)
    says = "digest of frame 1: seen"

    def result(self, verb: str, params: Plain, result: Any) -> Any:
        return {**result, "digest": result["digest"] ^ 1} if verb == "read" else result


class DigestOfBytesAlone(Sound):
    finds = ("verb.write.passes.many", "verb.read_many.passes.until-none")
    also = ("verb.read_many.passes.unseen", "verb.write.passes.one")

    def result(self, verb: str, params: Plain, result: Any) -> Any:
        wrong = verb == "read_many" and params["look"]
        return {**result, "digest": result["digest"] ^ 0xFFFF} if wrong else result


class CountsOneMore(Sound):
    finds = ("verb.write.passes.one", "verb.write.passes.many")
    says = "frames of write: seen 2, expected 1"

    def result(self, verb: str, params: Plain, result: Any) -> Any:
        return {**result, "frames": result["frames"] + 1} if verb == "write" else result


class LosesRuns(Sound):
    finds = ("verb.write.passes.many",)
    also = ("verb.write.passes.one",)

    def result(self, verb: str, params: Plain, result: Any) -> Any:
        return {**result, "runs": result["runs"][:1]} if verb == "write" else result


class CountsInFractions(Sound):
    finds = ("verb.write.passes.one",)
    says = "bytes: Input should be a valid integer"

    def result(self, verb: str, params: Plain, result: Any) -> Any:
        return {**result, "bytes": float(result["bytes"])} if verb == "write" else result


class ExtraKeysInResults(Sound):
    finds = ("verb.read_metadata.passes.content",)

    def result(self, verb: str, params: Plain, result: Any) -> Any:
        return {**result, "text": "…"} if verb == "read_metadata" else result


class MissingKeysInResults(Sound):
    finds = ("verb.service.passes.counts",)

    def result(self, verb: str, params: Plain, result: Any) -> Any:
        return {"requests": result["requests"]} if verb == "service" else result


class CapitalDigits(Sound):
    finds = ("verb.peek.passes.bytes",)

    def result(self, verb: str, params: Plain, result: Any) -> Any:
        return result.upper() if verb == "peek" else result


class _IgnoresMasks(Dispatcher):
    """Makes bytes by the pattern alone."""

    def _write(self, *, payload: Payload, **others: Any) -> Any:
        return super()._write(payload=Payload(payload.pattern, payload.size, payload.sequence, payload.text), **others)


class IgnoresMasks(Sound):
    finds = ("verb.write.passes.recipes",)
    also = ("verb.write.passes.many",)
    dispatcher_class = _IgnoresMasks


class _Waits(Dispatcher):
    """Waits for a reader that is not there."""

    def _connect(self, name: str) -> int:
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                return super()._connect(name)
            except Exception:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.01)


class WaitsForReaders(Sound):
    finds = ("verb.connect.refuses.nothing-there",)
    also = ("verb.connect.passes.writer",)
    dispatcher_class = _Waits


class _LooksAlways(Dispatcher):
    """Makes the digest whether it is wanted or not."""

    def _read_many(self, *, look: bool, **others: Any) -> Any:
        del look
        return super()._read_many(look=True, **others)


class LooksAlways(Sound):
    finds = ("verb.read_many.passes.unseen",)
    also = ("verb.read_many.passes.idle",)
    dispatcher_class = _LooksAlways


class _DiesInAnyCase(Dispatcher):
    """Knows one deed."""

    def _arm(self, point: str, passage: int, then: Deed) -> None:
        del then
        super()._arm(point, passage, "die")


class DiesInAnyCase(Sound):
    finds = ("verb.arm.passes.halts",)
    also = ("verb.arm.passes.dies",)
    dispatcher_class = _DiesInAnyCase


class TakesAnyDeed(Sound):
    finds = ("verb.arm.refuses.unknown-deed",)
    also = ("verb.arm.refuses.ill-typed",)

    def refusal(self, request: jsonrpc.Request, error: jsonrpc.ErrorResponse) -> jsonrpc.Message:
        strange = request.method == "arm" and "then: " in error.message
        return jsonrpc.Response(request.id, None) if strange else error


class ArmsNothing(Sound):
    finds = ("verb.arm.passes.dies", "verb.arm.passes.halts")

    def answer(self, request: jsonrpc.Request) -> jsonrpc.Message:
        return jsonrpc.Response(request.id, None) if request.method == "arm" else super().answer(request)


class _CountsNoRefusals(Dispatcher):
    """Believes that it has changed the request."""

    def _service(self, handle: int) -> Any:
        return {**super()._service(handle), "refused_changes": 0}


class CountsNoRefusals(Sound):
    finds = ("verb.service.passes.counts",)
    also = ("verb.handle.passes.handlers",)
    dispatcher_class = _CountsNoRefusals


class TotalTime(Sound):
    finds = ("verb.ping.passes.trips",)

    def result(self, verb: str, params: Plain, result: Any) -> Any:
        return [sum(result)] if verb == "ping" else result
