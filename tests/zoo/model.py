"""The model as a library: what the driver is put in front of."""

from __future__ import annotations

from typing import ClassVar

from tests.zoo import channel, ring


class Model:
    """The protocol done right; a mutant replaces one of its classes."""

    __version__ = "model"
    Reader: ClassVar[type[ring.Reader]] = ring.Reader
    Writer: ClassVar[type[ring.Writer]] = ring.Writer
    Server: ClassVar[type[channel.DuplexServer]] = channel.DuplexServer
    Client: ClassVar[type[channel.DuplexClient]] = channel.DuplexClient
    BufferConfig = ring.BufferConfig

    def DuplexServer(self, name: str, config: ring.BufferConfig) -> channel.DuplexServer:  # noqa: N802
        return self.Server(self, name, config)

    def DuplexClient(self, name: str, config: ring.BufferConfig, *, timeout: float) -> channel.DuplexClient:  # noqa: N802
        return self.Client(self, name, config, timeout=timeout)


correct = Model()
