"""What played: each platform with its implementation and version, and who has told it. Pure: events in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from harmony.text import shown
from harmony.verdict.events import CellFinished, Event, RunStarted, WorkerStarted

_LONGEST: Final = 80


@dataclass(frozen=True, slots=True)
class Implementation:
    """What a platform is.

    Attributes:
        platform: Its name.
        version: Of the implementation, as a command of the project has printed it; empty where none was asked.
        drivers: How its drivers have introduced themselves: name, version, language.
        family: A word that it has in common with those that share code with it.
    """

    platform: str
    version: str = ""
    drivers: tuple[str, ...] = ()
    family: str = ""

    def __str__(self) -> str:
        """Return it on one line, with who has told it."""
        drivers = ", ".join(self.drivers)
        if not self.version:
            return f"{drivers}, as its driver says" if drivers else "version unknown: neither a driver nor a command"
        return f"{self.version}, as its command says" + (f"; driver: {drivers}" if drivers else "")


def implementations(events: Iterable[Event]) -> list[Implementation]:
    """Return what has played in runs, by name; what several shards tell otherwise stands side by side."""
    versions: dict[str, dict[str, None]] = {}
    drivers: dict[str, dict[str, None]] = {}
    families: dict[str, str] = {}
    players: set[str] = set()
    for event in events:
        match event:
            case RunStarted():
                families |= event.families
                for name, version in event.versions.items():
                    versions.setdefault(name, {})[shown(version, _LONGEST)] = None
            case WorkerStarted() if event.implementation or event.version:
                language = f" ({event.language})" if event.language else ""
                told = shown(f"{event.implementation} {event.version}".strip() + language, _LONGEST)
                drivers.setdefault(event.platform, {})[told] = None
                players.add(event.platform)
            case CellFinished():
                players |= set(event.pairing.values())
            case _:
                pass
    return [
        Implementation(
            name, ", ".join(versions.get(name, ())), tuple(sorted(drivers.get(name, ()))), families.get(name, "")
        )
        for name in sorted(players)
        if name in versions or name in drivers or name in families
    ]
