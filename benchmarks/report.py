"""Tables for the terminal."""

from rich.console import Console
from rich.table import Table

from benchmarks import results as metric
from benchmarks.machine import Cores
from benchmarks.plan import Case, Kind, Placement, size_text
from benchmarks.results import Results, Spread
from benchmarks.targets import LIMITS, State, TargetVerdict

_COLUMN = {Kind.BATCH: "256 x {}", Kind.WHOLE: "{}\nread whole", Kind.SNUG: "{}\nsnug"}
_STYLE = {State.REACHED: "green", State.MISSED: "red", State.UNKNOWN: "yellow"}


def _rate(spread: Spread | None) -> str:
    if spread is None:
        return "-"

    def text(value: float) -> str:
        return f"{value / 1e6:.2f} M" if value >= 1e6 else f"{value / 1e3:.3g} k" if value >= 1e3 else f"{value:.3g}"

    return f"{text(spread.median)}\n[dim]{text(spread.low)} - {text(spread.high)}[/dim]"


def _microseconds(spread: Spread | None) -> str:
    return "-" if spread is None else f"{spread.median / 1e3:.2f}"


def _one_way_table(results: Results, cases: list[Case], placement: Placement, cores: Cores) -> Table:
    table = Table(
        title=f"One way, frames/s, {placement} ({cores.text(placement)}): median, min - max; x the better C ring"
    )
    table.add_column("contender")
    for case in cases:
        table.add_column(_COLUMN.get(case.kind, "{}").format(size_text(case.size)), justify="right")
    names = list(
        dict.fromkeys(
            name for case in cases for name in (*results.contenders(case), *results.failures.get(case.key, {}))
        )
    )
    for name in names:
        row = [name]
        for case in cases:
            spread = results.spread(case, name, metric.FRAMES_PER_SECOND)
            limit = results.best(case, LIMITS)
            ratio = results.ratio(case, name, limit) if limit else None
            share = f" [bold]{ratio.median:.2f}x[/bold]" if ratio else ""
            failed = "failed" if name in results.failures.get(case.key, {}) else "-"
            row.append(_rate(spread) + share if spread else failed)
        table.add_row(*row)
    return table


def _round_trip_table(results: Results, cases: list[Case], cores: Cores) -> Table:
    table = Table(title="Round trip, us: median over the repeats of p50 / p99 / p99.9")
    table.add_column("contender")
    for case in cases:
        table.add_column(f"{size_text(case.size)}\n{case.placement}\n{cores.text(case.placement)}", justify="right")
    for name in dict.fromkeys(name for case in cases for name in results.contenders(case)):
        cells = (
            " / ".join(
                _microseconds(results.spread(case, name, which)) for which in (metric.P50, metric.P99, metric.P999)
            )
            for case in cases
        )
        table.add_row(name, *cells)
    return table


def _cpu_table(results: Results, cases: list[Case], cores: Cores) -> Table:
    table = Table(title="CPU per frame, ns: producer + consumer (median)")
    table.add_column("contender")
    for case in cases:
        table.add_column(f"{size_text(case.size)}\n{cores.text(case.placement)}", justify="right")
    for name in dict.fromkeys(name for case in cases for name in results.contenders(case)):
        cells = []
        for case in cases:
            sides = [results.spread(case, name, side) for side in (metric.PRODUCER_CPU, metric.CONSUMER_CPU)]
            cells.append(" + ".join(f"{side.median:.0f}" if side else "-" for side in sides))
        table.add_row(name, *cells)
    return table


def _targets_table(verdicts: list[TargetVerdict], cores: Cores) -> Table:
    table = Table(title="Targets")
    for column in ("what", "cores", "to reach", "measured: median (min - max)", ""):
        table.add_column(column, overflow="fold")
    for verdict in verdicts:
        where = f"{verdict.placement} ({cores.text(Placement(verdict.placement))})"
        style = _STYLE[verdict.state]
        table.add_row(verdict.subject, where, verdict.target, verdict.measured, f"[{style}]{verdict.state}[/{style}]")
    return table


def show(console: Console, results: Results, cases: list[Case], verdicts: list[TargetVerdict], cores: Cores) -> None:
    """Everything a person wants to see."""
    measured = [case for case in cases if case.key in results.repeats]
    for placement in Placement:
        one_way = [case for case in measured if case.kind in {Kind.ONE_WAY, *_COLUMN} and case.placement is placement]
        if one_way:
            console.print(_one_way_table(results, one_way, placement, cores))
    round_trips = [case for case in measured if case.kind is Kind.ROUND_TRIP]
    if round_trips:
        console.print(_round_trip_table(results, round_trips, cores))
    small = [case for case in measured if case.kind is Kind.ONE_WAY and case.size <= 4096]
    if small:
        console.print(_cpu_table(results, small, cores))
    console.print(_targets_table(verdicts, cores))
    for key, count in results.disturbed.items():
        console.print(
            f"[yellow]{key}: {count} repeats were disturbed by other work on this machine[/yellow]", soft_wrap=True
        )
    for name, why in results.absent.items():
        console.print(f"[yellow]{name}: {why}[/yellow]", soft_wrap=True)
    for key, failures in results.failures.items():
        for name, why in failures.items():
            console.print(f"[yellow]{key}: {name} failed: {why}[/yellow]", soft_wrap=True)
