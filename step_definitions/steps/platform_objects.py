"""Sentences of features/08-platform.feature: the objects of the operating system."""

from __future__ import annotations

import contextlib
import functools
import json
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from harmony import ScenarioContext, UnsupportedError, expect_equal, given, step, then
from step_definitions import processes
from step_definitions.child_driver import Placement
from step_definitions.lock_place import LockPlace
from step_definitions.observer import LOCK_DIRECTORY_VARIABLE, STRANGERS, Part
from step_definitions.port import Driver
from step_definitions.role import Role
from step_definitions.sentences import acting, stating

_EVERYTHING = "everything"
_HOUR = 3600.0


class PlatformSteps:
    """Names, places, lengths, and what dead processes leave."""

    def __init__(self, role: Role, driver: Driver, context: ScenarioContext) -> None:
        self._role = role
        self._driver = driver
        self._context = context
        self._locks = contextlib.ExitStack()
        context.on_cleanup(self._locks.close)

    @then(stating(r"the segment of buffer '(?P<base>[^']+)' should be '(?P<length>\d+)' bytes long"))
    def segment_length(self, base: str, length: int) -> None:
        """Look at the segment's length."""
        expect_equal(length, self._role.view(base).length, "length of the segment")

    @then(stating(r"the named objects of buffer '(?P<base>[^']+)' should stand in the namespace of the session"))
    def windows_objects(self, base: str) -> None:
        """Refuse: only a harness on Windows sees the named objects of Windows."""
        raise UnsupportedError(
            f"the named objects of {base!r} belong to Windows, and this harness can look at those of Linux only"
        )

    @then(stating(r"the lock of buffer '(?P<base>[^']+)' should be held"))
    def lock_held(self, base: str) -> None:
        """Try to take the lock, which must not be possible."""
        if not self._role.view(base).locked():
            raise AssertionError("the lock file is there, but nobody holds it")

    @step(acting(r"tries to create a buffer with exactly the name (?P<name>\".*\")"))
    async def try_create_exactly(self, name: str) -> None:
        """Create a buffer under a name as it stands, written as JSON."""
        exact = str(json.loads(name))
        await self._role.operations.attempt(self._driver.create(exact, metadata=64, payload=1024))

    @step(acting(r"tries to create a buffer with a name of '(?P<length>\d+)' characters"))
    async def try_create_long(self, length: int) -> None:
        """Create a buffer under a name of this length."""
        name = self._long_name(length)
        await self._role.operations.attempt(self._role.create("long", 64, 1024, name=name))

    @step(acting(r"creates a buffer with a name of '(?P<length>\d+)' characters"))
    async def create_long(self, length: int) -> None:
        """Create a buffer under a name of this length, which must be possible."""
        await self._role.create("long", 64, 1024, name=self._long_name(length))

    @step(acting(r"connects to the buffer with a name of '(?P<length>\d+)' characters"))
    async def connect_long(self, length: int) -> None:
        """Connect to it."""
        await self._role.connect("long", name=self._long_name(length))

    @given(acting(r"comes upon a stale '(?P<what>[^']+)' of buffer '(?P<base>[^']+)' that a dead process left"))
    def leave_stale(self, what: str, base: str) -> None:
        """Leave one object, or all, as a process would that died."""
        self._leave(what, base, processes.dead_number())

    @given(
        acting(
            r"comes upon a stale '(?P<what>[^']+)' of buffer '(?P<base>[^']+)' "
            r"whose owner's number a younger process has now"
        )
    )
    async def leave_stale_with_reused_number(self, what: str, base: str) -> None:
        """Leave objects that are an hour old and name a process that began just now."""
        self._leave(what, base, await self._role.pid(), made_at=time.time() - _HOUR)

    @given(
        acting(
            r"comes upon '(?P<length>\d+)' bytes of shared memory under the name of buffer '(?P<base>[^']+)', "
            r"all 0(?: but the (?P<other>first|last))?"
        )
    )
    def leave_bytes(self, length: int, base: str, other: str | None = None) -> None:
        """Leave what a creation leaves that was broken off, or what belongs to another program."""
        self._role.planted(base).path(Part.SEGMENT).write_bytes(_all_zero_but(other, length))

    @then(
        stating(
            r"the shared memory under the name of buffer '(?P<base>[^']+)' "
            r"should be '(?P<length>\d+)' bytes, all 0 but the (?P<other>first|last)"
        )
    )
    def bytes_unharmed(self, base: str, length: int, other: str) -> None:
        """Compare what belongs to another program."""
        view = self._role.view(base)
        expect_equal((length, _all_zero_but(other, length)), (view.length, view.read(0, length)), "length and bytes")

    @step(acting(r"finds the lock of buffer '(?P<base>[^']+)' held as by a reader that creates it anew"))
    def hold_lock(self, base: str) -> None:
        """Hold the lock, as a new reader does before it has replaced the objects of a dead one."""
        self._locks.enter_context(self._role.view(base).holding_lock())

    @step(acting(r"sees the lock of buffer '[^']+' given back"))
    def give_lock_back(self) -> None:
        """Let the next one have it."""
        self._locks.close()

    @given(
        stating(
            r"the lock file of buffer '(?P<base>[^']+)' leads by '(?P<way>a symbolic link|a hard link)' "
            r"to a stranger's file"
        )
    )
    def mislead(self, base: str, way: str) -> None:
        """Put a link into the place of the lock file."""
        view = self._role.view(base)
        self._context.on_cleanup(view.clear)
        view.mislead(way)

    @then(stating(r"the stranger's file of buffer '(?P<base>[^']+)' should be as it was"))
    def stranger_unharmed(self, base: str) -> None:
        """Look at the file to which the lock file leads."""
        expect_equal(STRANGERS, self._role.view(base).stranger(), "(content, mode) of the stranger's file")

    @then(
        stating(
            r"the sign of life of the (?P<side>reader|writer) of buffer '(?P<base>[^']+)' "
            r"should be (?P<wanted>held|free)"
        )
    )
    def sign_of_life(self, side: str, base: str, wanted: str) -> None:
        """Ask the system for the lock on the byte of a side."""
        held = self._role.view(base).shows_life(side)
        expect_equal(wanted, "held" if held else "free", f"sign of life of the {side}")

    @step(
        acting(
            r"whose umask is '(?P<umask>[0-7]+)' and whose lock directory is "
            r"(?P<what>missing|there|a symbolic link|a file|missing like the one around it) "
            r"tries to create buffer '(?P<base>[^']+)'"
        )
    )
    async def create_elsewhere(self, umask: str, what: str, base: str) -> None:
        """Create a buffer in a process of its own that has its lock files in another place, or learn why not."""
        place = self._elsewhere = LockPlace(Path(self._context.enter(tempfile.TemporaryDirectory())), what)
        placement = Placement(umask=umask, variables={LOCK_DIRECTORY_VARIABLE: str(place.path)})
        other = await self._role.sibling(placement)
        name = self._role.view(base).name
        outcome = await self._role.operations.attempt(other.create(name, metadata=64, payload=1024))
        if outcome.error is None:
            self._role.owns(name)
            self._close_elsewhere = functools.partial(other.close, outcome.result)

    @step(acting(r"closes the buffer that has its lock there"))
    async def close_elsewhere(self) -> None:
        """Close the reader whose lock file has another place."""
        await self._close_elsewhere()

    @then(
        stating(
            r"every object of buffer '(?P<base>[^']+)' should have mode '(?P<mode>\d+)', "
            r"and the lock directory mode '(?P<directory>\d+)'"
        )
    )
    def modes(self, base: str, mode: str, directory: str) -> None:
        """Look at the rights that the system has noted."""
        view = replace(self._role.view(base), locks=self._elsewhere.path)
        expect_equal(dict.fromkeys(view.existing(), mode), view.modes(), "modes of the objects")
        expect_equal(directory, self._elsewhere.mode, "mode of the lock directory")

    @then(stating(r"the lock directory should be empty"))
    def lock_directory_empty(self) -> None:
        """Look into the lock directory."""
        expect_equal([], self._elsewhere.entries(), "what is in the lock directory")

    @then(stating(r"the lock directory should be as it was"))
    def lock_directory_unharmed(self) -> None:
        """Compare what stands there with what stood there before."""
        expect_equal(self._elsewhere.before, self._elsewhere.listed(), "(path, mode) of what is there")

    @then(acting(r"should hand down nothing of buffer '(?P<base>[^']+)' to the programs that it starts"))
    async def hand_down_nothing(self, base: str) -> None:
        """Look at the descriptors of the process that lead to an object of the buffer: each must close itself."""
        view, number = self._role.view(base), await self._role.pid()
        found = processes.inherited_descriptors(number, {str(view.path(part)) for part in Part})
        if not found:
            raise AssertionError(f"process {number} has no object of buffer {view.name} open")
        expect_equal([], [path for path, inherited in found if inherited], "objects that a program inherits")

    def _long_name(self, length: int) -> str:
        suffix = self._role.naming.name("")
        return "n" * (length - len(suffix)) + suffix

    def _leave(self, what: str, base: str, owner: int, *, made_at: float | None = None) -> None:
        for part in Part if what == _EVERYTHING else [Part(what)]:
            self._role.planted(base).make_stale(part, owner, made_at=made_at)


def _all_zero_but(other: str | None, length: int) -> bytes:
    """Return bytes of which the ``first``, the ``last`` or none is 1."""
    content = bytearray(length)
    if other:
        content[{"first": 0, "last": -1}[other]] = 1
    return bytes(content)
