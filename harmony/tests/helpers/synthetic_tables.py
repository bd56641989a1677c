"""Result tables that no run has given."""

from __future__ import annotations

from harmony.perf.case import Alternative, Better, MeasureContext, PerfCase
from harmony.perf.figures import Record, ResultTable, result_table


async def never(_drivers: object, _context: MeasureContext) -> float:
    raise AssertionError("nothing is measured here")


def a_case(better: Better = Better.MORE, name: str = "boil", unit: str = "cups/s") -> PerfCase:
    also = Alternative("l/s", 0.25) if better is Better.MORE else None
    return PerfCase(name, f"How well they {name}", unit, better, ("guest", "cook"), never, also=also)


def boiling() -> ResultTable:
    records = {
        ("go", "go"): Record([100.0, 90.0, 120.0]),
        ("go", "rust"): Record([50.0, 40.0, 52.0]),
        ("rust", "go"): Record([400_000.0], failure="<broken> & burnt\nsecond line"),
        ("rust", "rust"): Record(lack="rust does not claim steam"),
    }
    return result_table(a_case(), records)


def waiting() -> ResultTable:
    records = {("go", "go"): Record([20.0, 10.0, 40.0]), ("go", "rust"): Record([8.0, 10.0, 12.0])}
    return result_table(a_case(Better.LESS, "wait", "µs"), records)
