"""Conversations recorded elsewhere, and our own: both ends hold to them, and a difference is seen."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from harmony.model import Verdict
from harmony.plan.cells import Cell
from harmony.plan.pairing import Pairing
from harmony.platform_settings import Platform
from harmony.process.child import ChildProcess, ProcessSpec
from harmony.run.orchestrator import CellRunner
from harmony.run.pool import WorkerPool
from harmony.run.recording import Exchange, Recording, RecordingError, dump, load, load_all, without_noise
from harmony.run.scenario_run import RunOptions
from harmony.serve.replay import Difference, merged, replay_together
from harmony.spec.gherkin import read_feature
from harmony.wire.link import Link
from peer import INITIALIZE, TOY, WORKERS, Peer, call, environment, step

VECTORS = Path(__file__).with_name("vectors")
FEATURE = """
Feature: As it was recorded
  Background:
    Given the test environment is initialized
    And all processes are ready

  Scenario: 1.1 Simple write and read
    Given the 'reader' process creates buffer 'test-basic' with metadata size '1024' and payload size '10240'
    When the 'writer' process connects to buffer 'test-basic'
    And the 'writer' process writes metadata with size '100'
    And the 'writer' process writes frame with size '1024' and sequence '1'
    Then the 'reader' process should read frame with sequence '1' and size '1024'
    And the 'reader' process should validate frame data
    And the 'reader' process signals space available
"""
DUPLEX = """
Feature: As it was recorded
  Scenario: 13.1 Echo
    Given the 'server' process creates immutable duplex channel 'duplex-basic' with SIZES
    And the 'server' process starts echo handler
    When the 'client' process creates duplex channel client 'duplex-basic'
    And the 'client' process sends request with size '1'
    Then response should match request with size '1'
    When the 'client' process sends request with size '1024'
    Then response should match request with size '1024'
    When the 'client' process sends request with size '102400'
    Then response should match request with size '102400'
""".replace("SIZES", "metadata size '4096' and payload size '1048576'")
CELLS = [
    (number, first, second, roles)
    for number, roles in (("1.1", ("reader", "writer")), ("13.1", ("client", "server")))
    for first, second in itertools.product(("cpp", "python"), repeat=2)
]


def asked_in(file: Path) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    return [entry["message"] for entry in lines if entry["direction"] == "to-worker"]


def noiseless(messages: list[dict[str, Any]]) -> list[Any]:
    return [without_noise(message, ["id", "HostPid", "FeatureId", "TestRunId", "Scenario"]) for message in messages]


@pytest.mark.parametrize(("number", "first", "second", "roles"), CELLS)
def test_our_client_drives_the_recorded_workers_of_others_word_for_word(
    number: str, first: str, second: str, roles: tuple[str, str], tmp_path: Path
) -> None:
    feature = tmp_path / "x.feature"
    feature.write_text(FEATURE if number == "1.1" else DUPLEX)
    files = {role: VECTORS / f"{number}_{first}_{second}_{role}.jsonl" for role in roles}
    played = dict(zip(roles, (first, second), strict=True))
    # One platform entry per role, because each role has a recording of its own.
    parrot = (sys.executable, "-S", str(WORKERS / "parrot.py"))
    platforms = {role: Platform(command=(*parrot, str(files[role]), str(tmp_path / role))) for role in roles}
    pool = WorkerPool(platforms, tmp_path, 1)
    runner = CellRunner(pool, RunOptions(step_timeout=5))
    try:
        cell = Cell(read_feature(feature).scenarios[0], Pairing.of({role: role for role in roles}))
        result = runner.run(cell)
    finally:
        runner.close()
    assert result.verdict is Verdict.PASSED, result.failure
    for role in roles:
        now = json.loads((tmp_path / role).read_text())
        assert now[1]["params"][0].pop("Platform") == role
        then = asked_in(files[role])
        assert then[1]["params"][0].pop("Platform") == played[role]
        # The recorded conversation may end before the scenario does.
        assert noiseless(now)[: len(then)] == noiseless(then)


def toy_recording() -> Recording:
    steps = ["all processes are ready", "it fails with 'no frame'", "the moon is full"]
    results = [
        {"success": True},
        {"Success": False, "Error": "other words"},
        {"success": False, "error": "", "logs": [{"Level": 4, "Message": "[StepRegistry] Step not found: x"}]},
    ]
    exchanges = [
        Exchange("health", [], True),
        Exchange("initialize", [INITIALIZE], True),
        *(
            Exchange("executeStep", step(0, text, 0 if n == 0 else 1)["params"], result)
            for n, (text, result) in enumerate(zip(steps, results, strict=True))
        ),
        Exchange("explode", [], None, {"code": -32601, "message": "in other words"}),
        Exchange("cleanup", [], None),
    ]
    return Recording("reader", "toy", exchanges, "cell", 3)


def replayed(recording: Recording) -> list[str]:
    return [str(difference) for difference in differences(recording)]


def differences(recording: Recording) -> list[Difference]:
    child = ChildProcess(ProcessSpec("toy", [sys.executable, str(TOY)], WORKERS, environment(TOY="{}")))
    link = Link.to_process(child)
    try:
        found = asyncio.run(replay_together([(link, recording)], 10))
    finally:
        link.retire("done")
        child.end()
        link.close()
        child.release()
    return found[recording.role]


def test_a_worker_that_answers_alike_passes() -> None:
    assert replayed(toy_recording()) == []


@pytest.mark.parametrize(
    ("number", "result", "words"),
    [
        (0, False, "health"),
        (3, {"success": True}, "no frame"),
        (4, {"success": False, "error": "x"}, "the moon is full"),
        (6, 5, "cleanup"),
    ],
)
def test_a_worker_that_answers_otherwise_is_shown_where(number: int, result: Any, words: str) -> None:
    recording = toy_recording()
    exchanges = list(recording.exchanges)
    exchanges[number] = dataclasses.replace(exchanges[number], result=result)
    (difference,) = replayed(dataclasses.replace(recording, exchanges=exchanges))
    assert f"exchange {number + 1}, " in difference
    assert words in difference
    assert "--- recorded" in difference


@pytest.mark.parametrize(
    ("number", "then"),
    [
        (2, {"result": {"success": False, "error": "x"}}),
        (2, {"result": {"success": False, "error": "Step execution timeout: 1 ms"}}),
        (2, {"result": {"success": False, "error": "No matching step definition found for: that"}}),
        (2, {"result": None, "error": {"code": -32603, "message": "broken"}}),
        (1, {"result": None, "error": {"code": -32603, "message": "no scenario"}}),
    ],
)
def test_a_success_where_a_failure_was_recorded_is_better_and_no_fault(number: int, then: dict[str, Any]) -> None:
    recording = toy_recording()
    exchanges = list(recording.exchanges)
    exchanges[number] = dataclasses.replace(exchanges[number], **then)
    (difference,) = differences(dataclasses.replace(recording, exchanges=exchanges))
    assert difference.better
    assert str(difference).endswith("better than recorded: failed then, succeeds now")


@pytest.mark.parametrize(
    "then", [{"success": True}, {"success": False, "error": "No matching step definition found for"}]
)
def test_a_failure_is_no_better_than_a_success_or_a_lack(then: dict[str, Any]) -> None:
    recording = toy_recording()
    exchanges = list(recording.exchanges)
    exchanges[3] = dataclasses.replace(exchanges[3], result=then)
    (difference,) = differences(dataclasses.replace(recording, exchanges=exchanges))
    assert not difference.better


def test_yaml_keeps_everything_and_can_be_read(tmp_path: Path) -> None:
    recording = toy_recording()
    file = tmp_path / "r.yaml"
    file.write_text(dump(recording))
    assert "Step: all processes are ready" in file.read_text()
    assert dataclasses.replace(load(file), file=None) == recording


@pytest.mark.parametrize(
    "text", ["", "a: 1", "harmony-recording: 2", "[", "harmony-recording: 1\nexchanges: [{}]", "\x00"]
)
def test_what_is_no_recording_is_said(tmp_path: Path, text: str) -> None:
    (tmp_path / "r.yaml").write_text(text)
    with pytest.raises(RecordingError, match="is no recording"):
        load_all(tmp_path)


def test_nothing_recorded_is_said(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="there are no recordings"):
        load_all(tmp_path)


@pytest.mark.parametrize("at", [(12.5, 13.0), ("1970-01-01T00:00:12.5+00:00", "1970-01-01T00:00:13Z")])
def test_lines_of_others_may_say_when(tmp_path: Path, at: tuple[Any, Any]) -> None:
    asked = {"direction": "to-worker", "at": at[0], "message": call(1, "health")}
    answered = {"direction": "from-worker", "at": at[1], "message": {"jsonrpc": "2.0", "id": 1, "result": True}}
    (tmp_path / "r.jsonl").write_text(f"{json.dumps(asked)}\n{json.dumps(answered)}\n")
    ((exchange,),) = [recording.exchanges for recording in load_all(tmp_path)]
    assert (exchange.at, exchange.seconds, exchange.answered) == (12.5, 0.5, True)


def test_roles_are_merged_by_moment_or_else_by_phase() -> None:
    def one(kind: int, at: float = 0.0) -> Exchange:
        return Exchange("executeStep", step(0, "x", kind)["params"], at=at)

    first, second = Recording("a", "p", [one(0), one(2)]), Recording("b", "p", [one(0), one(1)])
    assert merged([first, second]) == [(0, 0), (1, 0), (1, 1), (0, 1)]
    timed = [Recording("a", "p", [one(1, 5.0)]), Recording("b", "p", [one(2, 4.0)])]
    assert merged(timed) == [(1, 0), (0, 0)]


def serve(file: Path) -> Peer:
    return Peer([sys.executable, "-m", "harmony", "serve", "--replay", str(file)])


def test_serve_plays_a_worker_that_is_not_there(tmp_path: Path) -> None:
    file = tmp_path / "r.yaml"
    file.write_text(dump(toy_recording()))
    with serve(file) as peer:
        peer.begin()
        assert peer.ask(step(1, "all processes are ready", 0))["result"]["success"] is True
        assert peer.ask(step(2, "it fails with 'no frame'"))["result"]["error"] == "other words"
        out_of_order = peer.ask(step(3, "it prints"))["result"]
        assert out_of_order["success"] is False
        assert "the recording goes on with 'the moon is full'" in out_of_order["error"]
        assert "Step not found" in peer.ask(step(4, "the moon is full"))["result"]["error"]
        assert "has ended" in peer.ask(step(5, "it prints"))["result"]["error"]
        peer.begin()
        assert peer.ask(step(6, "all processes are ready", 0))["result"]["success"] is True
        assert peer.ask(call(7, "shutdown"))["result"] is None


def test_a_cell_is_recorded_and_replays(tmp_path: Path) -> None:
    """Record two toys that talk past each other, read the files, hold another toy to them."""
    feature, out = tmp_path / "x.feature", tmp_path / "out"
    feature.write_text(
        "Feature: F\n  Scenario: 1.1 S\n    When the 'a' process sleeps\n    Then the 'b' process fails\n"
    )
    env = {**environment(TOY="{}"), "ZOO_DIR": str(tmp_path)}
    animal = (sys.executable, "-S", str(WORKERS / "animal.py"), "good")
    pool = WorkerPool({"p": Platform(command=animal, environment={"ZOO_DIR": env["ZOO_DIR"]})}, tmp_path, 1)
    runner = CellRunner(pool, RunOptions(), record=out, seed=5)
    try:
        cell = Cell(read_feature(feature).scenarios[0], Pairing.of({"a": "p", "b": "p"}))
        assert runner.run(cell).verdict is Verdict.UNSUPPORTED
    finally:
        runner.close()
    files = sorted(out.iterdir())
    assert [file.name for file in files] == ["1.1_a=p,b=p_.a.yaml", "1.1_a=p,b=p_.b.yaml"]
    document = yaml.safe_load(files[0].read_text())
    assert [entry["method"] for entry in document["exchanges"]] == ["initialize", "executeStep", "cleanup"]
    assert document["exchanges"][1]["params"][0]["Step"] == "the 'a' process sleeps"
    assert document["exchanges"][1]["seconds"] > 0
    assert "HostPid" in document["noise"]
