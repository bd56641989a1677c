"""A driver of the kettle. Its one argument names what is wrong with it."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from typing import Any

from harmony.wire import framing, jsonrpc

FAULT = sys.argv[1] if len(sys.argv) > 1 else ""
UNDER_WAY: dict[Any, tuple[str, float]] = {}
LAYOUT = {"tank": {"size": 8, "fields": {"cups": [0, 4], "degrees": [4, 4]}}}


def hello() -> dict[str, Any]:
    swapped = {"tank": {"size": 8, "fields": {"cups": [4, 4], "degrees": [0, 4]}}}
    return {
        "protocol": "1.0" if FAULT == "old" else "2.0",
        "language": "python",
        "implementation": "kettle",
        "version": "1",
        "pid": os.getpid(),
        "capabilities": [],
        "layout": swapped if FAULT == "swapped" else {} if FAULT == "no-layout" else LAYOUT,
    }


def perform(verb: str, params: dict[str, Any]) -> Any:
    if verb == "hello":
        return hello()
    if verb == "health":
        return True
    if verb == "dump":
        now = time.monotonic()
        others = [(id_, verb, began) for id_, (verb, began) in [*UNDER_WAY.items()] if verb != "dump"]
        requests = [{"id": id_, "verb": verb, "seconds": now - began} for id_, verb, began in others]
        return {"requests": requests, "threads": [{"name": "stove", "stack": "hot"}]}
    if verb == "pour_out":
        return pour_out()
    if verb != "boil":
        raise jsonrpc.RpcError(jsonrpc.METHOD_NOT_FOUND, f"there is no verb {verb!r}")
    if FAULT == "hangs":
        time.sleep(60)
    if FAULT == "dies":
        complain("out of gas")
        os.kill(os.getpid(), signal.SIGKILL)
    if params["cups"] > 5:
        data: Any = {"code": "dry", "details": {"cups": params["cups"]}}
        data = {"code": "thirsty"} if FAULT == "unknown-code" else None if FAULT == "no-data" else data
        raise jsonrpc.RpcError(-32000, "too many cups", data)
    return ["warm"] if FAULT == "ill-typed" else [20.0, 100.0]


def pour_out() -> None:
    if FAULT == "has-no-spout":
        raise jsonrpc.RpcError(jsonrpc.METHOD_NOT_FOUND, "there is no verb 'pour_out'")
    if FAULT == "hangs-pouring":
        time.sleep(60)
    if FAULT == "spills":
        raise jsonrpc.RpcError(-32000, "the lid is stuck", {"code": "dry"})
    if FAULT == "leaves-a-child" and os.fork() == 0:
        time.sleep(60)


def send(message: jsonrpc.Message) -> None:
    body = jsonrpc.encode(message)
    if FAULT == "more-keys" and isinstance(message, jsonrpc.Response) and isinstance(message.result, dict):
        body = json.dumps({"jsonrpc": "2.0", "id": message.id, "result": {**message.result, "mood": "good"}}).encode()
    os.write(1, framing.encode(body) * (2 if FAULT == "twice" else 1))


def answer(request: jsonrpc.Request) -> None:
    UNDER_WAY[request.id] = (request.method, time.monotonic())
    said: jsonrpc.Response | jsonrpc.ErrorResponse
    try:
        said = jsonrpc.Response(request.id, perform(request.method, dict(jsonrpc.first_object(request.params))))
    except jsonrpc.RpcError as error:
        said = jsonrpc.ErrorResponse(request.id, error.code, error.message, error.data)
    # Before it is answered: whoever hears the answer may ask at once what is under way.
    del UNDER_WAY[request.id]
    send(said)
    if FAULT == "prints":
        os.write(1, b"the water is hot\n")
    if request.method == "boil":
        boiled()
    if request.method == "pour_out" and FAULT == "breaks-when-empty":
        os._exit(4)


def boiled() -> None:
    """End by itself once it has answered, and is idle."""
    match FAULT:
        case "aborts-later":
            time.sleep(0.003)
            complain("the lid is off")
            os.abort()
        case "kills-itself":
            os.kill(os.getpid(), signal.SIGKILL)
        case "leaves":
            os._exit(0)
        case "sanitized":
            complain(f"=={os.getpid()}==ERROR: AddressSanitizer: heap-use-after-free on address 0x602000000010")
        case "grumbles":
            complain("\x1b]0;renamed\x07the lid rattles")
        case "has-a-child-that-grumbles":
            if (child := os.fork()) == 0:
                complain("the child rattles")
                os._exit(0)
            os.waitpid(child, 0)


def complain(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def main() -> None:
    decoder = framing.FrameDecoder()
    answering: list[threading.Thread] = []
    while data := os.read(0, 65536):
        for item in decoder.feed(data):
            message = jsonrpc.decode(item.body) if isinstance(item, framing.Frame) else None
            if isinstance(message, jsonrpc.Request):
                answering.append(threading.Thread(target=answer, args=(message,), daemon=True))
                answering[-1].start()
    if FAULT != "hangs":
        for thread in answering:  # what it does once it has answered it does also where its input ends first
            thread.join(10)
    if FAULT == "stays":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(60)
    if FAULT == "leaks-memory":
        complain("==1==ERROR: LeakSanitizer: detected memory leaks")
    if FAULT == "ends-with-3":
        complain("the bill is open")
        sys.exit(3)
    if FAULT == "segfaults":
        os.kill(os.getpid(), signal.SIGSEGV)


if __name__ == "__main__":
    main()
