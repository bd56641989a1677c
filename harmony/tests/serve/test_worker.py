"""The step worker as a process, heard byte by byte."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from harmony.serve.worker import MAX_CONNECTIONS
from peer import INITIALIZE, TOY, WORKERS, Peer, call, environment, frame, step, until

BOUND = 10.0
"""Seconds for what the contract does within one: this machine may be busy."""


@pytest.fixture(scope="module")
def idle() -> Iterator[list[Peer]]:
    peers: list[Peer] = []
    with contextlib.ExitStack() as stack:
        yield peers
        for peer in peers:
            stack.enter_context(peer)


@pytest.fixture
def lasting(idle: list[Peer]) -> Iterator[Peer]:
    """A worker that others have talked to, and others will: whatever a test does, it goes on."""
    with contextlib.ExitStack() as stack:
        peer = stack.enter_context(idle.pop() if idle else Peer())
        yield peer
        assert peer.ask(call(9002, "cleanup"))["result"] is None
        stack.pop_all()
        idle.append(peer)


def test_health_initialize_step_cleanup_shutdown() -> None:
    with Peer() as peer:
        assert peer.ask(call(1, "health", []))["result"] is True
        assert peer.ask(call(2, "initialize", [INITIALIZE]))["result"] is True
        assert peer.ask(step(3, "all processes are ready", 0))["result"] == {
            "success": True,
            "error": None,
            "data": {},
            "context": {},
            "logs": [],
        }
        assert peer.ask(call(4, "cleanup", [])) == {"jsonrpc": "2.0", "id": 4, "result": None}
        assert peer.ask(call(5, "shutdown", [])) == {"jsonrpc": "2.0", "id": 5, "result": None}
        code, seconds = peer.end()
        assert code == 0
        assert seconds < BOUND


@pytest.mark.parametrize("wrap", [lambda o: [o], lambda o: o], ids=["positional", "bare"])
@pytest.mark.parametrize("casing", ["Pascal", "camel", "lower"])
@pytest.mark.parametrize("kind", [1, "1", "When", "WHEN", "when"])
def test_both_parameter_forms_any_casing_any_step_type(
    lasting: Peer, wrap: Callable[[Any], Any], casing: str, kind: Any
) -> None:
    change = {"Pascal": str, "camel": lambda k: k[0].lower() + k[1:], "lower": str.lower}[casing]
    given = {change(k): v for k, v in INITIALIZE.items()} | {"Unknown": 1}
    doing = {change(k): v for k, v in step(0, "it tells its scenario", kind)["params"][0].items()} | {"more": {}}
    assert lasting.ask(call(1, "initialize", wrap(given)))["result"] is True
    data = lasting.ask(call(2, "executeStep", wrap(doing)))["result"]["data"]
    assert data == {"role": "reader", "id": "41_2", "seed": 7}


def test_names_come_from_the_environment_first() -> None:
    with Peer(HARMONY_HOST_PID="5", HARMONY_FEATURE_ID="6") as peer:
        peer.begin()
        assert peer.ask(step(1, "it tells its scenario"))["result"]["data"]["id"] == "5_6"


def test_a_failing_step_is_an_answer_with_its_cause_and_logs(lasting: Peer) -> None:
    lasting.begin()
    answer = lasting.ask(step(1, "it fails with 'no frame'"))
    assert "error" not in answer
    assert answer["result"] == {
        "success": False,
        "error": "no frame",
        "data": {"seen": "no frame"},
        "context": {},
        "logs": [{"timestamp": "2026-01-01T00:00:00Z", "level": 4, "message": "about to fail"}],
    }


@pytest.mark.parametrize("kind", [0, "1", "Then", "AND", "but", "*"])
def test_a_step_of_any_kind_is_taken_and_its_context_goes_back_as_it_came(lasting: Peer, kind: object) -> None:
    context = {"Trace": {"Id": [1, None, "ä"]}}
    lasting.begin()
    for sentence in ("all processes are ready", "it fails with 'no frame'", "the moon is full"):
        assert lasting.ask(step(1, sentence, kind, Context=context))["result"]["context"] == context


def test_an_unknown_kind_of_step_is_refused(lasting: Peer) -> None:
    lasting.begin()
    assert lasting.ask(step(1, "all processes are ready", "perhaps"))["error"]["code"] == -32602


def test_a_missing_step_is_named_as_other_workers_do(lasting: Peer) -> None:
    lasting.begin()
    result = lasting.ask(step(1, "the moon is full"))["result"]
    assert result["success"] is False
    assert result["error"] == "No matching step definition found for: the moon is full"


def test_discover_lists_steps_and_capabilities(lasting: Peer) -> None:
    result = lasting.ask(call(1, "discover", []))["result"]
    assert {"type": "given", "pattern": "all processes are ready"} in result["steps"]
    assert result["capabilities"]["tables"] is True
    assert result["capabilities"]["docStrings"] is True


def test_table_and_doc_string_arrive(lasting: Peer) -> None:
    table = {"headers": ["a", "b"], "rows": [{"a": "1", "b": "2"}, {"a": "3"}]}
    lasting.begin()
    extra = {"Table": table, "DocString": {"content": "text", "mediaType": "json"}}
    data = lasting.ask(step(1, "it tells its table", **extra))["result"]["data"]
    assert data == {"table": [{"a": "1", "b": "2"}, {"a": "3", "b": ""}], "doc": ["text", "json"]}


@pytest.mark.parametrize("how", ["sleeps 4 s", "blocks the loop for 4 s", "blocks a thread for 4 s"])
def test_health_is_answered_during_a_step_and_both_by_id(how: str) -> None:
    with Peer() as peer:
        peer.begin()
        peer.send(step(10, f"it {how}"), call(11, "health"), call(12, "discover"))
        began = time.monotonic()
        assert [peer.receive()["id"], peer.receive()["id"]] == [11, 12]
        assert time.monotonic() - began < 3.8
        last = peer.receive()
        assert last["id"] == 10
        assert last["result"]["success"] is True


@pytest.mark.parametrize("how", ["sleeps 60 s", "blocks a thread for 3 s"])
def test_a_step_beyond_its_time_is_cancelled_and_the_worker_goes_on(how: str) -> None:
    with Peer(toy={"timeout": 0.3}) as peer:
        peer.begin()
        result = peer.ask(step(1, f"it {how}"))["result"]
        assert result["success"] is False
        assert result["error"].startswith("Step execution timeout: ")
        assert result["data"]["timeoutType"] == "STEP_EXECUTION_TIMEOUT"
        assert result["data"]["timeoutMs"] == 300
        assert result["data"]["elapsedMs"] >= 300
        assert peer.ask(step(2, "it tells its scenario"))["result"]["success"] is True
        assert peer.ask(call(3, "cleanup"))["result"] is None


@pytest.mark.parametrize("how", ["refuses to be cancelled", "blocks the loop for 60 s"])
def test_a_step_that_cannot_be_cancelled_is_answered_and_the_worker_is_honestly_dead(how: str, tmp_path: Path) -> None:
    held = tmp_path / "held"
    with Peer(toy={"timeout": 0.3}) as peer:
        peer.begin()
        assert peer.ask(step(1, f"it holds the file '{held}'"))["result"]["success"] is True
        result = peer.ask(step(2, f"it {how}"))["result"]
        assert result["data"]["timeoutType"] == "STEP_EXECUTION_TIMEOUT"
        assert result["data"]["elapsedMs"] >= 300
        assert "toy_worker.py" in result["data"]["stack"]
        assert result["data"]["sections"] == {"toy": "half wound"}
        assert peer.end()[0] == 70
        assert not held.exists()
        assert peer.process.stderr is not None
        assert b"a step hangs" in peer.process.stderr.read()


def test_nothing_but_protocol_on_stdout_whatever_a_step_prints() -> None:
    with Peer() as peer:
        peer.begin()
        peer.send(step(1, "it prints"), step(2, "it reads stdin"))
        assert peer.receive()["result"]["success"] is True
        assert peer.receive()["result"]["data"] == {"stdin": ""}
        assert peer.silence() == b""
        peer.ask(call(3, "shutdown"))
        peer.end()
        assert peer.process.stderr is not None
        errors = peer.process.stderr.read()
        assert all(word in errors for word in (b"print", b"descriptor 1", b"libc", b"child", b"Content-Length: 2"))


def test_a_step_that_exits_or_returns_rubbish_is_still_an_answer(lasting: Peer) -> None:
    lasting.begin()
    assert "tried to end the process" in lasting.ask(step(1, "it exits"))["result"]["error"]
    data = lasting.ask(step(2, "it returns rubbish"))["result"]["data"]
    assert (data["nan"], data["bytes"], data["surrogate"]) == ("nan", "<9 bytes>", "\ud800")
    assert len(data["big"]) < 20_000


BAD = {
    "not JSON": (frame(b"nonsense"), -32700),
    "empty": (frame(b""), -32700),
    "invalid UTF-8": (frame(b'{"jsonrpc":"2.0","id":1,"method":"\xff"}'), -32700),
    "deep": (frame(b"[" * 100_000), -32700),
    "no framing": (b'{"jsonrpc":"2.0","id":1,"method":"health"}\n', -32700),
    "bad length": (b"Content-Length: many\r\n\r\n{}", -32700),
    "negative length": (b"Content-Length: -1\r\n\r\n{}", -32700),
    "too short a length": (b'Content-Length: 5\r\n\r\n{"jsonrpc":"2.0"}', -32700),
    "too long a length": (b'Content-Length: 5000\r\n\r\n{"jsonrpc":"2.0"}', -32700),
    "huge length": (b"Content-Length: 2147483648\r\n\r\n{}", -32600),
    "batch": (frame([call(1, "health")]), -32600),
    "no method": (frame({"jsonrpc": "2.0", "id": 1}), -32600),
    "no version": (frame({"id": 1, "method": "health"}), -32600),
    "unknown method": (frame(call(1, "explode")), -32601),
    "wrong step": (frame(step(1, 5)), -32602),  # type: ignore[arg-type]
    "wrong step type": (frame(step(1, "x", 3)), -32602),
    "step type is a list": (frame(step(1, "x", [])), -32602),
    "missing step": (frame(call(1, "executeStep", [{"Process": "reader", "StepType": 1}])), -32602),
    "missing params": (frame(call(1, "executeStep")), -32602),
    "too many params": (frame(call(1, "executeStep", [{}, {}])), -32602),
    "initialize without role": (frame(call(1, "initialize", [{"HostPid": 1, "FeatureId": 1}])), -32602),
    "initialize with words for numbers": (frame(call(1, "initialize", [{**INITIALIZE, "HostPid": "x"}])), -32602),
    "initialize that raises": (frame(call(1, "initialize", [{**INITIALIZE, "Scenario": "refuse"}])), -32603),
    "table of rubbish": (frame(step(1, "x", Table=5)), -32602),
}


@pytest.mark.parametrize("name", sorted(BAD))
def test_bad_input_gets_its_error_and_the_worker_goes_on(lasting: Peer, name: str) -> None:
    data, code = BAD[name]
    lasting.write(data)
    lasting.send(call(77, "health"))
    answers = [lasting.receive()]
    while answers[-1].get("id") != 77:
        answers.append(lasting.receive())
    if not any("error" in answer for answer in answers):
        answers.append(lasting.receive())
    errors = [answer for answer in answers if "error" in answer]
    # What is left over of a message whose length was too short is rubbish of its own.
    assert [error["error"]["code"] for error in errors] == [code] * (2 if name == "too short a length" else 1)
    assert errors[0]["id"] == (None if code == -32700 or name in {"batch", "huge length"} else 1)
    assert errors[0]["error"]["message"]
    assert next(answer for answer in answers if answer["id"] == 77)["result"] is True


def test_notifications_get_no_answer(lasting: Peer) -> None:
    for method, params in [("health", []), ("explode", []), ("executeStep", [5]), ("initialize", [INITIALIZE])]:
        lasting.send({"jsonrpc": "2.0", "method": method, "params": params})
    lasting.send({"jsonrpc": "2.0", "id": 5, "result": True})
    assert lasting.ask(step(1, "it tells its scenario"))["result"]["success"] is True
    assert lasting.silence() == b""


def test_a_flood_is_held_back_and_answered_in_bounded_memory() -> None:
    count = 3000
    with Peer() as peer:
        peer.begin()
        process = psutil.Process(peer.process.pid)
        before = process.memory_info().rss
        one = step(1, "it sleeps 0 s", Context={"filler": "x" * 20_000})
        peer.send(step(0, "it sleeps 0.5 s"))
        writer = subprocess.Popen(
            [sys.executable, "-c", f"import sys,os;b=sys.stdin.buffer.read();[os.write(1,b) for _ in range({count})]"],
            stdin=subprocess.PIPE,
            stdout=peer.process.stdin,
        )
        assert writer.stdin is not None
        writer.stdin.write(frame(one))
        writer.stdin.close()
        peak = 0
        for number in range(count + 1):
            peer.receive(30)
            if number % 100 == 0:
                peak = max(peak, process.memory_info().rss)
        assert writer.wait(10) == 0
        # All of it would be 60 MB on the wire and several times that as objects.
        assert peak - before < 30 * 2**20


def release(tmp_path: Path, end: str, doing: str, takes: float = 0.0) -> tuple[int, float]:
    held = tmp_path / "held"
    with Peer(toy={"release_takes": takes}) as peer:
        peer.begin()
        assert peer.ask(step(1, f"it holds the file '{held}'"))["result"]["success"] is True
        assert held.exists()
        if doing:
            peer.send(step(2, doing), call(3, "health"))
            assert peer.receive()["id"] == 3
        assert peer.process.stdin is not None
        if end == "eof":
            peer.process.stdin.close()
            peer.process.stdin = None
        else:
            peer.process.send_signal(getattr(signal, end))
        result = peer.end()
        assert not held.exists()
    return result


@pytest.mark.parametrize("doing", ["", "it sleeps 60 s", "it blocks a thread for 60 s", "it blocks the loop for 60 s"])
@pytest.mark.parametrize("end", ["eof", "SIGTERM", "SIGINT"])
def test_the_end_releases_everything_within_a_second(tmp_path: Path, end: str, doing: str) -> None:
    code, seconds = release(tmp_path, end, doing)
    assert code == 0
    assert seconds < BOUND


def test_a_release_has_its_time_although_much_was_lost_on_a_step_that_hangs(tmp_path: Path) -> None:
    assert release(tmp_path, "eof", "it blocks the loop for 60 s", takes=0.3)[0] == 0


def test_a_peer_that_closes_while_its_flood_is_held_back_ends_the_worker() -> None:
    with Peer() as peer:
        peer.begin()
        with contextlib.suppress(BlockingIOError):
            peer.send(*(step(number, "it sleeps 60 s") for number in range(80)))
        assert peer.process.stdin is not None
        peer.process.stdin.close()
        peer.process.stdin = None
        assert peer.end()[0] == 0


def test_a_peer_that_never_reads_does_not_keep_the_worker_alive() -> None:
    with Peer() as peer:
        assert peer.process.stdin is not None
        peer.begin()
        os.set_blocking(peer.process.stdin.fileno(), False)
        message = frame(call(1, "discover")) * 100
        deadline = time.monotonic() + 5
        with contextlib.suppress(BlockingIOError):
            while time.monotonic() < deadline:
                os.write(peer.process.stdin.fileno(), message)
        peer.process.send_signal(signal.SIGTERM)
        code, seconds = peer.end()
        assert (code, seconds < BOUND) == (0, True)


def test_a_vanished_parent_ends_the_worker(tmp_path: Path) -> None:
    """The pipe is kept open by a process that is not the parent: only the parent's end tells."""
    pid_file = tmp_path / "pid"
    go_read, go_write = os.pipe()
    script = (
        "import subprocess, sys, os, time\n"
        f"worker = subprocess.Popen([sys.executable, {str(TOY)!r}], stdin=0, stdout=1)\n"
        f"open({str(pid_file)!r}, 'w').write(str(worker.pid))\n"
        f"os.read({go_read}, 1)\n"
        "os._exit(0)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment(TOY="{}"),
        pass_fds=(go_read,),
    )
    try:
        assert parent.stdin is not None
        assert parent.stdout is not None
        parent.stdin.write(frame(call(1, "health")))
        parent.stdin.flush()
        assert parent.stdout.readline().startswith(b"Content-Length")
        assert until(lambda: pid_file.exists() and pid_file.read_text() != "", 30)
        worker = psutil.Process(int(pid_file.read_text()))
        os.write(go_write, b".")
        parent.wait(30)
        with contextlib.suppress(psutil.NoSuchProcess):
            worker.wait(30)
        assert not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE
    finally:
        parent.kill()
        parent.wait(5)
        for stream in (parent.stdin, parent.stdout):
            if stream is not None:
                stream.close()
        os.close(go_write)
        os.close(go_read)


def test_crash_dies_at_once_and_uncleanly(tmp_path: Path) -> None:
    held = tmp_path / "held"
    with Peer() as peer:
        peer.begin()
        peer.ask(step(1, f"it holds the file '{held}'"))
        peer.send(call(2, "crash", [{"any": "thing"}]))
        assert peer.end()[0] == -signal.SIGKILL
        assert held.exists()


def test_dump_shows_where_a_step_stands() -> None:
    with Peer() as peer:
        peer.begin()
        peer.send(step(1, "it blocks the loop for 5 s"))
        deadline = time.monotonic() + 4
        while "time.sleep" not in (told := peer.ask(call(2, "dump"))["result"])["stacks"]:
            assert time.monotonic() < deadline
        (request,) = told["requests"]
        assert request["verb"] == "it blocks the loop for 5 s"
        assert 0 <= request["seconds"] < 60


def test_requests_before_the_end_of_input_are_answered() -> None:
    data = frame(call(1, "health")) + frame(call(2, "initialize", [INITIALIZE])) + frame(step(3, "it sleeps 0 s"))
    done = subprocess.run(
        [sys.executable, str(TOY)],
        input=data,
        capture_output=True,
        env=environment(TOY="{}"),
        cwd=WORKERS,
        timeout=20,
        check=False,
    )
    assert done.returncode == 0
    assert done.stdout.count(b"Content-Length") == 3


def test_requests_may_come_from_a_file(tmp_path: Path) -> None:
    """A loop cannot wait for a file to be readable."""
    requests = tmp_path / "requests"
    requests.write_bytes(frame(call(1, "health")) + frame(call(2, "discover")))
    with requests.open("rb") as stdin:
        done = subprocess.run(
            [sys.executable, str(TOY)],
            stdin=stdin,
            capture_output=True,
            env=environment(TOY="{}"),
            cwd=WORKERS,
            timeout=60,
            check=False,
        )
    assert (done.returncode, done.stdout.count(b"Content-Length")) == (0, 2)


def test_a_worker_whose_loop_was_blocked_goes_on() -> None:
    """Reading has been taken over by a thread meanwhile, and no request is read twice or lost."""
    with Peer() as peer:
        peer.begin()
        peer.send(step(1, "it blocks the loop for 1 s"), call(2, "health"))
        assert [peer.receive()["id"], peer.receive()["id"]] == [2, 1]
        for number in range(3, 50):
            assert peer.ask(step(number, "it tells its scenario"))["result"]["success"] is True


def connect(path: Path) -> socket.socket:
    deadline = time.monotonic() + 10
    while True:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(10)
        try:
            connection.connect(str(path))
        except OSError:
            connection.close()
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return connection


def talk(connection: socket.socket, message: dict[str, object]) -> dict[str, object]:
    connection.sendall(frame(message))
    data = b""
    while True:
        head, separator, rest = data.partition(b"\r\n\r\n")
        if separator and len(rest) >= int(head.removeprefix(b"Content-Length: ")):
            answer: dict[str, object] = json.loads(rest)
            return answer
        data += connection.recv(65536)


def test_listens_on_a_socket_with_an_actor_for_each_peer(tmp_path: Path) -> None:
    path, held = tmp_path / "w.sock", tmp_path / "held"
    with Peer(toy={"listen": str(path)}) as peer:
        first, second = connect(path), connect(path)
        assert path.stat().st_mode & 0o077 == 0
        for number, connection in enumerate((first, second)):
            talk(connection, call(1, "initialize", [{**INITIALIZE, "HostPid": number}]))
        assert talk(first, step(2, "it tells its scenario"))["result"]["data"]["id"] == "0_2"
        assert talk(second, step(2, "it tells its scenario"))["result"]["data"]["id"] == "1_2"
        talk(first, step(3, f"it holds the file '{held}'"))
        first.close()
        assert until(lambda: not held.exists(), 5)
        assert talk(second, call(4, "health"))["result"] is True
        rival = subprocess.run(
            [sys.executable, str(TOY)],
            env=environment(TOY=json.dumps({"listen": str(path)})),
            capture_output=True,
            timeout=20,
            check=False,
        )
        assert b"another worker listens" in rival.stderr
        peer.process.terminate()
        assert peer.end()[0] == 0
        assert not path.exists()
        second.close()


def test_who_only_holds_a_place_makes_room_and_who_plays_keeps_his(tmp_path: Path) -> None:
    path = tmp_path / "w.sock"
    with Peer(toy={"listen": str(path)}) as peer, contextlib.ExitStack() as stack:
        playing, *idle = [stack.enter_context(connect(path)) for _ in range(MAX_CONNECTIONS)]
        talk(playing, call(1, "initialize", [INITIALIZE]))
        for _ in range(2):  # one place for each who comes
            assert talk(stack.enter_context(connect(path)), call(1, "health"))["result"] is True
        assert talk(playing, step(2, "it tells its scenario"))["result"]["success"] is True
        assert sum(one.recv(1) == b"" for one in idle[:2]) == 2
        assert talk(idle[-1], call(3, "health"))["result"] is True
        peer.process.terminate()
        assert peer.end()[0] == 0


def test_a_stale_socket_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "w.sock"
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(path))
    with Peer(toy={"listen": str(path)}) as peer:
        with connect(path) as connection:
            assert talk(connection, call(1, "shutdown"))["result"] is None
        assert peer.end()[0] == 0
