"""Ports that one owner has at a time on this machine, outside of the range from which the kernel gives its own.

A lock file is held for each. It says whose port it is from the moment at which it can be seen, so that whoever belongs
to the same owner finds it, in any process. Its lock ends with its process.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import functools
import itertools
import os
import socket
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harmony.errors import HarmonyError
from harmony.process.places import TEMPORARY

_DIRECTORY: Final = TEMPORARY / "harmony-ports"
_LOWEST: Final = 10_000
_EPHEMERAL: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")
_EPHEMERAL_ELSEWHERE: Final = (32_768, 65_535)
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_WRITE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
_LONGEST_OWNER: Final = 1000
_TRIES: Final = 100
_numbers = itertools.count()


class NoPortError(HarmonyError):
    """No port is free.

    Way out: end the runs that hold them; the directory in the message has a file for each port in use, and must be
    writable.
    """

    code = "no_port"


@dataclass(slots=True)
class HeldPort:
    """A port that is in use.

    Attributes:
        number: Of the port.
    """

    number: int
    _descriptor: int | None = None

    def give_back(self) -> None:
        """Let others have it, unless somebody else of the same owner holds it."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            with contextlib.suppress(FileNotFoundError):
                (_DIRECTORY / str(self.number)).unlink()
            os.close(descriptor)
            with contextlib.suppress(OSError):
                _DIRECTORY.rmdir()


def hold(owner: str) -> HeldPort:
    """Return a port of an owner: the one that he has already, or a free one.

    Raises:
        NoPortError: There is none.
    """
    mark = owner.encode()[:_LONGEST_OWNER]
    try:
        descriptor, file = _marked(mark)
    except OSError as error:
        raise NoPortError(f"{_DIRECTORY} cannot be used: {error}") from error
    try:
        for number in _candidates(mark):
            match _taken(file, number, mark):
                case True:
                    return HeldPort(number, os.dup(descriptor))
                case None:
                    return HeldPort(number)
        raise NoPortError(
            "no port of 127.0.0.1 is free", hint=f"{_DIRECTORY} holds a file for each that is in use by harmony"
        )
    finally:
        file.unlink()
        os.close(descriptor)


def _taken(file: Path, number: int, mark: bytes) -> bool | None:
    """Take a port by linking the lock file to its name.

    Returns:
        Whether it is ours now; none if it is the owner's already.
    """
    place = _DIRECTORY / str(number)
    for _ in range(_TRIES):
        try:
            os.link(file, place)
        except FileExistsError:
            other = _holder(place)
            if other is None:
                continue
            return None if other == mark else False
        if _free(number):
            return True
        place.unlink()
        return False
    return False


def _holder(place: Path) -> bytes | None:
    """Return who holds a port; none if nobody does any more, and then its file is gone."""
    try:
        descriptor = os.open(place, _READ)
    except FileNotFoundError:
        return None
    except OSError:
        return b""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Who held it has died. Another may have found that before, and have removed the file.
        if place.stat().st_ino == os.fstat(descriptor).st_ino:
            place.unlink()
    except BlockingIOError:
        return os.read(descriptor, _LONGEST_OWNER)
    except FileNotFoundError:
        return None
    except PermissionError:  # of somebody else
        return b""
    else:
        return None
    finally:
        os.close(descriptor)


def _marked(mark: bytes) -> tuple[int, Path]:
    """Return a new file that says who has it, and is locked."""
    for _ in range(_TRIES):
        with contextlib.suppress(FileExistsError):
            _DIRECTORY.mkdir()
            _DIRECTORY.chmod(0o1777)
        file = _DIRECTORY / f".{os.getpid()}-{next(_numbers)}"
        try:
            descriptor = os.open(file, _WRITE, 0o644)
        except (FileNotFoundError, FileExistsError):  # the last port has just been given back, or a killed one left it
            continue
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        os.write(descriptor, mark)
        return descriptor, file
    raise NoPortError(f"{_DIRECTORY} cannot be made")


def _candidates(mark: bytes) -> Iterator[int]:
    """Yield first the ports that the owner may have, then all others, from a place that is his own."""
    named = [int(entry.name) for entry in _DIRECTORY.iterdir() if entry.name.isdecimal()]
    yield from (number for number in named if _holder(_DIRECTORY / str(number)) == mark)
    numbers = _outside(*_ephemeral())
    begin = zlib.crc32(mark)
    yield from (numbers[(begin + offset) % len(numbers)] for offset in range(len(numbers)))


@functools.cache
def _outside(first: int, last: int) -> Sequence[int]:
    """Return the ports that the kernel gives nobody by itself; every cell asks for some."""
    return [number for number in range(_LOWEST, 1 << 16) if not first <= number <= last] or range(1024, first)


def _ephemeral() -> tuple[int, int]:
    try:
        first, last = _EPHEMERAL.read_text("ascii").split()
        return int(first), int(last)
    except (OSError, ValueError):
        return _EPHEMERAL_ELSEWHERE


def _free(number: int) -> bool:
    """Whether nobody has it who knows nothing of lock files."""
    return all(
        _can_bind(family, kind, host, number)
        for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM)
    )


def _can_bind(family: socket.AddressFamily, kind: socket.SocketKind, host: str, number: int) -> bool:
    try:
        with socket.socket(family, kind) as one:
            if kind is socket.SOCK_STREAM:  # a connection of before that lingers is in nobody's way
                one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.bind((host, number))
    except OSError as error:
        return error.errno in {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}
    return True
