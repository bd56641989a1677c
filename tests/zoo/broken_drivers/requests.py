"""Drivers that keep neither apart nor in time what is asked at once."""

from __future__ import annotations

from typing import Any

from harmony.wire import DRIVER_ERROR, jsonrpc
from tests.zoo.broken_drivers.sound import Plain, Sound, params_of


class Serial(Sound):
    finds = ("requests.at-once", "requests.dump-waiting")
    says = "while read waits, health does not come"

    def take(self, request: jsonrpc.Request) -> None:
        self.perform(request)


class Unhealthy(Sound):
    finds = ("requests.health", "verb.health.passes.true")

    def result(self, verb: str, params: Plain, result: Any) -> Any:
        return None if verb == "health" else result


class NoDump(Sound):
    finds = ("requests.dump", "requests.dump-waiting", "verb.dump.passes.threads")

    def answer(self, request: jsonrpc.Request) -> jsonrpc.Message:
        if request.method == "dump":
            return jsonrpc.ErrorResponse(request.id, jsonrpc.METHOD_NOT_FOUND, "there is no dump")
        return super().answer(request)


class ForgetsRequests(Sound):
    finds = ("requests.dump-waiting",)

    def result(self, verb: str, params: Plain, result: Any) -> Any:
        return {**result, "requests": []} if verb == "dump" else result


class AgelessRequests(Sound):
    finds = ("requests.dump-waiting",)

    def result(self, verb: str, params: Plain, result: Any) -> Any:
        if verb == "dump":
            for request in result["requests"]:
                request["seconds"] = 0.0
        return result


class NoThreads(Sound):
    finds = ("requests.dump", "verb.dump.passes.threads")

    def result(self, verb: str, params: Plain, result: Any) -> Any:
        return {**result, "threads": []} if verb == "dump" else result


class IgnoresDeadlines(Sound):
    finds = ("deadline.read",)
    also = ("deadline.write",)

    def answer(self, request: jsonrpc.Request) -> jsonrpc.Message:
        if request.method == "read":
            request = jsonrpc.Request(request.id, "read", [{**params_of(request), "timeout": 60.0}])
        return super().answer(request)


class GivesUpEarly(Sound):
    finds = ("deadline.read",)
    says = "gave up after"

    def answer(self, request: jsonrpc.Request) -> jsonrpc.Message:
        if request.method == "read":
            request = jsonrpc.Request(request.id, "read", [{**params_of(request), "timeout": 0.0}])
        return super().answer(request)


class WrongCodeOfDeadlines(Sound):
    finds = ("deadline.write",)
    also = ("deadline.read",)

    def refusal(self, request: jsonrpc.Request, error: jsonrpc.ErrorResponse) -> jsonrpc.Message:
        if error.code != DRIVER_ERROR or error.data["code"] != "buffer_full":
            return error
        return jsonrpc.ErrorResponse(error.id, error.code, error.message, {**error.data, "code": "timeout"})
