"""The verbs of the port over a Python library: blocking, safe to use from several threads, plain data in and out."""

from __future__ import annotations

import itertools
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from harmony import Identity, Structure, driver_kit
from harmony.wire import jsonrpc
from step_definitions.duplex_service import Server
from step_definitions.error_mapping import invalid_parameter, mapped_errors, series
from step_definitions.fast_loops import read_blind, write_alike
from step_definitions.handles import Handles, HeldFrame, HeldSlot
from step_definitions.library import AskingSide, Library, ReadingSide, WritingSide
from step_definitions.patterns import Pattern, Payload, digest
from step_definitions.port import CONTRACT, Blob, Deed, DriverError, FrameInfo, Service
from step_definitions.transfer import Clock, TransferBuilder

_CONNECT_PATIENCE: Final = 0.0
_BATCH: Final = 32
"""How many frames are written or read with one call, where nothing happens between them."""


Verbs = Mapping[str, Callable[..., Any]]


class Dispatcher:
    """Performs verbs on one library. What a verb opens gets a number, by which other verbs name it."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._handles = Handles()
        self._requests = itertools.count(1)
        self._under_way: dict[int, _UnderWay] = {}
        self._at_once: Verbs = {
            "hello": self._hello,
            "health": self._health,
            "dump": self._dump,
            "create": self._create,
            "connect": self._connect,
            "close": self._close,
            "put": self._put,
            "commit": self._commit,
            "abandon": self._abandon,
            "peek": self._peek,
            "release": self._release,
            "write_metadata": self._write_metadata,
            "read_metadata": self._read_metadata,
            "arm": self._arm,
            "serve": self._serve,
            "handle": self._handle,
            "service": self._service,
        }
        self._waiting: Verbs = {
            "write": self._write,
            "fill": self._fill,
            "acquire": self._acquire,
            "read": self._read,
            "read_many": self._read_many,
            "relay": self._relay,
            "dial": self._dial,
            "send": self._send,
            "receive": self._receive,
            "ping": self._ping,
        }

    def perform(self, verb: str, params: Mapping[str, Any], request: int | str = 0) -> Any:
        """Do one verb and return plain data.

        Args:
            verb: Its name.
            params: As the contract says.
            request: The id that the asker has given to this request.

        Raises:
            DriverError: The library refused, or there is no such verb or handle.
        """
        method = self._waiting.get(verb) or self._at_once.get(verb)
        if method is None:
            raise DriverError("system_error", f"there is no verb {verb!r}")
        arguments = dict(params)
        if verb in self._at_once:
            del arguments["timeout"]
        key = next(self._requests)
        self._under_way[key] = _UnderWay(request, verb, time.monotonic())
        try:
            return self._do(method, arguments)
        finally:
            del self._under_way[key]

    @staticmethod
    def _do(method: Callable[..., Any], arguments: dict[str, Any]) -> Any:
        if isinstance(arguments.get("payload"), Mapping):
            recipe = arguments["payload"]
            arguments["payload"] = Payload(**{**recipe, "pattern": Pattern(recipe["pattern"])})
        with mapped_errors():
            return method(**arguments)

    def close(self) -> None:
        """Close all that is open, whatever fails on the way."""
        self._handles.close_all()

    def _config(self, metadata: int, payload: int) -> Any:
        with invalid_parameter("metadata, payload"):
            return self._library.BufferConfig(metadata, payload)

    def _hello(self) -> Any:
        version = str(getattr(self._library, "__version__", "0"))
        name = str(getattr(self._library, "__name__", type(self._library).__name__))
        python = f"python {sys.version_info.major}.{sys.version_info.minor}"
        return Identity(
            protocol=CONTRACT.version,
            language=python,
            implementation=name,
            version=version,
            pid=os.getpid(),
            capabilities=("duplex", "linux", *(("points",) if self._point_hook() else ())),
            layout=self._layout(),
        ).model_dump(mode="json")

    def _layout(self) -> dict[str, Structure]:
        """Return what the compiler of the library's core says; a library without a compiler has none of its own."""
        core = getattr(self._library, "_core", None)
        found = getattr(core, "layout", None)
        if found is None:
            return dict(CONTRACT.layout)
        return {name: Structure.model_validate(structure) for name, structure in found().items()}

    def _health(self) -> bool:
        return True

    def _dump(self) -> Any:
        now = time.monotonic()
        requests = [
            {"id": one.request, "verb": one.verb, "seconds": now - one.since}
            for one in list(self._under_way.values())
            if one.verb != "dump"
        ]
        return {"requests": requests, "threads": driver_kit.stacks()}

    def _create(self, name: str, metadata: int, payload: int) -> int:
        return self._handles.add(self._library.Reader(name, self._config(metadata, payload)))

    def _connect(self, name: str) -> int:
        return self._handles.add(self._library.Writer(name, timeout=_CONNECT_PATIENCE))

    def _close(self, handle: int) -> None:
        self._handles.close(handle)

    def _write(
        self,
        *,
        handle: int,
        payload: Payload,
        count: int,
        sizes: Sequence[int],
        interval: float,
        timeout: float,
    ) -> Any:
        writer: WritingSide = self._handles.get(handle, "write_frame")
        clock = Clock(timeout)
        lengths = itertools.islice(itertools.cycle(sizes), count) if sizes else itertools.repeat(payload.size, count)
        transfer = TransferBuilder()
        constant = None if payload.pattern is Pattern.FRAME or sizes else payload.content()
        first = writer.next_sequence
        with series(lambda: writer.next_sequence - first, timeout):
            if constant is not None and not interval:
                return write_alike(writer, constant, count, clock).as_dict(clock)
            numbered = itertools.count(first)
            contents = (constant or _sized(payload, size).content(next(numbered)) for size in lengths)
            at_once = 1 if interval or count == 1 else _BATCH
            while batch := [*itertools.islice(contents, at_once)]:
                if interval:
                    _sleep_until(clock.begin + transfer.frames * interval)
                sequence = writer.next_sequence
                if at_once == 1:
                    writer.write_frame(batch[0], clock.left)
                else:
                    writer.write_frames(batch, clock.left)
                for number, content in enumerate(batch):
                    transfer.add(sequence + number, len(content))
        return transfer.as_dict(clock)

    def _fill(self, handle: int, payload: Payload, patience: float, timeout: float) -> Any:
        writer: WritingSide = self._handles.get(handle, "write_frame")
        clock = Clock(timeout)
        transfer = TransferBuilder()
        while not clock.over:
            sequence = writer.next_sequence
            try:
                writer.write_frame(payload.content(sequence), patience)
            except Exception as error:
                if getattr(error, "code", "") != "buffer_full":
                    raise
                return transfer.as_dict(clock)
            transfer.add(sequence, payload.size)
        raise DriverError("timeout", f"the buffer took {transfer.frames} frames and was not full after {timeout} s")

    def _acquire(self, handle: int, size: int, timeout: float) -> int:
        writer: WritingSide = self._handles.get(handle, "write_frame")
        sequence = writer.next_sequence
        return self._handles.add(HeldSlot(writer.acquire(size, timeout), sequence, handle))

    def _put(self, slot: int, payload: Payload, offset: int) -> None:
        held: HeldSlot = self._handles.get(slot, "slot")
        content = payload.content(held.sequence)
        with invalid_parameter("offset"):
            held.slot.data[offset : offset + len(content)] = content

    def _commit(self, slot: int) -> int:
        held: HeldSlot = self._handles.take(slot, "slot")
        held.slot.commit()
        return held.sequence

    def _abandon(self, slot: int) -> None:
        held: HeldSlot = self._handles.take(slot, "slot")
        held.slot.abandon()

    def _read(self, handle: int, timeout: float) -> Any:
        reader: ReadingSide = self._handles.get(handle, "read_frame")
        frame = reader.read_frame(timeout)
        facts = (frame.sequence, frame.size, digest(frame.data))
        return asdict(FrameInfo(self._handles.add(HeldFrame(frame, handle)), *facts))

    def _read_many(
        self,
        *,
        handle: int,
        count: int | None,
        delay: float,
        idle: float,
        look: bool,
        timeout: float,
    ) -> Any:
        reader: ReadingSide = self._handles.get(handle, "read_frame")
        clock = Clock(timeout)
        transfer = TransferBuilder()
        with series(lambda: transfer.frames, timeout):
            while count is None or transfer.frames < count:
                try:
                    if count is not None and not (look or delay):
                        read_blind(reader, count, clock, transfer)
                        break
                    if count is not None and not delay:
                        with reader.read_frames(min(_BATCH, count - transfer.frames), clock.left) as frames:
                            for frame in frames:
                                transfer.add(frame.sequence, frame.size, frame.data)
                        continue
                    frame = reader.read_frame(min(idle, clock.left) if count is None else clock.left)
                except Exception as error:
                    ends = getattr(error, "code", "") in {"timeout", "writer_dead"}
                    if count is None and ends and not clock.over:
                        break
                    raise
                try:
                    transfer.add(frame.sequence, frame.size, frame.data if look else None)
                    if delay:
                        time.sleep(delay)  # the scenario asks for a slow reader
                finally:
                    frame.release()
        return transfer.as_dict(clock)

    def _relay(self, source: int, target: int, count: int, timeout: float) -> Any:
        reader: ReadingSide = self._handles.get(source, "read_frame")
        writer: WritingSide = self._handles.get(target, "write_frame")
        clock = Clock(timeout)
        transfer = TransferBuilder()
        with series(lambda: transfer.frames, timeout):
            for _ in range(count):
                frame = reader.read_frame(clock.left)
                try:
                    writer.write_frame(bytes(frame.data), clock.left)
                    transfer.add(frame.sequence, frame.size, frame.data)
                finally:
                    frame.release()
        return transfer.as_dict(clock)

    def _peek(self, frame: int, offset: int, length: int) -> str:
        held: HeldFrame = self._handles.get(frame, "frame")
        return bytes(held.frame.data[offset : offset + length]).hex()

    def _release(self, frame: int) -> None:
        # The number stays, so that a look at a released frame meets the library's own answer.
        held: HeldFrame = self._handles.get(frame, "frame")
        held.frame.release()

    def _write_metadata(self, handle: int, payload: Payload) -> None:
        self._handles.get(handle, "set_metadata").set_metadata(payload.content())

    def _read_metadata(self, handle: int) -> Any:
        content = self._handles.get(handle, "get_metadata").get_metadata()
        return asdict(Blob(len(content), digest(content)))

    def _arm(self, point: str, passage: int, then: Deed) -> None:
        hook = self._point_hook()
        if hook is None:
            raise jsonrpc.RpcError(jsonrpc.METHOD_NOT_FOUND, "this library was built without its named points")
        with invalid_parameter("point"):
            hook(point, passage, signal.SIGKILL if then == "die" else signal.SIGSTOP)

    def _point_hook(self) -> Callable[[str, int, int], None] | None:
        # What fault tests of the library use; not part of what a user of the library sees.
        return getattr(getattr(self._library, "_core", None), "arm_point", None)

    def _serve(self, name: str, metadata: int, payload: int) -> int:
        config = self._config(metadata, payload)
        return self._handles.add(Server(self._library.DuplexServer(name, config)))

    def _handle(self, handle: int, handler: str, delay: float) -> None:
        server: Server = self._handles.get(handle, "side")
        server.side.start(server.handler(handler, delay))

    def _service(self, handle: int) -> Any:
        server: Server = self._handles.get(handle, "side")
        return asdict(Service(server.requests, server.refused_changes))

    def _dial(self, name: str, metadata: int, payload: int, timeout: float) -> int:
        config = self._config(metadata, payload)
        return self._handles.add(self._library.DuplexClient(name, config, timeout=timeout))

    def _send(self, handle: int, payload: Payload, in_place: bool, timeout: float) -> None:
        client: AskingSide = self._handles.get(handle, "send_request")
        content = payload.content()
        if in_place:
            with client.acquire_request(len(content), timeout) as view:
                view[:] = content
        else:
            client.send_request(content, timeout)

    def _receive(self, handle: int, timeout: float) -> Any:
        client: AskingSide = self._handles.get(handle, "send_request")
        frame = client.receive_response(timeout)
        try:
            return asdict(Blob(frame.size, digest(frame.data)))
        finally:
            frame.release()

    def _ping(self, handle: int, payload: Payload, count: int, timeout: float) -> list[float]:
        client: AskingSide = self._handles.get(handle, "send_request")
        clock = Clock(timeout)
        content = payload.content()
        trips: list[float] = []
        with series(lambda: len(trips), timeout, "answers"):
            for _ in range(count):
                begin = time.perf_counter()
                client.request(content, clock.left).release()
                trips.append(time.perf_counter() - begin)
        return trips


@dataclass(frozen=True, slots=True)
class _UnderWay:
    """A request that is being performed."""

    request: int | str
    verb: str
    since: float


def _sized(payload: Payload, size: int) -> Payload:
    return payload if payload.size == size else Payload(payload.pattern, size, payload.sequence)


def _sleep_until(moment: float) -> None:
    left = moment - time.monotonic()
    if left > 0:
        time.sleep(left)
