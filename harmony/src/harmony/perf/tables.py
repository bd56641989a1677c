"""The result tables for a terminal: a heat map for each case, with the numbers in it. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from rich.table import Table
from rich.text import Text

from harmony.perf.figures import Figure, ResultTable, State, short

_COLD = (38, 70, 120)
_WARM = (201, 96, 14)


def heading(table: ResultTable) -> str:
    """Return what a result table is about, on one line."""
    rows, columns = table.roles
    unit = table.case.unit
    return f"{table.case.title}: {unit}, {table.case.better} is better; rows {rows}, columns {columns}"


def relative(figure: Figure) -> str:
    """Return how fast a cell is beside the fastest, with the spread over the rounds."""
    return f"{_ratio(figure.relative)} ({_ratio(figure.low)}-{_ratio(figure.high)})"


def amount(table: ResultTable, figure: Figure) -> str:
    """Return the number itself, in all its units."""
    also = table.case.also
    more = f" · {short(figure.median * also.factor, also.unit)}" if also else ""
    return f"{short(figure.median)}{more}"


def word(figure: Figure | None) -> str:
    """Return what stands in a cell without a number."""
    if figure is None:
        return ""
    return "FAIL" if figure.state is State.FAILED else "n/a"


def heat_map(table: ResultTable) -> Table:
    """Return a result table as a heat map."""
    found = Table(box=None, header_style="bold", pad_edge=False, title=Text(heading(table)), title_justify="left")
    found.add_column("", no_wrap=True)
    for platform in table.platforms:
        found.add_column(Text(platform), justify="center", no_wrap=True)
    for row in table.platforms:
        cells = [_cell(table, table.figures.get((row, column))) for column in table.platforms]
        found.add_row(Text(row, "bold"), *cells)
    return found


def table_lines(table: ResultTable) -> list[str]:
    """Return a result table as lines for a file or a pipe."""
    lines = [heading(table)]
    names = {pairing: "_".join(pairing) for pairing in table.figures}
    left = max(map(len, names.values()), default=0)
    for pairing, figure in table.figures.items():
        said = (
            f"{relative(figure)}  {amount(table, figure)}"
            if figure.state is State.MEASURED
            else f"{word(figure)}: {figure.reason.partition(chr(10))[0]}"
        )
        lines.append(f"  {names[pairing]:<{left}}  {said}")
    return lines


def reasons(tables: tuple[ResultTable, ...]) -> Iterator[str]:
    """Name why cells have no number, each reason once."""
    seen: dict[tuple[State, str], list[str]] = {}
    for table in tables:
        for figure in table.figures.values():
            if figure.state is not State.MEASURED:
                place = f"{table.case.name} {'_'.join(figure.pairing)}"
                seen.setdefault((figure.state, figure.reason), []).append(place)
    for (state, reason), places in seen.items():
        more = f" and {len(places) - 3} more" if len(places) > 3 else ""
        yield f"{state}: {', '.join(places[:3])}{more}: {reason}"


def _cell(table: ResultTable, figure: Figure | None) -> Text:
    if figure is None or figure.state is not State.MEASURED:
        return Text(word(figure), "bold red" if figure is not None and figure.state is State.FAILED else "dim")
    return Text(
        f" {relative(figure)} \n {amount(table, figure)} ", f"white on {_colour(figure.heat)}", justify="center"
    )


def _ratio(value: float) -> str:
    return f"{value:.2f}" if value >= 0.095 else f"{value:.3f}"


def _colour(heat: float) -> str:
    red, green, blue = (round(cold + (warm - cold) * heat) for cold, warm in zip(_COLD, _WARM, strict=True))
    return f"rgb({red},{green},{blue})"
