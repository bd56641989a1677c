"""Drivers that read or write messages wrongly."""

from __future__ import annotations

import re

from harmony import framing
from tests.zoo.broken_drivers.sound import Sound


class OneReadOneMessage(Sound):
    finds = ("wire.pieces", "wire.many")

    def read(self, data: bytes) -> None:
        self.body(data.partition(b"\r\n\r\n")[2])


class OneSpelling(Sound):
    finds = ("wire.headers",)
    buffer = b""

    def read(self, data: bytes) -> None:
        self.buffer += data
        while found := re.match(rb"Content-Length: (\d+)\r\n\r\n", self.buffer):
            end = found.end() + int(found[1])
            if len(self.buffer) < end:
                return
            body, self.buffer = self.buffer[found.end() : end], self.buffer[end:]
            self.body(body)


class CountsCharacters(Sound):
    finds = ("wire.bytes",)
    text = ""

    def read(self, data: bytes) -> None:
        self.text += data.decode()
        while found := re.match(r"Content-Length: (\d+)\r\n\r\n", self.text):
            end = found.end() + int(found[1])
            if len(self.text) < end:
                return
            body, self.text = self.text[found.end() : end], self.text[end:]
            self.body(body.encode())


class SmallBuffer(Sound):
    finds = ("wire.large",)

    def __init__(self) -> None:
        super().__init__()
        self.decoder = framing.FrameDecoder(max_message=1 << 16)


class NoLimit(Sound):
    finds = ("wire.too-large",)
    also = ("wire.headers",)
    buffer = b""

    def read(self, data: bytes) -> None:
        self.buffer += data
        while found := re.search(rb"(?i)content-length: *(\d+)[^{]*?\n\r?\n", self.buffer):
            end = found.end() + int(found[1])
            if len(self.buffer) < end:
                return
            body, self.buffer = self.buffer[found.end() : end], self.buffer[end:]
            self.body(body)


class SwallowsGarbage(Sound):
    finds = ("wire.garbage",)

    def fault(self, fault: framing.Fault) -> None:
        if fault.kind is framing.FaultKind.TOO_LARGE:
            super().fault(fault)
