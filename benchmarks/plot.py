"""A plot without a plotting library: throughput over frame size, both logarithmic, as SVG."""

import math
from html import escape

from benchmarks import results as metric
from benchmarks.plan import SIZES, Case, Kind, Placement, size_text
from benchmarks.results import Results

_WIDTH, _HEIGHT = 980, 560
_LEFT, _RIGHT, _TOP, _BOTTOM = 80, 250, 50, 60
_COLOURS = (
    "#000000", "#777777", "#d62728", "#ff9896", "#e377c2", "#1f77b4", "#2ca02c", "#ff7f0e",
    "#9467bd", "#8c564b", "#17becf", "#bcbd22", "#7f7fff", "#5fa55f", "#aa6688",
)  # fmt: skip


def _x(size: int) -> float:
    low, high = math.log2(SIZES[0]), math.log2(SIZES[-1])
    return _LEFT + (math.log2(size) - low) / (high - low) * (_WIDTH - _LEFT - _RIGHT)


def _y(rate: float, decades: tuple[int, int]) -> float:
    low, high = decades
    return _HEIGHT - _BOTTOM - (math.log10(rate) - low) / (high - low) * (_HEIGHT - _TOP - _BOTTOM)


def throughput_svg(results: Results, placement: Placement, where: str) -> str:
    """Frames per second of everybody over frame size."""
    series: dict[str, list[tuple[int, float]]] = {}
    for size in SIZES:
        case = Case(Kind.ONE_WAY, size, placement)
        for name in results.contenders(case):
            spread = results.spread(case, name, metric.FRAMES_PER_SECOND)
            if spread:
                series.setdefault(name, []).append((size, spread.median))
    rates = [rate for points in series.values() for _, rate in points] or [1.0, 10.0]
    decades = (math.floor(math.log10(min(rates))), math.ceil(math.log10(max(rates)) + 1e-9))
    parts = [
        f'<svg font-size="12" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        f'<text x="{_LEFT}" y="28">One way, frames per second ({escape(placement)}, {escape(where)})</text>',
    ]
    for decade in range(decades[0], decades[1] + 1):
        y = _y(10.0**decade, decades)
        parts.append(f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#dddddd"/>')
        parts.append(f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{10**decade:,}</text>')
    for size in SIZES:
        x = _x(size)
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}" stroke="#eeeeee"/>')
        parts.append(f'<text x="{x:.1f}" y="{_HEIGHT - _BOTTOM + 20}" text-anchor="middle">{size_text(size)}</text>')
    for index, (name, points) in enumerate(series.items()):
        colour = _COLOURS[index % len(_COLOURS)]
        line = " ".join(f"{_x(size):.1f},{_y(rate, decades):.1f}" for size, rate in points)
        thick = 3 if name.startswith("zerobuffer") and name != "zerobuffer-ipc" else 1.5
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="{thick}"/>')
        parts += [f'<circle cx="{_x(s):.1f}" cy="{_y(r, decades):.1f}" r="3" fill="{colour}"/>' for s, r in points]
        y = _TOP + 12 + 20 * index
        parts.append(f'<rect x="{_WIDTH - _RIGHT + 20}" y="{y - 9}" width="14" height="10" fill="{colour}"/>')
        parts.append(f'<text x="{_WIDTH - _RIGHT + 40}" y="{y}">{escape(name)}</text>')
    return "\n".join([*parts, "</svg>", ""])
