"""What a project says about an implementation: how it is made and started, what it plays, what it can do."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

import pydantic
from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

from harmony import patterns

Capabilities = Annotated[frozenset[str], PlainSerializer(sorted, return_type=list[str], when_used="json")]
"""In JSON always in the same order, which a set has in no other process."""
_VERSION: Final = "{version}"
_A_VERSION: Final = re.compile(r"[\w.+-]+")


def _checked(pattern: str) -> str:
    try:
        patterns.check(pattern)
    except patterns.PatternError as error:
        raise ValueError(f"{pattern!r}: {error}") from None
    return pattern


class RolePart(BaseModel):
    """What is different where a platform plays one role.

    Attributes:
        capabilities: What it claims to be able to do in this role, in place of what the platform claims.
        command: How its process is started for this role, in place of the platform's command.
        environment: Variables for this role, on top of the platform's.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    capabilities: Capabilities | None = None
    command: tuple[str, ...] = ()
    environment: dict[str, str] = Field(default_factory=dict)

    @pydantic.model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError(f"it says nothing: give {', '.join(RolePart.model_fields)}; `plays` says who plays what")
        return self


class VersionCommand(BaseModel):
    """How the version of an implementation is learnt that its driver cannot tell.

    Attributes:
        command: Prints it, on stdout or stderr, whatever its exit code.
        pattern: Regular expression that finds it there; its first group, or all of it if there is none.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    command: tuple[str, ...] = Field(min_length=1)
    pattern: str = r"\d+(?:\.\d+)+[\w.+-]*"

    @pydantic.field_validator("pattern")
    @classmethod
    def _compiles(cls, value: str) -> str:
        return _checked(value)


class PlatformLeaks(BaseModel):
    """What the cells of a platform may leave behind.

    Attributes:
        check: Whether a cell in which it plays fails for what is left; it is removed in any case.
        probes: Name what is left, beside those of the project.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    check: bool = True
    probes: tuple[str, ...] = ()


class PlatformMutation(BaseModel):
    """How ``harmony mutate`` plants faults in a platform.

    Attributes:
        sources: Patterns of the files in which it plants them; the platform's ``sources`` if there are none.
        leave_out: Patterns of those in which it plants none, such as tests and what is the driver's alone.
        build: Command that builds the platform with a fault; the platform's ``build`` if absent.
        makes: Patterns of all files that play after a build; a fault that leaves each byte of them is equivalent.
        prepare: Command that makes a copy of the project ready, once, such as one that makes an environment in it.
        python: The Python that plays in a copy, relative to it; by default the one that runs ``harmony mutate``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    sources: tuple[str, ...] = ()
    leave_out: tuple[str, ...] = ()
    build: tuple[str, ...] = ()
    makes: tuple[str, ...] = ()
    prepare: tuple[str, ...] = ()
    python: Path | None = None


class Platform(BaseModel):
    """One implementation that can play roles.

    Attributes:
        command: How its process is started; not needed where each role that it plays has a command of its own.
        listen: How a process is started that listens on ``{socket}``, for ``harmony up``; none if it cannot.
        contract: What that process speaks: ``steps`` (it has step definitions) or ``driver`` (it has verbs).
        driver: How its driver is started, where ``command`` starts something else; see :attr:`driver_command`.
        directory: Where it is started, relative to the project file.
        environment: Variables added to its environment.
        build: Command that builds it, if it needs one.
        requires: Programs that the build or the start takes, headers of C++ (``*.h``, ``*.hpp``) that the build takes,
            and the Debian package that has each.
        sources: Patterns of the files that it is built from; a program made from others counts as not built.
        capabilities: What it claims to be able to do.
        plays: The roles that it can play; all of them if none is named.
        roles: What is different in some role.
        opt_in: Whether it plays only where it is named.
        version: How the version of the implementation is learnt, where its driver does not tell it.
        family: Implementations with the same word here share code, so that they prove little about each other.
        leaks: What its cells may leave behind.
        mutation: How faults are planted in it.
        lifetime: How long a process plays: one scenario, as one with step definitions is told its numbers when it is
            started, or the whole session, where `initialize` may tell it other ones for each scenario. Also how long
            a driver does, which is then asked to let go of all at the end of each scenario.
        start_timeout: Seconds until it must answer for the first time.
        step_timeout: Seconds a step may take; the project's value if absent.
        stop_timeout: Seconds it gets to end in order before it is killed.
        stderr: What becomes of an alarm there, such as the report of a sanitizer or a panic: it is shown, and with
            ``clean`` fails the cell.
        stderr_patterns: Regular expressions of more alarms, each for a line.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    command: tuple[str, ...] = ()
    listen: tuple[str, ...] = ()
    contract: Literal["steps", "driver"] = "steps"
    driver: tuple[str, ...] = ()
    directory: Path = Path()
    environment: dict[str, str] = Field(default_factory=dict)
    build: tuple[str, ...] = ()
    requires: dict[str, str] = Field(default_factory=dict)
    sources: tuple[str, ...] = ()
    capabilities: Capabilities = frozenset()
    plays: tuple[str, ...] = ()
    roles: dict[str, RolePart] = Field(default_factory=dict)
    opt_in: bool = False
    version: VersionCommand | None = None
    family: str = ""
    leaks: PlatformLeaks = PlatformLeaks()
    mutation: PlatformMutation = PlatformMutation()
    lifetime: Literal["scenario", "session"] = "scenario"
    start_timeout: float = Field(default=30.0, gt=0)
    step_timeout: float | None = Field(default=None, gt=0)
    stop_timeout: float = Field(default=5.0, gt=0)
    stderr: Literal["captured", "clean"] = "captured"
    stderr_patterns: tuple[str, ...] = ()

    @pydantic.field_validator("stderr_patterns")
    @classmethod
    def _compile(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(_checked, value))

    @pydantic.field_validator("roles")
    @classmethod
    def _in_lower_case(cls, value: dict[str, RolePart]) -> dict[str, RolePart]:
        return {name.lower(): part for name, part in value.items()}

    @pydantic.field_validator("plays")
    @classmethod
    def _lower(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(name.lower() for name in value)

    @pydantic.model_validator(mode="after")
    def _can_be_started(self) -> Self:
        for role in self.roles:
            if not self.can_play(role):
                raise ValueError(f"roles.{role}: it does not play this role: plays = {list(self.plays)}")
        own = {role for role, part in self.roles.items() if part.command}
        if not self.command and not (self.plays and own.issuperset(self.plays)):
            raise ValueError("command: it is missing; only where each role of `plays` has its own is none needed")
        return self

    def can_play(self, role: str) -> bool:
        """Whether it plays a role."""
        return not self.plays or role in self.plays

    def claims(self, capability: str, role: str) -> bool:
        """Whether it claims to be able to do something in a role."""
        part = self.roles.get(role)
        own = part.capabilities if part else None
        return capability in (self.capabilities if own is None else own)

    def differs(self, role: str) -> bool:
        """Whether it claims for a role something else than for the others."""
        return role in self.roles and self.roles[role].capabilities is not None

    def in_role(self, role: str) -> Platform:
        """Return it as it is started for a role."""
        part = self.roles.get(role)
        if part is None or not (part.command or part.environment):
            return self
        environment = {**self.environment, **part.environment}
        return self.model_copy(update={"command": part.command or self.command, "environment": environment})

    @property
    def commands(self) -> tuple[tuple[str, ...], ...]:
        """Every command by which it is started."""
        own = (part.command for part in self.roles.values())
        return tuple(dict.fromkeys(command for command in (self.command, *own) if command))

    @property
    def driver_command(self) -> tuple[str, ...]:
        """How a process is started that has the verbs of the contract; nothing if this platform has none."""
        return self.driver or (self.command if self.contract == "driver" else ())


def each_version(platforms: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entries of a project file with one more for each of the ``versions`` of an entry.

    ``NAME`` is the first version. ``NAME@VERSION``, which each of them is, too, plays only where it is named.
    ``{version}`` stands for the version in every text of the entry.

    Raises:
        ValueError: An entry has no version, one that is no word, or nothing in which they differ.
    """
    found: dict[str, Any] = {}
    for name, entry in platforms.items():
        if not isinstance(entry, Mapping) or "versions" not in entry:
            found[name] = entry
            continue
        rest = {key: value for key, value in entry.items() if key != "versions"}
        versions = entry["versions"]
        words = versions if isinstance(versions, list | tuple) else ()
        if not words or not all(isinstance(word, str) and _A_VERSION.fullmatch(word) for word in words):
            raise ValueError(f'{name}.versions: it is a list of versions, such as ["2.7.8", "2.7.9"]')
        if not any(_VERSION in text for text in _texts(rest)):
            raise ValueError(f"{name}.versions: nothing of the platform says {_VERSION}: all would be the same")
        found[name] = _of_version(rest, words[0])
        found.update({f"{name}@{word}": {**_of_version(rest, word), "opt_in": True} for word in words})
    return found


def base_name(platform: str) -> str:
    """Return the name of a platform without its version: ``mochi`` of ``mochi@2.7.8``."""
    return platform.partition("@")[0]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one)


def _of_version(value: Any, version: str) -> Any:
    if isinstance(value, str):
        return value.replace(_VERSION, version)
    if isinstance(value, Mapping):
        return {key: _of_version(one, version) for key, one in value.items()}
    return [_of_version(one, version) for one in value] if isinstance(value, list | tuple) else value
