"""What a run has left outside of this process, by the probes of its project: found, removed, and whose it was."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

PROBE_PATIENCE: Final = 40.0
"""Seconds that a probe may take."""
LeakProbe = Callable[[str], Iterable[str | tuple[str, int]]]
"""Given the id of a run (``<host pid>_<feature id>``), names what of that run still exists, and, where it can tell, the
process that has to release it."""
Excuse = Callable[[int], bool]
"""Whether what a process should have released is nobody's fault; 0 stands for one that nobody knows."""


@dataclass(frozen=True, slots=True)
class Remains:
    """What is left.

    Attributes:
        owners: What exists, and which process has to release it; 0 where nobody knows.
        broken: Which probes could not look, and why.
    """

    owners: Mapping[str, int] = field(default_factory=dict)
    broken: tuple[str, ...] = ()

    def beyond(self, before: Remains) -> Remains:
        """Return what has come since."""
        return Remains({name: pid for name, pid in self.owners.items() if name not in before.owners}, self.broken)

    def told(self, excuse: Excuse) -> list[str]:
        """Return what is to be said of it."""
        left = sorted(name for name, pid in self.owners.items() if not excuse(pid))
        return [*([f"left behind (removed now): {', '.join(left)}"] if left else []), *self.broken]

    def remove(self) -> None:
        """Remove it, whoever is at fault."""
        for path in map(Path, self.owners):
            with contextlib.suppress(OSError):
                path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()


def look(probes: Iterable[LeakProbe], run_id: str) -> Remains:
    """Return what of a run still exists, as far as the probes can tell."""
    owners: dict[str, int] = {}
    broken: list[str] = []
    for probe in probes:
        try:
            owners |= _asked(probe, run_id)
        except Exception as error:  # noqa: BLE001 - a project's own code
            name = getattr(probe, "__qualname__", repr(probe))
            broken.append(f"the probe {name} could not look: {type(error).__name__}: {error}")
    return Remains(owners, tuple(broken))


def _asked(probe: LeakProbe, run_id: str) -> dict[str, int]:
    """Return what a probe finds. One that hangs is left alone in its thread."""
    answer: Future[dict[str, int]] = Future()

    def ask() -> None:
        try:
            answer.set_result(dict((found, 0) if isinstance(found, str) else found for found in probe(run_id)))
        except BaseException as error:  # noqa: BLE001 - it belongs to whoever waits
            answer.set_exception(error)

    threading.Thread(target=ask, name="leak probe", daemon=True).start()
    try:
        return answer.result(PROBE_PATIENCE)
    except TimeoutError:
        if answer.done():
            raise
        raise TimeoutError(f"no end within {PROBE_PATIENCE:g} s") from None


def excuse_of(killed: Collection[int], *, deadly: bool) -> Excuse:
    """Return what excuses a scenario: nobody can release what belongs to a process that it has killed.

    Args:
        killed: The processes that it has killed, as far as they are known.
        deadly: Whether it kills any: then what belongs to nobody in particular may have been theirs.
    """
    return lambda pid: pid in killed if pid else deadly
