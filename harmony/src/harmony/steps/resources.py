"""What protocols need of this machine: ports, directories and paths of sockets, which no other cell has.

A constructor is given one of its own. In a sentence, a label names one that all roles of the cell share, whatever
processes they are.
"""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PosixPath
from typing import Any, ClassVar, Final, TypeVar

from harmony.process import places, ports
from harmony.process.places import PlaceError
from harmony.steps.context import ScenarioContext

Kind = TypeVar("Kind")
_LONGEST_SOCKET_PATH: Final = 100
_numbers = itertools.count()


class Port(int):
    """A port of this machine's loopback, for TCP and UDP, on which nobody listens."""

    host: ClassVar[str] = "127.0.0.1"

    @property
    def address(self) -> str:
        """Host and port, as in ``127.0.0.1:12345``."""
        return f"{self.host}:{int(self)}"


class Directory(PosixPath):
    """An empty directory. It is removed with the scenario, and all that is in it."""


class SocketPath(PosixPath):
    """A path at which nothing is, short enough for a Unix socket."""


@dataclass(frozen=True, slots=True)
class Label:
    """A resource that a sentence names.

    Attributes:
        kind: Which kind.
        text: What it is called in the scenario.
    """

    kind: type
    text: str

    def __post_init__(self) -> None:
        """Refuse what names nothing."""
        if not self.text.strip():
            raise ValueError("a label has at least one letter")

    def __str__(self) -> str:
        """Return it as a person says it."""
        return f"{self.kind.__name__} {self.text!r}"


def resource(kind: type[Kind], context: ScenarioContext, label: str = "") -> Kind:
    """Return a resource, which is given back with the scenario.

    Args:
        kind: Which kind.
        context: Of the role that needs it.
        label: What all roles of the scenario call it; without one, it is this role's own.

    Raises:
        HarmonyError: There is none.
    """
    made: Kind = _MAKERS[kind](context, label)
    return made


def resolved(value: Any, context: ScenarioContext) -> Any:
    """Return an argument of a step with the resources that its labels name."""
    if isinstance(value, Label):
        return resource(value.kind, context, value.text)
    if type(value) in {list, tuple, set, frozenset}:
        return type(value)(resolved(one, context) for one in value)
    return value


def _port(context: ScenarioContext, label: str) -> Port:
    run_id = context.start.test_run_id
    held = ports.hold(f"{run_id} {label}" if label else f"{run_id}/{os.getpid()}/{next(_numbers)}")
    context.on_cleanup(held.give_back)
    return Port(held.number)


def _directory(context: ScenarioContext, label: str) -> Directory:
    run_id = context.start.test_run_id
    return Directory(places.place_of(run_id, "d", places.file_name(label)) if label else _own(context))


def _socket_path(context: ScenarioContext, label: str) -> SocketPath:
    run_id = context.start.test_run_id
    path = places.place_of(run_id, "s") / places.file_name(label) if label else _own(context) / "s"
    if len(os.fsencode(path)) > _LONGEST_SOCKET_PATH:
        raise PlaceError(f"{path} is too long for a socket", hint="set TMPDIR to a directory with a short name")
    return SocketPath(path)


def _own(context: ScenarioContext) -> Path:
    """Return a new directory of one role. Those with a label stay for the other roles, until the cell has ended."""
    prefix = f"{places.file_name(context.start.role)}-"
    made = Path(tempfile.mkdtemp(prefix=prefix, dir=places.place_of(context.start.test_run_id)))

    def remove() -> None:
        if left := places.remove(made):
            raise PlaceError(f"cannot be removed: {'; '.join(left)}")

    context.on_cleanup(remove)
    return made


_MAKERS: Final[Mapping[Any, Callable[[ScenarioContext, str], Any]]] = {
    Port: _port,
    Directory: _directory,
    SocketPath: _socket_path,
}
KINDS: Final = tuple(_MAKERS)
