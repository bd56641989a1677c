"""A driver that is right but for one lie: it stands between the tests and the Python driver, and changes what passes.

`python liar.py LIE COMMAND…`; without a lie (`none`) it passes everything on.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any, Final

from harmony.wire import framing

Message = dict[str, Any]
_CHUNK: Final = 1 << 16
_SET_DEATH_SIGNAL: Final = 1


def _on_result(change: Callable[[Any], Any]) -> Callable[[Message], list[Message]]:
    return lambda answer: [{**answer, "result": change(answer["result"])} if "result" in answer else answer]


def _on_error(**changes: Any) -> Callable[[Message], list[Message]]:
    return lambda answer: [{**answer, "error": {**answer["error"], **changes}} if "error" in answer else answer]


def _in_data(key: str, value: Any) -> Callable[[Message], list[Message]]:
    def change(answer: Message) -> list[Message]:
        data = answer.get("error", {}).get("data")
        return [{**answer, "error": {**answer["error"], "data": {**data, key: value}}} if data else answer]

    return change


def _swapped(result: Any) -> Any:
    if isinstance(result, dict) and "layout" in result:
        fields = result["layout"]["oieb"]["fields"]
        fields["writer_pid"], fields["reader_pid"] = fields["reader_pid"], fields["writer_pid"]
    return result


def _mapped(key: str, change: Callable[[Any], Any]) -> Callable[[Message], list[Message]]:
    return _on_result(lambda result: {**result, key: change(result[key])} if key in _keys(result) else result)


def _keys(result: Any) -> set[str]:
    return set(result) if isinstance(result, dict) else set()


LIES: Final[dict[str, Callable[[Message], list[Message]]]] = {
    "none": lambda answer: [answer],
    "swaps two fields": _on_result(_swapped),
    "claims magic": _mapped("capabilities", lambda known: [*known, "magic"]),
    "adds a key": _on_result(lambda result: {**result, "mood": "fine"} if isinstance(result, dict) else result),
    "counts in floats": _mapped("size", float),
    "makes a wrong digest": _mapped("digest", lambda digest: digest ^ 1),
    "is ill": _on_result(lambda result: False if result is True else result),
    "does nothing": _mapped("requests", lambda requests: [] if isinstance(requests, list) else requests),
    "has no threads": _mapped("threads", lambda _: []),
    "has always just begun": _mapped(
        "requests", lambda known: [{**one, "seconds": 0.0} for one in known] if isinstance(known, list) else known
    ),
    "refuses nothing": lambda answer: [{"jsonrpc": "2.0", "id": answer["id"], "result": 1}],
    "knows only bugs": _on_error(code=-32603),
    "says only no": _on_error(message="no"),
    "has codes of its own": _in_data("code", "oops"),
    "tells no values": _in_data("details", {}),
    "tells what was left": _in_data("details", {"seconds": 0.0}),
    "passes over what is no message": lambda answer: [] if answer["id"] is None else [answer],
    "answers twice": lambda answer: [answer, answer],
    "answers without a version": lambda answer: [{key: value for key, value in answer.items() if key != "jsonrpc"}],
}
"""Made of an answer; those below are made of the process."""
TALKS: Final = "prints to stdout"
ANSWERS_ALL: Final = "answers what wants no answer"
FAILS: Final = "ends with 1"
STAYS: Final = "does not end"
LEAVES: Final = "leaves everything"
EATS: Final = "makes what is announced"


def _messages(stream: int) -> Iterator[Message]:
    decoder = framing.FrameDecoder()
    while data := os.read(stream, _CHUNK):
        for item in decoder.feed(data):
            if isinstance(item, framing.Frame):
                yield json.loads(item.body)


def _pass_on(source: int, lie: str, out: int) -> None:
    change = LIES.get(lie, LIES["none"])
    for answer in _messages(source):
        for changed in change(answer):
            os.write(out, framing.encode(json.dumps(changed).encode()))
        if lie == TALKS:
            os.write(out, b"by the way\n")


def _answer_notifications(items: Iterator[framing.Frame | framing.Fault], out: int) -> None:
    for item in items:
        if isinstance(item, framing.Frame) and "id" not in json.loads(item.body):
            os.write(out, framing.encode(b'{"jsonrpc":"2.0","id":null,"result":true}'))


def main(lie: str, command: list[str]) -> int:
    """Stand between, until stdin ends or SIGTERM comes."""
    ctypes.CDLL(None).prctl(_SET_DEATH_SIGNAL, signal.SIGKILL)
    signal.signal(signal.SIGTERM, lambda *_: os.close(0))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as driver:
        assert driver.stdin is not None
        assert driver.stdout is not None
        listener = threading.Thread(target=_pass_on, args=(driver.stdout.fileno(), lie, 1))
        listener.start()
        requests = framing.FrameDecoder()
        eaten = []
        while data := os.read(0, _CHUNK):
            if lie == EATS and b"%d" % framing.MAX_MESSAGE in data:
                eaten.append(b"\1" * framing.MAX_MESSAGE)
            if lie == ANSWERS_ALL:
                _answer_notifications(requests.feed(data), 1)
            driver.stdin.write(data)
            driver.stdin.flush()
        if lie == LEAVES:
            driver.kill()
        driver.stdin.close()
        driver.wait()
        listener.join()
    if lie == STAYS:
        signal.pause()
    return 1 if lie == FAILS else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
