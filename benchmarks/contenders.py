"""Who takes part: the C program and, each in its process, the library under test and its peers."""

import contextlib
import itertools
import json
import os
import select
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from benchmarks import environments
from benchmarks.environments import UnavailableError
from benchmarks.pair import payload_of
from benchmarks.plan import BATCHING, LARGE, PLAIN, Case, Job, Kind, Placement, Wait

# How much later than the processes that do a job we give up on their host.
_GRACE_SECONDS = 10
_START_SECONDS = 30
# What the C program calls it; batches are compared with frame by frame.
_OF_THE_RING = {
    Kind.ONE_WAY: "oneway",
    Kind.BATCH: "oneway",
    Kind.SNUG: "oneway",
    Kind.WHOLE: "whole",
    Kind.ROUND_TRIP: "roundtrip",
}


class ContenderError(Exception):
    """A contender could not do a job; the message says why."""


class CannotError(ContenderError):
    """A contender has nothing that does this."""


@dataclass(frozen=True)
class JobResult:
    """What one run of one job gave.

    Attributes:
        count: Frames or rounds.
        elapsed_ns: From the producer's first frame to the consumer's last.
        producer_cpu_ns: CPU time of the producer in between.
        consumer_cpu_ns: CPU time of the consumer in between.
        delayed_ns: How long the one that suffered more was kept from its core by other processes.
        samples_ns: Each round trip.
        slices_ns: Growth: nanoseconds per frame, slice by slice.
    """

    count: int
    elapsed_ns: int
    producer_cpu_ns: int
    consumer_cpu_ns: int
    delayed_ns: int
    samples_ns: list[int]
    slices_ns: list[float]


def _outcome(job: Job, answer: dict[str, Any], *, carries_data: bool) -> JobResult:
    """Refuses an answer whose checksum shows that other frames came than were sent."""
    payload = payload_of(job.size)
    if carries_data and "checksum" in answer and job.kind is not Kind.IDLE:
        expected = (payload[0] + payload[-1]) * job.count
        if job.kind is not Kind.ROUND_TRIP and answer["checksum"] != expected:
            raise ContenderError(f"the checksum is {answer['checksum']}, not {expected}: frames were lost or torn")
    return JobResult(
        count=job.count,
        elapsed_ns=answer.get("elapsed_ns", 0),
        producer_cpu_ns=answer.get("producer_cpu_ns", 0),
        consumer_cpu_ns=answer.get("consumer_cpu_ns", 0),
        delayed_ns=answer.get("delayed_ns", 0),
        samples_ns=answer.get("samples_ns", []),
        slices_ns=answer.get("slices_ns", []),
    )


class Contender(ABC):
    """One column of the comparison.

    Attributes:
        label: Its name in tables.
        version: What is measured, known after `start`.
        wait: How it waits.
    """

    label: str
    version: str = ""
    wait: Wait = Wait.DEFAULT

    @abstractmethod
    def takes(self, case: Case, *, quick: bool) -> bool:
        """Whether it can be measured for this case."""

    @abstractmethod
    def start(self, *, install: bool) -> None:
        """Makes it ready. Raises `UnavailableError`."""

    @abstractmethod
    def run(self, job: Job) -> JobResult:
        """Does one job. Raises `ContenderError`."""

    @abstractmethod
    def stop(self) -> None:
        """Ends its processes."""


@dataclass
class CRing(Contender):
    """The limit."""

    label: str
    wait: Wait
    _program: Path = field(default_factory=Path, init=False)

    def takes(self, case: Case, *, quick: bool) -> bool:
        """A loop that only spins makes no sense on one core."""
        del quick
        spins_on_one_core = self.wait is Wait.SPIN and case.placement is Placement.ONE_CORE
        return case.kind in _OF_THE_RING and not spins_on_one_core

    def start(self, *, install: bool) -> None:
        """Compiles it if needed."""
        del install
        self._program = environments.compiled_ring()
        self.version = "ring.c"

    def run(self, job: Job) -> JobResult:
        """Runs the program once."""
        kind = _OF_THE_RING[job.kind]
        numbers = (job.size, job.capacity, job.count, job.warmup)
        cores = (job.sender_cpu, job.receiver_cpu)
        command = [self._program, kind, job.name, *map(str, numbers), self.wait.value, *map(str, cores)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=job.deadline, check=False)
        except subprocess.TimeoutExpired as error:
            raise ContenderError(f"not done within {job.deadline} s") from error
        if done.returncode != 0:
            raise ContenderError(done.stderr.strip() or f"exit code {done.returncode}")
        return _outcome(job, json.loads(done.stdout), carries_data=True)

    def stop(self) -> None:
        """Nothing of it lives on between jobs."""


@dataclass
class Hosted(Contender):
    """A contender in Python, in the environment it needs.

    Attributes:
        label: Its name in tables.
        module: The adapter in `benchmarks.peers`.
        kinds: What it can be measured for.
        requirement: What to install for it; nothing when it comes with Python or is this project.
        distribution: The distribution that says its version; nothing for Python's own.
        wait: How it waits.
        carries_data: False for bare semaphores.
        main: Measured for every case, not only for round trips, in quick mode, too.
        slow: Each frame takes so long that the calibration starts with a handful.
    """

    label: str
    module: str
    kinds: frozenset[Kind]
    requirement: str = ""
    distribution: str = ""
    wait: Wait = Wait.DEFAULT
    carries_data: bool = True
    main: bool = True
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _command: list[str | Path] = field(default_factory=list, init=False)
    _pending: bytes = field(default=b"", init=False)

    def takes(self, case: Case, *, quick: bool) -> bool:
        """What its adapter offers, less what quick mode leaves out."""
        if case.kind not in self.kinds:
            return False
        return self.main or not quick or case.kind is Kind.ROUND_TRIP or case.placement is Placement.ONE_CORE

    def start(self, *, install: bool) -> None:
        """Makes its environment if needed and starts its host there."""
        python = (
            environments.interpreter_with(self.requirement, install=install) if self.requirement else sys.executable
        )
        self._command = [python, "-P", environments.ROOT / "host.py", self.module, self.distribution]
        self._spawn()

    def _spawn(self) -> None:
        self._pending = b""
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        hello = self._hear(_START_SECONDS)
        if "missing" in hello:
            self.stop()
            raise UnavailableError(hello["missing"])
        self.version = hello["version"]

    def run(self, job: Job) -> JobResult:
        """Sends the job to the host and waits for its answer."""
        if self._process is None:
            self._spawn()
        process = self._process
        if process is None or process.stdin is None:
            raise ContenderError("its host does not run")
        try:
            process.stdin.write(json.dumps(job.to_json()).encode() + b"\n")
            process.stdin.flush()
            answer = self._hear(job.deadline + _GRACE_SECONDS)
        except (OSError, ContenderError) as error:
            self.stop()
            raise ContenderError(f"its host: {error}") from error
        if "unsupported" in answer:
            raise CannotError(answer["unsupported"])
        if "error" in answer:
            raise ContenderError(answer["error"])
        return _outcome(job, answer, carries_data=self.carries_data)

    def _hear(self, seconds: float) -> dict[str, Any]:
        if self._process is None or self._process.stdout is None:
            raise ContenderError("does not run")
        descriptor, deadline = self._process.stdout.fileno(), time.monotonic() + seconds
        while b"\n" not in self._pending:
            if not select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise ContenderError(f"no answer within {seconds} s")
            chunk = os.read(descriptor, 1 << 20)
            if not chunk:
                raise ContenderError("ended without an answer")
            self._pending += chunk
        line, _, self._pending = self._pending.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def stop(self) -> None:
        """Closes the host's stdin, upon which it ends; kills it if it does not."""
        process, self._process = self._process, None
        if process is None:
            return
        with process:
            if process.stdin is not None:
                with contextlib.suppress(OSError):
                    process.stdin.close()
            try:
                process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                process.kill()


def field_of_contenders() -> list[Contender]:
    """Everybody, in the order of the tables."""

    def ours(label: str, wait: Wait, kinds: frozenset[Kind], *, main: bool) -> Hosted:
        return Hosted(label, "zerobuffer_harmony", kinds, "", "zerobuffer-harmony", wait=wait, main=main)

    return [
        CRing("C ring, spinning", Wait.SPIN),
        CRing("C ring, blocking", Wait.BLOCK),
        ours("zerobuffer", Wait.DEFAULT, frozenset(Kind), main=True),
        ours("zerobuffer, spinning", Wait.SPIN, PLAIN, main=False),
        ours("zerobuffer, blocking", Wait.BLOCK, PLAIN, main=False),
        Hosted(
            "cloudtoid-interprocess", "cloudtoid", BATCHING, "cloudtoid-interprocess==3.0.2", "cloudtoid-interprocess"
        ),
        Hosted("membridge", "membridge", PLAIN, "membridge==1.0.0", "membridge"),
        Hosted("iceoryx2", "iceoryx2_pubsub", LARGE, "iceoryx2==0.10.0", "iceoryx2"),
        Hosted("faster-fifo", "faster_fifo", BATCHING, "faster-fifo==1.5.2", "faster-fifo"),
        Hosted("pyzmq ipc", "pyzmq_ipc", LARGE, "pyzmq==27.3.0", "pyzmq"),
        Hosted("pynng ipc", "pynng_ipc", PLAIN, "pynng==0.9.0", "pynng"),
        Hosted("multiprocessing.Pipe", "mp_pipe", LARGE),
        Hosted("multiprocessing.Queue", "mp_queue", PLAIN),
        Hosted("zerobuffer-ipc", "zerobuffer_ipc", LARGE, "zerobuffer-ipc[linux]==1.3.0", "zerobuffer-ipc"),
        Hosted(
            "posix_ipc semaphores",
            "posix_semaphores",
            frozenset({Kind.ROUND_TRIP}),
            "posix-ipc==1.3.2",
            "posix-ipc",
            carries_data=False,
        ),
    ]


class Workshop:
    """Unique names and a directory for sockets; removes what a peer that was killed has left under those names."""

    def __init__(self) -> None:
        self._prefix = f"zbb{os.getpid():x}x{time.time_ns() & 0xFFFF:x}"
        self._numbers = itertools.count(1)
        self._directory = tempfile.TemporaryDirectory(prefix="zbb")
        self.directory = self._directory.name
        self.leftovers: list[str] = []

    def name(self) -> str:
        """A new name."""
        return f"{self._prefix}n{next(self._numbers)}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for place in (Path("/dev/shm"), Path(tempfile.gettempdir()) / "zerobuffer"):
            for path in place.glob(f"*{self._prefix}*") if place.is_dir() else ():
                self.leftovers.append(path.name)
                path.unlink(missing_ok=True)
        self._directory.cleanup()
