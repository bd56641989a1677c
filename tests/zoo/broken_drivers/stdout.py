"""Drivers that say on stdout what is no message, or messages that are no answers."""

from __future__ import annotations

import threading

from harmony.wire import jsonrpc
from tests.zoo.broken_drivers.sound import Plain, Sound


class PrintsAtStart(Sound):
    finds = ("wire.stdout",)
    says = "driver is ready"

    def run(self) -> int:
        self.write(b"driver is ready\n")
        return super().run()


class PrintsInVerbs(Sound):
    finds = ("wire.stdout",)
    also = ("verb.write.passes.one",)

    def perform(self, request: jsonrpc.Request) -> None:
        if request.method == "write":
            self.write(b"[debug] writing\n")
        super().perform(request)


class NeverStopsTalking(Sound):
    finds = ("wire.stdout",)
    says = "la la la"

    def run(self) -> int:
        threading.Thread(target=self.sing, daemon=True).start()
        return super().run()

    def sing(self) -> None:
        while True:
            self.write(b"la la la\n" * 100)


class AnswersTwice(Sound):
    finds = ("wire.answers",)
    says = "a second or late answer"

    def perform(self, request: jsonrpc.Request) -> None:
        message = self.answer(request)
        self.send(request, message)
        if request.method == "dump":
            self.send(request, message)


class WrongIds(Sound):
    finds = ("requests.dump", "wire.answers")
    says = "id 4711, which was never asked"

    def document(self, request: jsonrpc.Request, document: Plain) -> Plain:
        return {**document, "id": 4711} if request.method == "dump" else document


class IdsAsText(Sound):
    finds = ("start.process",)

    def document(self, request: jsonrpc.Request, document: Plain) -> Plain:
        return {**document, "id": str(document["id"])}


class NumbersOnly(Sound):
    finds = ("wire.ids",)

    def document(self, request: jsonrpc.Request, document: Plain) -> Plain:
        return document if isinstance(document["id"], int) else {**document, "id": None}


class ExtraKeysInAnswers(Sound):
    finds = ("wire.answers",)

    def document(self, request: jsonrpc.Request, document: Plain) -> Plain:
        return {**document, "elapsed": 0.1} if request.method == "health" else document


class ResultAndError(Sound):
    finds = ("wire.answers",)

    def document(self, request: jsonrpc.Request, document: Plain) -> Plain:
        return {**document, "error": None} if "result" in document else document
