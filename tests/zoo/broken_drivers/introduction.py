"""Drivers that say something wrong of themselves, or nothing."""

from __future__ import annotations

import itertools
import os
import sys

from harmony.wire import jsonrpc
from tests.zoo.broken_drivers.sound import Plain, Sound


class WrongOffset(Sound):
    finds = ("handshake.layout",)
    says = "oieb.payload_free_bytes is at offset 44, expected 40"

    def identity(self, said: Plain) -> Plain:
        said["layout"]["oieb"]["fields"]["payload_free_bytes"] = [44, 8]
        return said


class SwappedFields(Sound):
    finds = ("handshake.layout",)
    says = "oieb.payload_write_pos is at offset 56, expected 48"

    def identity(self, said: Plain) -> Plain:
        fields = said["layout"]["oieb"]["fields"]
        fields["payload_write_pos"], fields["payload_read_pos"] = (
            fields["payload_read_pos"],
            fields["payload_write_pos"],
        )
        return said


class NarrowField(Sound):
    finds = ("handshake.layout",)
    says = "oieb.writer_pid has 4 bytes, expected 8"

    def identity(self, said: Plain) -> Plain:
        said["layout"]["oieb"]["fields"]["writer_pid"] = [80, 4]
        return said


class NoLayout(Sound):
    finds = ("handshake.layout",)
    says = "structure 'oieb' is missing"

    def identity(self, said: Plain) -> Plain:
        return {**said, "layout": {}}


class WrongVersion(Sound):
    finds = ("handshake.version",)
    says = "protocol: seen '2.0', expected '1.0'"

    def identity(self, said: Plain) -> Plain:
        return {**said, "protocol": "2.0"}


class TalksTooMuch(Sound):
    finds = ("handshake.identity", "verb.hello.passes.again")
    says = "motto: the contract knows no such key"

    def identity(self, said: Plain) -> Plain:
        return {**said, "motto": "hello"}


class SomebodyElse(Sound):
    finds = ("handshake.identity",)

    def identity(self, said: Plain) -> Plain:
        return {**said, "pid": os.getppid()}


class ClaimsMagic(Sound):
    finds = ("handshake.capabilities",)
    says = "claims 'magic'"

    def identity(self, said: Plain) -> Plain:
        return {**said, "capabilities": [*said["capabilities"], "magic"]}


class ClaimsTooLittle(Sound):
    finds = ("handshake.capabilities", "errors.unclaimed")

    def identity(self, said: Plain) -> Plain:
        return {**said, "capabilities": ["linux", "points"]}


class Moody(Sound):
    finds = ("verb.hello.passes.again",)
    hellos = itertools.count()

    def identity(self, said: Plain) -> Plain:
        return {**said, "version": f"{next(self.hellos)}"}


class Mute(Sound):
    finds = ("start.process",)
    says = "hello (id 1) was not answered within"

    def send(self, request: jsonrpc.Request, message: jsonrpc.Message) -> None:
        pass


class Stillborn(Sound):
    finds = ("start.process",)
    says = "no such library"

    def run(self) -> int:
        sys.stderr.write("no such library\n")
        return 1
