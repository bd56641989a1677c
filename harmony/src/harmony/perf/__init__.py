"""``harmony perf``: how fast each pairing of implementations is, measured in one interleaved run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harmony.lazy import loaded

if TYPE_CHECKING:
    from harmony.perf.case import Alternative as Alternative
    from harmony.perf.case import Better as Better
    from harmony.perf.case import MeasureContext as MeasureContext
    from harmony.perf.case import PerfCase as PerfCase
    from harmony.perf.case import PerfCases as PerfCases
    from harmony.perf.partners import available_partners as available_partners
    from harmony.perf.run import Partner as Partner

_PUBLIC = {
    "harmony.perf.case": ("Alternative", "Better", "MeasureContext", "PerfCase", "PerfCases"),
    "harmony.perf.partners": ("available_partners",),
    "harmony.perf.run": ("Partner",),
}
__all__ = sorted(name for names in _PUBLIC.values() for name in names)  # noqa: PLE0605 - it is a list of names


def __getattr__(name: str) -> Any:
    return loaded(__name__, _PUBLIC, name)
