"""iceoryx2: publish and subscribe, the publisher blocking when the subscriber's buffer is full."""

import ctypes
import importlib
from typing import Any

from benchmarks.peers.base import Channel, poll_pause
from benchmarks.plan import LARGE, Job

_iox2: Any = importlib.import_module("iceoryx2")


class PeerChannel(Channel):
    """Loans a sample, copies into it, sends; the subscriber is polled, as in iceoryx2's own benchmarks."""

    kinds = LARGE
    _publisher: Any = None
    _subscriber: Any = None
    _node: Any = None
    _service: Any = None

    def __init__(self, job: Job, name: str) -> None:
        super().__init__(job, name)
        self._depth = min(1024, max(4, job.capacity // job.size))

    def _open(self) -> Any:
        _iox2.set_log_level(_iox2.LogLevel.Fatal)
        # Names of its own: a run that was killed can be cleaned up after, and no other user of iceoryx2 is disturbed.
        config = _iox2.config.default()
        config.global_cfg.prefix = _iox2.FileName.new(f"{self.name}_")
        config.global_cfg.root_path = _iox2.Path.new(f"{self.job.directory}/iox2")
        self._node = _iox2.NodeBuilder.new().config(config).create(_iox2.ServiceType.Ipc)
        self._service = (
            self._node.service_builder(_iox2.ServiceName.new(self.name))
            .publish_subscribe(_iox2.Slice[ctypes.c_uint8])
            .enable_safe_overflow(False)
            .subscriber_max_buffer_size(self._depth)
            .max_publishers(1)
            .max_subscribers(1)
            .open_or_create()
        )
        return self._service

    def open_receiver(self) -> None:
        """Subscribes."""
        self._subscriber = self._open().subscriber_builder().buffer_size(self._depth).create()
        pause, take, view_at = (
            poll_pause(self.job),
            self._subscriber.receive,
            (ctypes.c_uint8 * self.job.size).from_address,
        )

        def receive() -> int:
            while (sample := take()) is None:
                pause()
            view = view_at(sample.payload_ptr)
            seen = int(view[0] + view[-1])
            sample.delete()
            return seen

        self.receive = receive

    def open_sender(self) -> None:
        """Publishes; blocks on a full buffer instead of dropping."""
        builder = self._open().publisher_builder().initial_max_slice_len(self.job.size)
        self._publisher = builder.backpressure_strategy(_iox2.BackpressureStrategy.RetryUntilDelivered).create()
        loan, copy, size = self._publisher.loan_slice_uninit, ctypes.memmove, self.job.size

        def send(data: bytes) -> None:
            sample = loan(size)
            copy(sample.payload_ptr, data, size)
            sample.assume_init().send()

        self.send = send

    def produce(self, payload: bytes, count: int) -> None:
        """See `Channel.produce`."""
        loan, copy, size = self._publisher.loan_slice_uninit, ctypes.memmove, len(payload)
        for _ in range(count):
            sample = loan(size)
            copy(sample.payload_ptr, payload, size)
            sample.assume_init().send()

    def consume(self, count: int) -> int:
        """See `Channel.consume`."""
        take, pause, checksum = self._subscriber.receive, poll_pause(self.job), 0
        view_at = (ctypes.c_uint8 * self.job.size).from_address
        for _ in range(count):
            while (sample := take()) is None:
                pause()
            view = view_at(sample.payload_ptr)
            checksum += view[0] + view[-1]
            sample.delete()
        return checksum

    def copy_out(self, target: memoryview) -> None:
        """See `Channel.copy_out`."""
        take, pause, size = self._subscriber.receive, poll_pause(self.job), self.job.size
        while (sample := take()) is None:
            pause()
        target[:] = memoryview((ctypes.c_uint8 * size).from_address(sample.payload_ptr)).cast("B")
        sample.delete()

    def close(self) -> None:
        """Deletes the ports, then lets go of service and node."""
        for port in (self._publisher, self._subscriber):
            if port is not None:
                port.delete()
        self._publisher = self._subscriber = self._service = self._node = None
