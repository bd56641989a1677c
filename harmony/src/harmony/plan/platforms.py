"""Platforms as a command line names them: ``mine`` chooses one, ``mine=./build/driver`` brings one."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from harmony.config import Settings
from harmony.plan.pairing import PairingRequest, UnknownPairingError, parse_roles
from harmony.platform_settings import Platform
from harmony.suggestion import did_you_mean

_NAME: Final = re.compile(r"[^\W\d][\w.-]*(?:@[\w.+-]+)?")


@dataclass(frozen=True, slots=True)
class NamedPlatforms:
    """What ``--platform`` says.

    Attributes:
        chosen: The platforms that alone play; all if there are none.
        brought: The command of each platform that the project has not got, or not so.
    """

    chosen: frozenset[str] = frozenset()
    brought: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, entries: Iterable[str], here: Path) -> NamedPlatforms:
        """Read entries such as ``go`` and ``mine=./build/driver --fast``.

        Args:
            entries: As they were given.
            here: Where they were given: paths that begin with a dot, and a program with a slash, start there.

        Raises:
            UnknownPairingError: One has no name, or no command behind its ``=``.
        """
        chosen: set[str] = set()
        brought: dict[str, tuple[str, ...]] = {}
        for entry in entries:
            name, equals, command = (part.strip() for part in entry.partition("="))
            words = _words(command)
            if not _NAME.fullmatch(name) or bool(equals) != bool(words):
                hint = "write --platform NAME, or --platform NAME=COMMAND such as mine=./build/driver"
                raise UnknownPairingError(f"--platform {entry}: no platform", hint=hint)
            if equals:
                brought[name] = (_from(here, words[0], program=True), *(_from(here, word) for word in words[1:]))
            else:
                chosen.add(name)
        return cls(frozenset(chosen | brought.keys() if chosen else ()), brought)

    def added_to(self, settings: Settings) -> Settings:
        """Return settings with what is brought: a driver where the project has a contract, or else a step worker.

        What the project says of a platform of that name stays, but for how it is made and started.

        Raises:
            UnknownPairingError: A platform that is chosen is not there.
        """
        contract = "driver" if settings.driver.contract else "steps"
        known = dict(settings.platforms)
        for name, command in self.brought.items():
            said = _of_whatever_program(known[name]) if name in known else {}
            place = {"directory": Path()} if name in known else {}
            known[name] = Platform.model_validate({**said, **place, "command": command, "contract": contract})
        for name in sorted(self.chosen - known.keys()):
            raise UnknownPairingError(f"there is no platform {name!r}", hint=did_you_mean(name, sorted(known)))
        return settings.model_copy(update={"platforms": known})


def _of_whatever_program(platform: Platform) -> dict[str, Any]:
    """Return what a project says of a platform but for how it is made and started."""
    made = {"command", "build", "sources", "requires", "driver", "listen", "version"}
    claims = {
        role: {"capabilities": part.capabilities}
        for role, part in platform.roles.items()
        if part.capabilities is not None
    }
    return {**platform.model_dump(exclude=made), "roles": claims}


STRENGTHS: Final = {"every": 0, "pairwise": 2, "each": 1}
"""What ``pairings`` of a project means; see `PairingRequest`."""


def strength_of(settings: Settings, *, few: bool, every: bool) -> int:
    """Return how many pairings are enough: as a command line says, or else the project.

    Raises:
        UnknownPairingError: The command line says both.
    """
    if few and every:
        raise UnknownPairingError("--pairwise and --all-pairings are opposites", hint="give one of them")
    return 2 if few else 0 if every else STRENGTHS[settings.pairings]


def playing(platforms: Mapping[str, Platform], request: PairingRequest) -> dict[str, Platform]:
    """Return the platforms that may play in what is asked for: those that are named, and those that need not be.

    Raises:
        UnknownPairingError: A word names no platforms, or one for a role that it does not play.
    """
    for entries in (request.roles, *(parse_roles([word], platforms) for word in request.words if "=" in word)):
        for role, name in entries.items():
            if not platforms[name].can_play(role):
                others = [one for one, platform in platforms.items() if platform.can_play(role)]
                raise UnknownPairingError(
                    f"{name} does not play the role {role!r}: it plays {', '.join(platforms[name].plays)}",
                    hint=f"this role is played by {', '.join(others) or 'nobody'}",
                )
    named = request.named(platforms)
    return {name: platform for name, platform in platforms.items() if not platform.opt_in or name in named}


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError as error:
        raise UnknownPairingError(f"--platform …={command}: {error}", hint="close the quotation") from error


def _from(here: Path, word: str, *, program: bool = False) -> str:
    """Return a word with a relative path made absolute: a platform starts in the project's directory."""
    relative = word.startswith(("./", "../")) or (program and "/" in word)
    return str((here / word).absolute()) if relative else word
