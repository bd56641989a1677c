"""Which platforms can take part here, and how their drivers are started."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from harmony.errors import ConfigurationError
from harmony.perf.case import PerfCase
from harmony.perf.run import Partner
from harmony.platform_settings import Platform
from harmony.run.pool import spec_of, unavailable


def available_partners(platforms: Mapping[str, Platform], root: Path) -> tuple[dict[str, Partner], dict[str, str]]:
    """Return the platforms whose drivers can be started here, and why the others cannot.

    Args:
        platforms: Entries of the project file.
        root: Its directory.
    """
    found: dict[str, Partner] = {}
    missing: dict[str, str] = {}
    for name, platform in sorted(platforms.items()):
        command = platform.driver_command
        if not command:
            missing[name] = f'it has no driver: add driver = [...] to [platforms.{name}], or contract = "driver"'
            continue
        reason = unavailable(name, platform.model_copy(update={"command": command}), root)
        if reason:
            missing[name] = reason
            continue
        found[name] = Partner(spec_of(name, platform, command, root), platform.capabilities, platform.start_timeout)
    return found, missing


def require_platforms(names: Sequence[str], known: Mapping[str, Platform], missing: Mapping[str, str]) -> None:
    """Refuse platforms that were named and cannot take part.

    Raises:
        ConfigurationError: One is unknown, or cannot be started here.
    """
    for name in names:
        if name not in known:
            raise ConfigurationError(f"there is no platform {name!r}", hint=f"known are: {', '.join(sorted(known))}")
        if name in missing:
            raise ConfigurationError(f"{name}: {missing[name]}", hint="`harmony build` makes it, or leave it out")


def pairs(platforms: Sequence[str]) -> list[tuple[str, str]]:
    """Return every pairing of two roles."""
    return [(first, second) for first in sorted(platforms) for second in sorted(platforms)]


def roles_of(cases: Sequence[PerfCase]) -> str:
    """Return which roles a pairing names, such as ``reader_writer`` and ``client_server``."""
    return ", ".join(dict.fromkeys("_".join(sorted(case.roles)) for case in cases))
