"""Drivers with one fault each, derived from the Python driver: what `harmony doctor` must find, and by which checks.

python -m tests.zoo.broken_drivers NAME
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import json
import os
import re
import signal
import sys
import threading
import time
from typing import Any, ClassVar

from harmony import framing, jsonrpc
from harmony.contract import DRIVER_ERROR
from step_definitions import child
from step_definitions.desk import Desk
from step_definitions.library import load
from step_definitions.patterns import Payload
from step_definitions.port import CONTRACT, Deed, DriverError

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

    desk_class: ClassVar[type[Desk]] = Desk
    dies_with_parent: ClassVar[bool] = True
    status: ClassVar[int] = 0

    def __init_subclass__(cls) -> None:
        name = re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower()
        ZOO[name] = cls

    def __init__(self) -> None:
        self.desk = self.desk_class(load("zerobuffer"))
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
        message = child.answer(self.desk, request)
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
        self.desk.close()

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


# -- the introduction


class WrongOffset(Sound):
    finds = ("handshake.layout",)
    says = "oieb.payload_free_bytes is at offset 44, expected 40"

    def identity(self, said: Plain) -> Plain:
        said["layout"]["oieb"]["fields"]["payload_free_bytes"] = [44, 8]
        return said


class SwappedFields(Sound):
    finds = ("handshake.layout",)
    says = "oieb.payload_write_pos is at offset 56, expected 48"

    def identity(self, said: Plain) -> Plain:
        fields = said["layout"]["oieb"]["fields"]
        fields["payload_write_pos"], fields["payload_read_pos"] = (
            fields["payload_read_pos"],
            fields["payload_write_pos"],
        )
        return said


class NarrowField(Sound):
    finds = ("handshake.layout",)
    says = "oieb.writer_pid has 4 bytes, expected 8"

    def identity(self, said: Plain) -> Plain:
        said["layout"]["oieb"]["fields"]["writer_pid"] = [80, 4]
        return said


class NoLayout(Sound):
    finds = ("handshake.layout",)
    says = "structure 'oieb' is missing"

    def identity(self, said: Plain) -> Plain:
        return {**said, "layout": {}}


class WrongVersion(Sound):
    finds = ("handshake.version",)
    says = "protocol: seen '2.0', expected '1.0'"

    def identity(self, said: Plain) -> Plain:
        return {**said, "protocol": "2.0"}


class TalksTooMuch(Sound):
    finds = ("handshake.identity", "verb.hello.passes.again")
    says = "motto: the contract knows no such key"

    def identity(self, said: Plain) -> Plain:
        return {**said, "motto": "hello"}


class SomebodyElse(Sound):
    finds = ("handshake.identity",)

    def identity(self, said: Plain) -> Plain:
        return {**said, "pid": os.getppid()}


class ClaimsMagic(Sound):
    finds = ("handshake.capabilities",)
    says = "claims 'magic'"

    def identity(self, said: Plain) -> Plain:
        return {**said, "capabilities": [*said["capabilities"], "magic"]}


class ClaimsTooLittle(Sound):
    finds = ("handshake.capabilities", "errors.unclaimed")

    def identity(self, said: Plain) -> Plain:
        return {**said, "capabilities": ["linux", "points"]}


class Moody(Sound):
    finds = ("verb.hello.passes.again",)
    hellos = itertools.count()

    def identity(self, said: Plain) -> Plain:
        return {**said, "version": f"{next(self.hellos)}"}


class Mute(Sound):
    finds = ("start.process",)
    says = "hello (id 1) was not answered within"

    def send(self, request: jsonrpc.Request, message: jsonrpc.Message) -> None:
        pass


class Stillborn(Sound):
    finds = ("start.process",)
    says = "no such library"

    def run(self) -> int:
        sys.stderr.write("no such library\n")
        return 1


# -- what is said on stdout


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


# -- errors


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
        if verb is not None and (extra := set(params_of(request)) - set(verb.params.model_fields)):
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


# -- requests at once, and deadlines


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


# -- the wire


class OneReadOneMessage(Sound):
    finds = ("wire.pieces", "wire.many")

    def read(self, data: bytes) -> None:
        self.body(data.partition(b"\r\n\r\n")[2])


class OneSpelling(Sound):
    finds = ("wire.headers",)
    buffer = b""

    def read(self, data: bytes) -> None:
        self.buffer += data
        while found := re.match(rb"Content-Length: (\d+)\r\n\r\n", self.buffer):
            end = found.end() + int(found[1])
            if len(self.buffer) < end:
                return
            body, self.buffer = self.buffer[found.end() : end], self.buffer[end:]
            self.body(body)


class CountsCharacters(Sound):
    finds = ("wire.bytes",)
    text = ""

    def read(self, data: bytes) -> None:
        self.text += data.decode()
        while found := re.match(r"Content-Length: (\d+)\r\n\r\n", self.text):
            end = found.end() + int(found[1])
            if len(self.text) < end:
                return
            body, self.text = self.text[found.end() : end], self.text[end:]
            self.body(body.encode())


class SmallBuffer(Sound):
    finds = ("wire.large",)

    def __init__(self) -> None:
        super().__init__()
        self.decoder = framing.FrameDecoder(max_message=1 << 16)


class NoLimit(Sound):
    finds = ("wire.too-large",)
    also = ("wire.headers",)
    buffer = b""

    def read(self, data: bytes) -> None:
        self.buffer += data
        while found := re.search(rb"(?i)content-length: *(\d+)[^{]*?\n\r?\n", self.buffer):
            end = found.end() + int(found[1])
            if len(self.buffer) < end:
                return
            body, self.buffer = self.buffer[found.end() : end], self.buffer[end:]
            self.body(body)


class SwallowsGarbage(Sound):
    finds = ("wire.garbage",)

    def fault(self, fault: framing.Fault) -> None:
        if fault.kind is framing.FaultKind.TOO_LARGE:
            super().fault(fault)


# -- the end


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


class _NeverTakesOver(Desk):
    """Takes whatever is there for somebody's."""

    def _create(self, name: str, metadata: int, payload: int, timeout: float) -> int:
        if os.path.exists(f"/dev/shm/{name}"):  # noqa: PTH110 - as such a library would
            raise DriverError("buffer_in_use", "there is something")
        return super()._create(name, metadata, payload, timeout)


class NeverTakesOver(Sound):
    finds = ("end.killed",)
    also = ("verb.create.passes.objects",)
    desk_class = _NeverTakesOver


# -- verbs


class _KeepsObjects(Desk):
    """Forgets to close."""

    def _close(self, handle: int, timeout: float) -> None:
        self._get(handle, "close")
        self._kept = self._open.pop(handle)


class KeepsObjects(Sound):
    finds = ("verb.close.passes.objects",)
    also = ("verb.close.refuses.twice",)
    desk_class = _KeepsObjects


class _ReusesNumbers(Desk):
    """Gives the lowest number that is free."""

    def _keep(self, thing: Any) -> int:
        number = next(number for number in itertools.count(1) if number not in self._open)
        self._open[number] = thing
        return number


class ReusesNumbers(Sound):
    finds = ("verb.connect.passes.writer",)
    also = ("verb.read.passes.one",)
    desk_class = _ReusesNumbers


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


class _IgnoresMasks(Desk):
    """Makes bytes by the pattern alone."""

    def _write(self, *, payload: Payload, **others: Any) -> Any:
        return super()._write(payload=Payload(payload.pattern, payload.size, payload.sequence, payload.text), **others)


class IgnoresMasks(Sound):
    finds = ("verb.write.passes.recipes",)
    also = ("verb.write.passes.many",)
    desk_class = _IgnoresMasks


class _Waits(Desk):
    """Waits for a reader that is not there."""

    def _connect(self, name: str, timeout: float) -> int:
        deadline = time.monotonic() + timeout
        while True:
            try:
                return super()._connect(name, timeout)
            except Exception:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.01)


class WaitsForReaders(Sound):
    finds = ("verb.connect.refuses.nothing-there",)
    also = ("verb.connect.passes.writer",)
    desk_class = _Waits


class _LooksAlways(Desk):
    """Makes the digest whether it is wanted or not."""

    def _read_many(self, *, look: bool, **others: Any) -> Any:
        del look
        return super()._read_many(look=True, **others)


class LooksAlways(Sound):
    finds = ("verb.read_many.passes.unseen",)
    also = ("verb.read_many.passes.idle",)
    desk_class = _LooksAlways


class _DiesInAnyCase(Desk):
    """Knows one deed."""

    def _arm(self, point: str, passage: int, then: Deed, timeout: float) -> None:
        del then
        super()._arm(point, passage, "die", timeout)


class DiesInAnyCase(Sound):
    finds = ("verb.arm.passes.halts",)
    also = ("verb.arm.passes.dies",)
    desk_class = _DiesInAnyCase


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


class _CountsNoRefusals(Desk):
    """Believes that it has changed the request."""

    def _service(self, handle: int, timeout: float) -> Any:
        return {**super()._service(handle, timeout), "refused_changes": 0}


class CountsNoRefusals(Sound):
    finds = ("verb.service.passes.counts",)
    also = ("verb.handle.passes.handlers",)
    desk_class = _CountsNoRefusals


class TotalTime(Sound):
    finds = ("verb.ping.passes.trips",)

    def result(self, verb: str, params: Plain, result: Any) -> Any:
        return [sum(result)] if verb == "ping" else result


def main(name: str) -> int:
    kind = Sound if name == "sound" else ZOO[name]
    if kind.dies_with_parent:
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    animal = kind()
    os.dup2(2, 1)
    return animal.run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
