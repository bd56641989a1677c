"""Two forked processes, their barriers and their deadline. Runs inside the environment of a peer."""

import contextlib
import ctypes
import gc
import json
import os
import select
import signal
import socket
import time
import traceback
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.peers.base import Channel
from benchmarks.plan import BATCH, Job, Kind

_PR_SET_PDEATHSIG = 1
_IDLE_SECONDS = 1.0
_SCHEDSTAT = Path("/proc/thread-self/schedstat")

Body = Callable[["Partner"], dict[str, Any]]


class PairError(Exception):
    """One of the two processes failed; the message says which and how."""


class SilentEndError(PairError):
    """A process ended without a word."""


class Partner:
    """The line between a child and its parent: JSON lines over a socket."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._stream = end.makefile("rwb")

    def tell(self, message: dict[str, Any]) -> None:
        """Sends one message."""
        self._stream.write(json.dumps(message).encode() + b"\n")
        self._stream.flush()

    def hear(self) -> dict[str, Any]:
        """Waits for one message; the deadline is the alarm clock of the process at the other end."""
        line = self._stream.readline()
        if not line:
            raise SilentEndError
        message: dict[str, Any] = json.loads(line)
        if "error" in message:
            raise PairError(message["error"])
        return message

    def meet(self, at: str) -> None:
        """Barrier: says where we stand and waits for the go."""
        self.tell({"at": at})
        self.hear()

    def fileno(self) -> int:
        """For `select`; each side speaks once and waits, so nothing is ever left in the buffer."""
        return self._end.fileno()

    def close(self) -> None:
        """Closes the line."""
        self._stream.close()
        self._end.close()


def _child(end: socket.socket, cpu: int, deadline: int, body: Body, channels: list[Channel]) -> None:
    """Never returns: a forked process ends here, whatever happens, without the parent's exit handlers."""
    status = 1
    try:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(deadline)
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if cpu >= 0:
            os.sched_setaffinity(0, {cpu})
        partner = Partner(end)
        try:
            partner.tell({"result": body(partner)})
            partner.hear()
            for channel in channels:
                channel.close()
            status = 0
        except BaseException as error:
            partner.tell({"error": f"{type(error).__name__}: {error}", "trace": traceback.format_exc()})
    finally:
        os._exit(status)


def _hear_all(processes: "tuple[_Process, _Process]") -> list[dict[str, Any]]:
    """One message of each, in whatever order they come: one that fails is heard while the other still waits for it."""
    messages: dict[int, dict[str, Any]] = {}
    waiting = {process.partner.fileno(): process for process in processes}
    while waiting:
        for descriptor in select.select(list(waiting), [], [])[0]:
            process = waiting.pop(descriptor)
            messages[process.pid] = process.hear()
    return [messages[process.pid] for process in processes]


def _ending(exit_code: int, deadline: int) -> str:
    if exit_code == -signal.SIGALRM:
        return f"not done within {deadline} s"
    return f"ended by {signal.Signals(-exit_code).name}" if exit_code < 0 else f"ended with exit code {exit_code}"


class _Process:
    """A forked child, as its parent sees it."""

    def __init__(self, role: str, cpu: int, deadline: int, body: Body, channels: list[Channel]) -> None:
        self.role = role
        self._deadline = deadline
        self._status: int | None = None
        ours, theirs = socket.socketpair()
        self.pid = os.fork()
        if self.pid == 0:
            ours.close()
            _child(theirs, cpu, deadline, body, channels)
        theirs.close()
        self.partner = Partner(ours)

    def hear(self) -> dict[str, Any]:
        """What the child says next."""
        try:
            return self.partner.hear()
        except SilentEndError:
            raise PairError(f"{self.role}: {_ending(self.reap(), self._deadline)}") from None
        except PairError as error:
            raise PairError(f"{self.role}: {error}") from None

    def kill(self) -> None:
        """Ends the child, if it has not been reaped yet."""
        if self._status is None:
            os.kill(self.pid, signal.SIGKILL)

    def reap(self) -> int:
        """Waits for the child, which its alarm clock ends at the latest; returns its exit code or -signal."""
        if self._status is None:
            with contextlib.suppress(OSError):
                self.partner.close()
            self._status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self._status


@contextlib.contextmanager
def _pair(job: Job, sender: Body, receiver: Body, channels: list[Channel]) -> Iterator[tuple[_Process, _Process]]:
    gc.collect()
    processes: list[_Process] = []
    try:
        processes.append(_Process("receiver", job.receiver_cpu, job.deadline, receiver, channels))
        processes.append(_Process("sender", job.sender_cpu, job.deadline, sender, channels))
        yield processes[0], processes[1]
    except BaseException:
        for process in processes:
            process.kill()
        raise
    finally:
        for process in processes:
            process.reap()
        for channel in channels:
            channel.discard()


def _run(job: Job, sender: Body, receiver: Body, channels: list[Channel], barriers: int) -> dict[str, Any]:
    with _pair(job, sender, receiver, channels) as processes:
        for _ in range(barriers):
            _hear_all(processes)
            for process in processes:
                process.partner.tell({"go": True})
        results = [message["result"] for message in _hear_all(processes)]
        for process in processes:
            process.partner.tell({"end": True})
    return _merged(*results)


def _merged(received: dict[str, Any], sent: dict[str, Any]) -> dict[str, Any]:
    return {
        "elapsed_ns": received["ended_ns"] - sent["began_ns"],
        "producer_cpu_ns": sent["cpu_ns"],
        "consumer_cpu_ns": received["cpu_ns"],
        "delayed_ns": max(received["delayed_ns"], sent["delayed_ns"]),
        "checksum": received["checksum"],
        "samples_ns": received.get("samples_ns", []),
    }


def _delayed_ns() -> int:
    """How long this thread has been ready to run while another process had the core; 0 where that is unknown."""
    try:
        return int(_SCHEDSTAT.read_text().split()[1])
    except (OSError, IndexError):
        return 0


def _timed(work: Callable[[], int | None]) -> dict[str, Any]:
    delayed = _delayed_ns()
    cpu, began = time.process_time_ns(), time.monotonic_ns()
    checksum = work()
    ended, cpu = time.monotonic_ns(), time.process_time_ns() - cpu
    return {
        "began_ns": began,
        "ended_ns": ended,
        "cpu_ns": cpu,
        "delayed_ns": _delayed_ns() - delayed,
        "checksum": checksum or 0,
    }


def payload_of(size: int) -> bytes:
    """The frame everybody sends; the C program sends the same."""
    return (bytes((index + 1) % 256 for index in range(256)) * (size // 256 + 1))[:size]


def one_way(job: Job, make: Callable[[Job, str], Channel]) -> dict[str, Any]:
    """Sender to receiver: frame by frame, both ends of it touched or all of it read, or in batches."""
    channel = make(job, job.name)
    payload = payload_of(job.size)
    batched = job.kind is Kind.BATCH
    consume = {Kind.BATCH: channel.consume_batches, Kind.WHOLE: channel.consume_whole}.get(job.kind, channel.consume)

    def send(count: int) -> None:
        if batched:
            channel.produce_batches(payload, count // BATCH)
        else:
            channel.produce(payload, count)

    def sender(partner: Partner) -> dict[str, Any]:
        partner.meet("receivers")
        channel.open_sender()
        partner.meet("senders")
        send(job.warmup)
        partner.meet("warm")
        return _timed(lambda: send(job.count))

    def receiver(partner: Partner) -> dict[str, Any]:
        channel.open_receiver()
        partner.meet("receivers")
        partner.meet("senders")
        consume(job.warmup)
        partner.meet("warm")
        return _timed(lambda: consume(job.count))

    return _run(job, sender, receiver, [channel], barriers=3)


def round_trip(job: Job, make: Callable[[Job, str], Channel]) -> dict[str, Any]:
    """The receiver pings, the sender echoes; each round is timed on its own."""
    there, back = make(job, f"{job.name}-there"), make(job, f"{job.name}-back")
    payload = payload_of(job.size)

    def echoing(partner: Partner) -> dict[str, Any]:
        there.open_receiver()
        partner.meet("receivers")
        back.open_sender()
        partner.meet("senders")
        there.echo(back, payload, job.warmup)
        partner.meet("warm")
        return _timed(lambda: there.echo(back, payload, job.count))

    def pinging(partner: Partner) -> dict[str, Any]:
        back.open_receiver()
        partner.meet("receivers")
        there.open_sender()
        partner.meet("senders")
        there.ping(back, payload, array("q", bytes(8 * job.warmup)))
        partner.meet("warm")
        samples = array("q", bytes(8 * job.count))
        return {**_timed(lambda: there.ping(back, payload, samples)), "samples_ns": samples.tolist()}

    return _run(job, echoing, pinging, [there, back], barriers=3)


def idle(job: Job, make: Callable[[Job, str], Channel]) -> dict[str, Any]:
    """The receiver waits for a frame that never comes, its sender alive and silent."""
    channel = make(job, job.name)

    def sender(partner: Partner) -> dict[str, Any]:
        partner.meet("receivers")
        channel.open_sender()
        partner.meet("senders")
        return _timed(lambda: None)

    def receiver(partner: Partner) -> dict[str, Any]:
        channel.open_receiver()
        partner.meet("receivers")
        partner.meet("senders")
        return _timed(lambda: channel.wait_idle(_IDLE_SECONDS))

    return _run(job, sender, receiver, [channel], barriers=2)
