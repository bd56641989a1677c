"""Drivers that read or write messages wrongly."""

from __future__ import annotations

import re
from typing import AnyStr

from harmony.wire import framing
from tests.zoo.broken_drivers.sound import Sound


def bodies(data: AnyStr, header: re.Pattern[AnyStr]) -> tuple[list[AnyStr], AnyStr]:
    """Take the messages that are whole; what is left comes second."""
    found: list[AnyStr] = []
    while (head := header.search(data)) and len(data) >= (end := head.end() + int(head[1])):
        found.append(data[head.end() : end])
        data = data[end:]
    return found, data


class OneReadOneMessage(Sound):
    finds = ("wire.pieces", "wire.many")

    def read(self, data: bytes) -> None:
        self.body(data.partition(b"\r\n\r\n")[2])


class OneSpelling(Sound):
    finds = ("wire.headers",)
    buffer = b""

    def read(self, data: bytes) -> None:
        found, self.buffer = bodies(self.buffer + data, re.compile(rb"\AContent-Length: (\d+)\r\n\r\n"))
        for body in found:
            self.body(body)


class CountsCharacters(Sound):
    finds = ("wire.bytes",)
    text = ""

    def read(self, data: bytes) -> None:
        found, self.text = bodies(self.text + data.decode(), re.compile(r"\AContent-Length: (\d+)\r\n\r\n"))
        for body in found:
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
        header = re.compile(rb"(?i)content-length: *(\d+)[^{]*?\n\r?\n")
        found, self.buffer = bodies(self.buffer + data, header)
        for body in found:
            self.body(body)


class SwallowsGarbage(Sound):
    finds = ("wire.garbage",)

    def fault(self, fault: framing.Fault) -> None:
        if fault.kind is framing.FaultKind.TOO_LARGE:
            super().fault(fault)
