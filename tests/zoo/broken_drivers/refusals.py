"""Drivers that refuse wrongly, or not."""

from __future__ import annotations

import contextlib
import json
import sys

from harmony.wire import DRIVER_ERROR, jsonrpc
from step_definitions.port import CONTRACT
from tests.zoo.broken_drivers.sound import Sound, params_of


class KnowsEverything(Sound):
    finds = ("errors.unknown-verb",)
    says = "seen the result None, expected error -32601"

    def refusal(self, request: jsonrpc.Request, error: jsonrpc.ErrorResponse) -> jsonrpc.Message:
        return jsonrpc.Response(request.id, None) if error.code == jsonrpc.METHOD_NOT_FOUND else error


class DiesOfBadJson(Sound):
    finds = ("errors.not-json", "errors.not-utf8", "errors.not-a-request")
    says = "exited with code 1\n    cannot parse"

    def refuse(self, error: jsonrpc.ErrorResponse) -> None:
        sys.exit(f"cannot parse: {error.message}")


class SilentOnBadJson(Sound):
    finds = ("errors.not-json", "errors.not-a-request")

    def refuse(self, error: jsonrpc.ErrorResponse) -> None:
        pass


class ReplacesBytes(Sound):
    finds = ("errors.not-utf8",)

    def body(self, body: bytes) -> None:
        super().body(body.decode("utf-8", "replace").encode())


class PerformsBatches(Sound):
    finds = ("errors.not-a-request",)

    def body(self, body: bytes) -> None:
        with contextlib.suppress(ValueError):
            document = json.loads(body)
            if isinstance(document, list) and document:
                body = json.dumps(document[0]).encode()
        super().body(body)


class HasDefaults(Sound):
    finds = ("errors.missing-parameter",)

    def answer(self, request: jsonrpc.Request) -> jsonrpc.Message:
        return super().answer(jsonrpc.Request(request.id, request.method, [{"timeout": 5.0, **params_of(request)}]))


class TakesTextForNumbers(Sound):
    finds = ("errors.ill-typed-parameter", "verb.health.refuses.ill-typed")

    def answer(self, request: jsonrpc.Request) -> jsonrpc.Message:
        params = params_of(request)
        if isinstance(params.get("timeout"), str):
            params["timeout"] = 0.0
        return super().answer(jsonrpc.Request(request.id, request.method, [params]))


class NamesNoKey(Sound):
    finds = ("errors.missing-parameter", "errors.ill-typed-parameter")
    says = "does not name 'timeout'"

    def refusal(self, request: jsonrpc.Request, error: jsonrpc.ErrorResponse) -> jsonrpc.Message:
        invalid = error.code == jsonrpc.INVALID_PARAMS
        return jsonrpc.ErrorResponse(error.id, error.code, "invalid", error.data) if invalid else error


class RefusesExtraKeys(Sound):
    finds = ("errors.extra-key",)

    def answer(self, request: jsonrpc.Request) -> jsonrpc.Message:
        verb = CONTRACT.verbs.get(request.method)
        if verb is not None and (extra := set(params_of(request)) - set(verb.parameters)):
            return jsonrpc.ErrorResponse(request.id, jsonrpc.INVALID_PARAMS, f"unknown: {extra}")
        return super().answer(request)


class ErrorsWithoutData(Sound):
    finds = ("errors.form", "verb.close.refuses.no-such-number")

    def refusal(self, request: jsonrpc.Request, error: jsonrpc.ErrorResponse) -> jsonrpc.Message:
        return jsonrpc.ErrorResponse(error.id, error.code, error.message)


class MakesUpCodes(Sound):
    finds = ("errors.form", "verb.connect.refuses.nothing-there")
    says = "'NOT_FOUND' is no canonical code"

    def refusal(self, request: jsonrpc.Request, error: jsonrpc.ErrorResponse) -> jsonrpc.Message:
        if error.code != DRIVER_ERROR:
            return error
        data = {**error.data, "code": error.data["code"].upper()}
        return jsonrpc.ErrorResponse(error.id, error.code, error.message, data)


class SaysNothingToPeople(Sound):
    finds = ("errors.form",)

    def refusal(self, request: jsonrpc.Request, error: jsonrpc.ErrorResponse) -> jsonrpc.Message:
        return jsonrpc.ErrorResponse(
            error.id, error.code, "" if "no verb" in error.message else error.message, error.data
        )


class TripsOverRefusals(Sound):
    finds = ("errors.form", "verb.read.refuses.no-such-number")

    def refusal(self, request: jsonrpc.Request, error: jsonrpc.ErrorResponse) -> jsonrpc.Message:
        bug = error.code == DRIVER_ERROR
        return jsonrpc.ErrorResponse(error.id, jsonrpc.INTERNAL_ERROR, "oops") if bug else error


class WrongCode(Sound):
    finds = ("verb.close.refuses.no-such-number", "verb.close.refuses.twice")

    def refusal(self, request: jsonrpc.Request, error: jsonrpc.ErrorResponse) -> jsonrpc.Message:
        if error.code != DRIVER_ERROR or error.data["code"] != "closed":
            return error
        return jsonrpc.ErrorResponse(error.id, error.code, error.message, {"code": "not_found", "details": {}})


class WrongDetails(Sound):
    finds = ("verb.read.refuses.sequence",)

    def refusal(self, request: jsonrpc.Request, error: jsonrpc.ErrorResponse) -> jsonrpc.Message:
        if error.code != DRIVER_ERROR:
            return error
        return jsonrpc.ErrorResponse(error.id, error.code, error.message, {"code": error.data["code"], "details": {}})
