"""The scenarios of the field under its orchestrator, each role a `harmony serve`; and that each sentence looks."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import pytest

from harmony.run.run_id import RunId
from step_definitions.observer import HEADER, BufferView, objects_of_run
from tests.harmony.orchestrator import FEATURE_ID, ROOT, Message, Worker, lines_of, play, results
from zerobuffer import Reader, Writer

VECTORS: Final = ROOT / "tests" / "vectors" / "rpc"
SCENARIOS: Final = (
    *(f"1.{n}" for n in range(1, 8)),
    *("2.1", "2.2", "2.4", "3.1", "3.2", "3.3"),
    *("4.1", "4.2", "4.3", "4.4", "4.5", "4.10"),
    *("13.1", "13.2", "13.3", "13.4", "13.8"),
)
"""The scenarios of the field that a worker of this project completes."""
TYPES: Final = ("Given", "When", "Then")
ROLES: Final = ("reader", "writer")


@pytest.fixture
def host_pid() -> Iterator[int]:
    """A number that no other run has; nothing of its name may be left."""
    run_id = RunId.new(FEATURE_ID)
    yield run_id.host_pid
    for name in objects_of_run(f"_{run_id}"):
        Path(name).unlink()


def files_of(number: str) -> list[Path]:
    return sorted(VECTORS.glob(f"{number}_*.jsonl"))


def test_every_recording_is_played() -> None:
    assert {file.name.partition("_")[0] for file in VECTORS.iterdir()} == set(SCENARIOS)


@pytest.mark.parametrize("number", SCENARIOS)
def test_a_scenario_of_the_field_completes_as_recorded(number: str, host_pid: int) -> None:
    recorded = lines_of(files_of(number))
    seen = results(play(recorded, host_pid))
    assert seen == results(recorded)
    assert all(result is True or result is None for _, _, result in seen), seen


@pytest.mark.parametrize("number", ["1.2", "4.3", "13.8"])
def test_steps_by_name_and_by_conjunction_and_with_a_context(number: str, host_pid: int) -> None:
    context = {"Trace": {"Id": [1, None, "x"]}, "note": "\u00e4"}
    last: dict[str, int] = {}

    def said(message: Message) -> Message:
        if message.get("method") != "executeStep":
            return message
        (params,) = message["params"]
        kind = params["StepType"]
        again = last.get(params["Process"]) == kind
        last[params["Process"]] = kind
        name = ("And", "But")[message["id"] % 2] if again else TYPES[kind]
        return {**message, "params": [{**params, "StepType": name, "Context": context}]}

    recorded = lines_of(files_of(number))
    spoken = play(recorded, host_pid, said)
    assert results(spoken) == results(recorded)
    answers = [line.message["result"] for line in spoken if line.direction == "from-worker"]
    assert [one["context"] for one in answers if isinstance(one, dict)] == [context] * sum(
        line.message.get("method") == "executeStep" for line in recorded
    )


class Told:
    """A worker that plays all roles of a scenario, and what it answers to sentences."""

    def __init__(self, worker: Worker, host_pid: int) -> None:
        self._worker = worker
        self._ids = itertools.count(1)
        self._suffix = f"_{host_pid}_{FEATURE_ID}"

    def name(self, base: str = "b") -> str:
        return base + self._suffix

    def view(self, base: str = "b") -> BufferView:
        return BufferView(self.name(base))

    def ask(self, method: str, *params: Message) -> object:
        message = {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": list(params)}
        self._worker.send(message)
        answer = self._worker.receive()
        assert answer["id"] == message["id"]
        return answer["result"]

    def tell(self, sentence: str) -> str:
        """Return why the step failed; nothing if it did not."""
        words = {"Process": "reader", "StepType": "and", "Step": sentence, "IsBroadcast": False}
        result = self.ask("executeStep", {**words, "Parameters": {}, "Context": {}})
        assert isinstance(result, dict)
        return "" if result["success"] else str(result["error"])

    def do(self, *sentences: str) -> None:
        for sentence in sentences:
            assert self.tell(sentence) == "", sentence


@pytest.fixture(scope="module")
def process() -> Iterator[tuple[Worker, int]]:
    number = RunId.new(FEATURE_ID).host_pid
    with Worker(number) as worker:
        yield worker, number


@pytest.fixture
def told(process: tuple[Worker, int]) -> Iterator[Told]:
    one = Told(*process)
    names = {"HostPid": process[1], "FeatureId": FEATURE_ID, "TestRunId": f"{process[1]}_{FEATURE_ID}"}
    assert one.ask("initialize", {"Role": "solo", "Platform": "python", "Scenario": "s", **names}) is True
    yield one
    assert one.ask("cleanup") is None
    assert objects_of_run(f"_{process[1]}_{FEATURE_ID}") == []


CREATE: Final = "the 'reader' process creates buffer 'b' with metadata size '0' and payload size '10240'"
CONNECT: Final = "the 'writer' process connects to buffer 'b'"


def frame(size: int, sequence: int) -> bytes:
    return bytes((index + sequence) % 256 for index in range(size))


def simple(size: int) -> bytes:
    return bytes(index % 256 for index in range(size))


@pytest.mark.parametrize(
    ("sentences", "contents"),
    [
        (["writes frame with size '300'"] * 2, [simple(300)] * 2),
        (["writes frame with size '300' and sequence '1'"], [frame(300, 1)]),
        (["writes frame with sequence '1'"], [frame(1024, 1)]),
        (
            [
                "writes frame with size '10'",
                "requests zero-copy frame of size '300'",
                "fills zero-copy buffer with test pattern",
                "commits zero-copy frame",
            ],
            [simple(10), frame(300, 2)],
        ),
        (["writes frames without metadata"], [b"frame_0", b"frame_1", b"frame_2"]),
        (["writes frame without metadata"], [b"no_metadata_frame"]),
        (["writes single byte frame"], [b"\x42"]),
        (["writes '2' frames rapidly without reader consuming"], [b"rapid_frame_0", b"rapid_frame_1"]),
        (["writes large frame using '90%' of buffer"], [simple(9200)]),
    ],
)
def test_bytes_that_foreign_readers_compare(told: Told, sentences: Sequence[str], contents: Sequence[bytes]) -> None:
    end = written(told, sentences, contents)
    assert told.view().frame_header(end) == (0, 0)


def test_a_writer_that_writes_on_numbers_its_frames(told: Told) -> None:
    # It has begun before it hears how many are enough: there may be more.
    sentences = ["writes continuously at high speed", "the test runs for '3' frames"]
    written(told, sentences, [number.to_bytes(4, "little") + bytes(96) for number in range(3)])


def written(told: Told, sentences: Sequence[str], contents: Sequence[bytes]) -> int:
    """Say the sentences, compare the frames in the memory, and return where they end."""
    told.do(CREATE, CONNECT)
    for sentence in sentences:
        told.do(f"the 'writer' process {sentence}")
    position = 0
    for sequence, content in enumerate(contents, start=1):
        assert told.view().frame_header(position) == (len(content), sequence)
        assert told.view().payload(position + HEADER.size, len(content)) == content
        position += HEADER.size + len(content)
    return position


@pytest.mark.parametrize(
    ("contents", "sentences"),
    [
        ([simple(300), simple(20)], ["should read 2 frames with sizes '300,20' in order"]),
        ([frame(300, 1)], ["should read frame with size '300'", "should verify frame data matches test pattern"]),
        ([frame(300, 1)], ["should read frame with size '300'", "should validate frame data"]),
        ([b"frame_0", b"frame_1", b"frame_2"], ["should read frames successfully"]),
        ([b"no_metadata_frame"], ["should verify system works correctly without metadata"]),
        (
            [b"rapid_frame_0", b"rapid_frame_1"],
            ["wakes and processes all frames", "all frames should be read correctly"],
        ),
        (
            [number.to_bytes(4, "little") + bytes(96) for number in range(5)],
            [
                "reads with '0' ms delay per frame",
                "the test runs for '5' frames",
                "should receive all frames without loss",
            ],
        ),
    ],
)
@pytest.mark.parametrize("wrong", [False, True], ids=["right", "wrong"])
def test_bytes_of_foreign_writers_are_compared(
    told: Told, contents: Sequence[bytes], sentences: Sequence[str], wrong: bool
) -> None:
    told.do(CREATE)
    with Writer(told.name()) as writer:
        for content in contents:
            writer.write_frame(content)
        if wrong:
            last = told.view().field("payload_write_pos") - 1
            told.view().write_payload(last, bytes([contents[-1][-1] ^ 1]))
        *before, last_sentence = [f"the 'reader' process {sentence}" for sentence in sentences]
        told.do(*before)
        assert bool(told.tell(last_sentence)) is wrong


def test_a_fast_writer_closes_after_its_last_frame(told: Told) -> None:
    with Reader(told.name()) as reader:
        told.do(CONNECT, "the 'writer' process writes '3' frames of size '100' as fast as possible")
        for _ in range(3):
            reader.read_frame(timeout=30).release()
        deadline = time.monotonic() + 30
        while told.view().field("writer_pid") and time.monotonic() < deadline:
            time.sleep(0.01)
        assert told.view().field("writer_pid") == 0


def nothing(told: Told) -> None:
    del told


def one_read(told: Told) -> None:
    told.do("the 'reader' process reads one frame")


def written_over(told: Told) -> None:
    told.view().write_payload(500, b"\xff")


def metadata_changed(told: Told) -> None:
    told.view().write(128 + 8 + 3, b"\xff")


def talk_changed(end: str) -> Callable[[Told], None]:
    return lambda told: BufferView(f"{told.name()}_{end}").write_payload(HEADER.size + 7, b"\x00")


WITH_METADATA: Final = CREATE.replace("metadata size '0'", "metadata size '1024'")
TALK: Final = [
    "the 'server' process creates immutable duplex channel 'b' with default config",
    "the 'server' process starts handler that implements XOR with key '0xFF'",
    "the 'client' process creates duplex channel client 'b'",
    "the 'client' process sends '1000' byte frame with test pattern",
    "response should contain XOR transformed data",
]


@pytest.mark.parametrize(
    ("before", "harm", "sentence", "says"),
    [
        (
            [CREATE, "a second 'writer' process attempts to connect to buffer 'b'"],
            nothing,
            "the connection should fail with writer exists error",
            "succeeded",
        ),
        (
            [CREATE, CONNECT],
            nothing,
            "the 'reader' process should timeout or detect writer death on next read",
            "timeout",
        ),
        ([CREATE, CONNECT], nothing, "the 'writer' process should detect reader death on next write", "succeeded"),
        (
            [WITH_METADATA, CONNECT, "the 'writer' process attempts to write metadata with size '9'"],
            nothing,
            "the 'writer' process verifies the metadata write should fail with size error",
            "succeeded",
        ),
        (
            [WITH_METADATA, CONNECT, "the 'writer' process writes metadata with size '500'"],
            metadata_changed,
            "the 'reader' process verifies the original metadata should remain unchanged",
            "digest",
        ),
        (
            [WITH_METADATA, CONNECT, "the 'writer' process attempts to write metadata again with size '9'"],
            nothing,
            "the 'writer' process verifies the second metadata write should fail",
            "succeeded",
        ),
        (
            [WITH_METADATA, CONNECT, "the 'writer' process writes metadata with size '5'"],
            nothing,
            "the 'reader' process verifies the system should work without metadata",
            "succeeded",
        ),
        (
            [
                CREATE,
                CONNECT,
                "the 'writer' process writes large frame using '90%' of buffer",
                "the 'writer' process attempts to write large frame again",
            ],
            written_over,
            "the 'writer' process proper wrap-around handling should occur",
            "written to",
        ),
        ([CREATE, CONNECT], nothing, "the 'writer' process no deadlocks should happen", "nothing has been started"),
        (
            [CREATE, CONNECT, "the 'writer' process writes '3' frames rapidly without reader consuming"],
            one_read,
            "the 'writer' process the semaphore count should represent pending frames",
            "semaphore",
        ),
        ([CREATE, CONNECT], nothing, "the 'reader' process wakes and processes all frames", "not one frame"),
        (
            [CREATE, CONNECT, "the 'writer' process writes frame with size '10'"],
            nothing,
            "the 'reader' process the coalesced signals should be handled properly",
            "semaphore",
        ),
        ([CREATE, CONNECT], nothing, "the 'writer' process should verify write succeeded", "no frame"),
        (
            [CREATE, CONNECT, "the 'writer' process writes single byte frame"],
            lambda told: told.view().write_payload(HEADER.size, b"\x43"),
            "the 'writer' process should verify write succeeded",
            "bytes in memory",
        ),
        (
            [CREATE, CONNECT, "the 'writer' process attempts to write '49' byte frame"],
            nothing,
            "the 'writer' process should receive FrameTooLargeException",
            "succeeded",
        ),
        (
            [
                # So large that it is not full before the writer hears how much is enough.
                "the 'reader' process creates buffer 'b' with metadata size '0' and payload size '67108864'",
                CONNECT,
                "the 'writer' process writes continuously at high speed",
                "the 'writer' process the test runs for '3' frames",
            ],
            nothing,
            "the 'writer' process should block appropriately",
            "at once",
        ),
        (
            [CREATE, CONNECT, "the 'writer' process writes '3' frames of size '9' as fast as possible"],
            nothing,
            "flow control should work correctly",
            "have room",
        ),
        ([CREATE, CONNECT], nothing, "the 'writer' process should block waiting for space", "came back"),
        (TALK, talk_changed("request"), "the server handler receives immutable request frame", "request in memory"),
        (TALK, talk_changed("response"), "the server handler returns new response data", "response in memory"),
    ],
)
def test_a_sentence_that_is_not_true_fails(
    told: Told, before: Sequence[str], harm: Callable[[Told], None], sentence: str, says: str
) -> None:
    told.do(*before)
    harm(told)
    assert says in told.tell(sentence)
