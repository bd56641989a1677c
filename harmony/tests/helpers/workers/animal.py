"""A step worker of its own making, good or broken in one named way: `animal.py FAULT`. Independent of harmony."""

from __future__ import annotations

import ctypes
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Message = dict[str, Any]
SHARED = Path(os.environ["ZOO_DIR"])
RUN = "_".join(os.environ.get(name, "") for name in ("HARMONY_HOST_PID", "HARMONY_FEATURE_ID")).strip("_")
SCENARIO: Message = {}
PUTS = re.compile("(?:the|a new) 'writer' process puts '(.+)'")
FINDS = re.compile("the 'reader' process should find '(.+)'")


def send(body: bytes) -> None:
    os.write(1, b"Content-Length: %d\r\n\r\n%b" % (len(body), body))


def answer(request: Message, result: Any) -> None:
    send(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": result}).encode())


def receive() -> Message | None:
    length = 0
    while (line := sys.stdin.buffer.readline()) not in {b"\r\n", b"\n"}:
        if not line:
            return None
        name, _, value = line.partition(b":")
        length = int(value) if name.lower() == b"content-length" else length
    message: Message = json.loads(sys.stdin.buffer.read(length))
    return message


def run() -> str:
    """Return what names end with: as the environment says, or else as the scenario does."""
    return RUN or SCENARIO["TestRunId"]


def step(text: str) -> Message:
    """Do a step properly."""
    put, find = PUTS.fullmatch(text), FINDS.fullmatch(text)
    if put:
        (SHARED / f"{put[1]}_{run()}").write_text(put[1])
    elif find and not (SHARED / f"{find[1]}_{run()}").exists():
        return {"success": False, "error": f"there is no {find[1]}", "logs": []}
    elif not find and text != "all processes are ready":
        return {"success": False, "error": f"No matching step definition found for: {text}", "logs": []}
    return {"success": True, "error": None, "context": {}, "logs": []}


def good(request: Message) -> None:
    match request["method"]:
        case "health":
            answer(request, result=True)
        case "initialize":
            SCENARIO.update(request["params"][0])
            answer(request, result=True)
        case "discover":
            answer(request, {"steps": [{"type": "given", "pattern": "all processes are ready"}]})
        case "executeStep":
            answer(request, step(request["params"][0]["Step"]))
        case "cleanup":
            for path in SHARED.glob(f"*_{run()}"):
                path.unlink(missing_ok=True)
            answer(request, None)
        case "shutdown":
            answer(request, None)
            sys.exit(0)
        case other:
            error = {"code": -32601, "message": f"Method not found: {other}"}
            send(json.dumps({"jsonrpc": "2.0", "id": request["id"], "error": error}).encode())


def on(method: str, instead: Callable[[Message], None], word: str = "") -> Callable[[Message], None]:
    """Return a worker that is good but for one method (and one word in its sentence)."""

    def worker(request: Message) -> None:
        if request["method"] == method and word in json.dumps(request["params"]):
            instead(request)
        else:
            good(request)

    return worker


def puts(instead: Callable[[Message], None]) -> Callable[[Message], None]:
    return on("executeStep", instead, " puts ")


def then(first: Callable[[], Any]) -> Callable[[Message], None]:
    """Do something bad first, then the right thing."""

    def instead(request: Message) -> None:
        first()
        good(request)

    return instead


def raw(data: bytes) -> Callable[[Message], None]:
    return lambda _: void(os.write(1, data))


def replied(result: Any = None) -> Callable[[Message], None]:
    return lambda request: answer(request, result)


def both(request: Message, *parts: Callable[[Message], Any]) -> None:
    for part in parts:
        part(request)


def void(_: Any) -> None:
    return None


def fork(*, daemon: bool) -> None:
    subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(600)"], start_new_session=daemon)


def hide(*, orphan: bool) -> None:
    """Leave a process that nothing but its descent gives away: no environment, no descriptor, a session of its own."""
    sleeper = [sys.executable, "-S", "-c", "import time; time.sleep(600)"]
    quiet = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
    if not orphan:
        subprocess.Popen(sleeper, env={}, start_new_session=True, **quiet)
    elif (child := os.fork()) == 0:
        os.setsid()
        subprocess.Popen(sleeper, env={}, **quiet)
        os._exit(0)
    else:
        os.waitpid(child, 0)


def die(number: int) -> None:
    if number == signal.SIGSEGV:
        ctypes.string_at(0)
    os.kill(os.getpid(), number)


def last_words() -> None:
    sys.stderr.write("fatal: the ring is broken\n")
    sys.stderr.flush()
    os.abort()


def grumble(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def later(end: Callable[[], Any]) -> Callable[[Message], None]:
    """Do the right thing, and end by itself 3 ms after the answer."""

    def instead(request: Message) -> None:
        good(request)
        time.sleep(0.003)
        end()

    return instead


def stubborn(request: Message) -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    if request["method"] == "shutdown":
        answer(request, None)
        while True:
            time.sleep(600)
    good(request)


def forgets_cleanup(request: Message) -> None:
    if request["method"] == "cleanup":
        answer(request, None)
    else:
        good(request)


def liar(request: Message) -> None:
    """Announce everything, and know nothing."""
    if request["method"] == "discover":
        answer(request, {"Steps": [{"Type": "When", "Pattern": "the '([^']+)' process puts '([^']+)'"}]})
    else:
        puts(replied({"success": False, "error": "No matching step definition found for: that", "logs": []}))(request)


CPP_FAILURE = {
    "success": False,
    "error": "Step execution failed",
    "Context": {},
    "data": {},
    "logs": [
        {"Timestamp": "t", "Level": 2, "Message": "writing"},
        {"Timestamp": "t", "Level": 4, "Message": "payload too small"},
        {"Timestamp": "t", "Level": 1, "Message": "unwinding"},
    ],
}
TIMEOUT = {"timeoutType": "STEP_EXECUTION_TIMEOUT", "timeoutMs": 100, "elapsedMs": 101}
TIMED_OUT = {"Success": False, "Error": "Step execution timeout: 100 ms", "Data": TIMEOUT, "Logs": None}
MISSING = {"success": False, "error": "x", "logs": [{"Level": 4, "Message": "[StepRegistry] Step not found: that"}]}

CSHARP_MISSING = {"Success": False, "Error": "No step definition was found for that", "Context": {}, "Logs": []}

HOSTILE = "half \ud800, \x1b]0;renamed\x07\x1b[2J [/tmp] \u202egnp.exe"
HOSTILE_FAILURE = {"success": False, "error": HOSTILE, "logs": [{"Level": 4, "Message": HOSTILE}], "data": {HOSTILE: 1}}


ZOO: dict[str, Callable[[Message], None]] = {
    "good": good,
    "late": puts(then(lambda: time.sleep(4))),
    "never": puts(lambda _: grumble("an apple, or a pear?")),
    "twice": puts(lambda request: both(request, good, good)),
    "wrong-id": puts(lambda request: answer({"id": 4711}, step(request["params"][0]["Step"]))),
    "text-id": puts(lambda request: answer({"id": str(request["id"])}, step(request["params"][0]["Step"]))),
    "half-a-frame": puts(raw(b'Content-Length: 100\r\n\r\n{"jsonrpc"')),
    "half-a-frame-and-exit": puts(lambda r: both(r, raw(b"Content-Length: 100\r\n\r\n{"), lambda _: os._exit(0))),
    "garbage-instead": puts(raw(b"DEBUG writing frame\n")),
    "garbage-before": puts(then(lambda: os.write(1, b"DEBUG writing frame\n"))),
    "two-gigabytes": puts(raw(b"Content-Length: 2147483648\r\n\r\n{}")),
    "no-length": puts(raw(b"Content-Type: json\r\n\r\n{}")),
    "not-json": puts(lambda _: send(b"{success: true}")),
    "not-utf8": puts(lambda _: send(b'{"jsonrpc":"2.0","id":1,"result":"\xff"}')),
    "deep": puts(lambda _: send(b"[" * 100000)),
    "other-version": puts(lambda request: send(b'{"jsonrpc":"1.0","id":%d,"result":true}' % request["id"])),
    "batch": puts(lambda request: send(b'[{"jsonrpc":"2.0","id":%d,"result":true}]' % request["id"])),
    "exit-0": puts(lambda _: sys.exit(0)),
    "exit-3": puts(lambda _: sys.exit(3)),
    "killed": puts(lambda _: die(signal.SIGKILL)),
    "segfault": puts(lambda _: die(signal.SIGSEGV)),
    "last-words": puts(lambda _: last_words()),
    "closes-stdout": puts(lambda _: os.close(1)),
    "leaves-a-child": puts(then(lambda: fork(daemon=False))),
    "leaves-a-daemon": puts(then(lambda: fork(daemon=True))),
    "hides-a-child": puts(then(lambda: hide(orphan=False))),
    "hides-a-daemon": puts(then(lambda: hide(orphan=True))),
    "hides-a-child-and-dies": puts(lambda r: both(r, lambda _: hide(orphan=False), lambda _: os._exit(1))),
    "does-not-reap": puts(then(lambda: os.waitid(os.P_PID, os.fork() or os._exit(0), os.WEXITED | os.WNOWAIT))),
    "child-holds-the-pipes": puts(lambda r: both(r, lambda _: fork(daemon=True), lambda _: os._exit(1))),
    "stubborn": stubborn,
    "floods-stderr": puts(then(lambda: [os.write(2, b"x" * 65536 + b"\n") for _ in range(400)])),
    "claims-too-much": liar,
    "lacks-it": puts(replied({"success": False, "error": "No matching step definition found for: that", "logs": []})),
    "lacks-it-in-cpp": puts(replied(MISSING)),
    "lacks-it-in-csharp": puts(replied(CSHARP_MISSING)),
    "leaks": forgets_cleanup,
    "success-without-doing": puts(replied({"success": True, "error": None, "logs": []})),
    "success-is-text": puts(replied({"success": "true", "logs": []})),
    "no-success": puts(replied({"error": None})),
    "null": puts(replied(None)),
    "fails-like-cpp": puts(replied(CPP_FAILURE)),
    "half-a-character": puts(replied(HOSTILE_FAILURE)),
    "endless-error": puts(replied({"success": False, "error": "begin" + "x" * (20 << 20) + "end", "logs": []})),
    "times-out-by-itself": puts(replied(TIMED_OUT)),
    "rpc-error": puts(lambda r: send(b'{"jsonrpc":"2.0","id":%d,"error":{"code":-32603,"message":"oh"}}' % r["id"])),
    "parse-error": puts(lambda _: send(b'{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"what?"}}')),
    "asks-back-with-an-escape": puts(then(lambda: send(b'{"jsonrpc":"2.0","id":1,"method":"\\u001b]0;renamed"}'))),
    "asks-back": puts(then(lambda: send(b'{"jsonrpc":"2.0","id":1,"method":"health"}'))),
    "unhealthy": on("health", replied(result=False)),
    "never-ready": on("health", void),
    "dies-at-once": on("health", lambda _: sys.exit(9)),
    "refuses-initialize": on(
        "initialize", lambda r: send(b'{"jsonrpc":"2.0","id":%d,"error":{"code":-32602,"message":"no"}}' % r["id"])
    ),
    "initialize-false": on("initialize", replied(result=False)),
    "dies-at-initialize": on("initialize", lambda _: os._exit(5)),
    "discover-rubbish": on("discover", replied({"steps": "all"})),
    "cleanup-fails": on(
        "cleanup", lambda r: send(b'{"jsonrpc":"2.0","id":%d,"error":{"code":-32603,"message":"stuck"}}' % r["id"])
    ),
    "cleanup-hangs": on("cleanup", void),
    "cleanup-crashes": on("cleanup", lambda _: die(signal.SIGKILL)),
    "aborts-when-idle": puts(later(last_words)),
    "leaves-when-idle": puts(later(lambda: os._exit(0))),
    "aborts-after-cleanup": on("cleanup", later(last_words)),
    "exit-1-after-cleanup": on("cleanup", later(lambda: os._exit(1))),
    "leaves-after-cleanup": on("cleanup", later(lambda: os._exit(0))),
    "segfaults-at-shutdown": on("shutdown", lambda r: both(r, replied(), lambda _: die(signal.SIGSEGV))),
    "exit-3-at-shutdown": on("shutdown", lambda r: both(r, replied(), lambda _: os._exit(3))),
    "reports-a-leak-at-shutdown": on("shutdown", then(lambda: grumble("ERROR: LeakSanitizer: 1 byte"))),
    "ends-with-its-input": on("shutdown", lambda request: good({**request, "method": "unknown"})),
}


def main() -> None:
    worker = ZOO[sys.argv[1]]
    while (request := receive()) is not None:
        worker(request)
    if worker is stubborn:
        time.sleep(600)


if __name__ == "__main__":
    main()
