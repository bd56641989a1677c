"""A run under way as it is drawn on a terminal: squares of each feature, what plays, how long it will take. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.text import Text

from harmony.model import Verdict
from harmony.report.progress import FeatureState, Playing, clock, tails
from harmony.report.under_way import UnderWay
from harmony.text import visible
from harmony.verdict.verdicts import MEANINGS, is_red

_SQUARES: Final = 10
_TILE: Final = 40
"""Characters that a feature takes."""
_MOST_TAIL: Final = 8
_GREEN, _RED, _MILD = (MEANINGS[one].style for one in (Verdict.PASSED, Verdict.FAILED, Verdict.KNOWN_FAILURE))


def panel(run: UnderWay, now: float, width: int, height: int, *, key: str = "", opened: bool = False) -> list[Text]:
    """Return the lines, never wider or more than there is room for.

    Args:
        run: How it stands.
        now: The time.
        width: Characters of a line.
        height: Lines of the terminal.
        key: What is pressed to open and close what roles have written on stderr; nothing where no key is read.
        opened: Whether that is open.
    """
    room = max(3, height - 2)
    head = [_head(run, now)]
    playing = run.longest()
    # What plays needs a line each, and more where somebody looks at it; features get the rest, at least a few lines.
    wanted = len(playing) + (_MOST_TAIL if opened else 0)
    tiles = _features(list(run.features.values()), width, max(1, room // 4, min(room // 2, room - 1 - wanted)))
    room -= len(head) + len(tiles)
    lines = [*head, *tiles, *_playing(playing, now, room, key, opened=opened)]
    for line in lines:
        line.truncate(width, overflow="ellipsis")
    return lines


def _head(run: UnderWay, now: float) -> Text:
    parts = [f"{run.ended} of {run.planned} cells", clock(run.seconds(now))] if run.planned else []
    left = run.left(now)
    if left is not None:
        parts.append(f"about {clock(left)} left")
    if counts := run.counts():
        parts.append(counts)
    if run.others:
        failed = f", {run.others_failed} failed" if run.others_failed else ""
        parts.append(f"{run.others} other tests{failed}")
    return Text(" · ".join(parts) or "preparing …", f"bold {_RED}" if run.red or run.others_failed else "bold")


def _features(features: Sequence[FeatureState], width: int, room: int) -> list[Text]:
    """Return squares in columns; of more features than have room, those that are red or under way first."""
    columns = max(1, min(width // _TILE, -(-len(features) // room)))
    most = columns * room
    if len(features) <= most:
        chosen, left = features, ""
    else:
        most -= columns
        urgent = sorted(features, key=_urgency)[: max(0, most)]
        chosen = [one for one in features if one in urgent]
        rest = [one for one in features if one not in urgent]
        done = sum(one.is_done for one in rest)
        left = f"and {len(rest)} more features: {done} done, {len(rest) - done} to come"
    each = width // columns
    rows = -(-len(chosen) // columns)
    lines = []
    for row in range(rows):
        line = Text(no_wrap=True)
        for one in chosen[row::rows]:
            tile = _tile(one)
            tile.truncate(each - 1, overflow="ellipsis", pad=True)
            line.append_text(tile).append(" ")
        line.rstrip()
        lines.append(line)
    return [*lines, *([Text(left, "dim")] if left else [])]


def _urgency(feature: FeatureState) -> int:
    if feature.red:
        return 0
    if feature.ended:
        return 3 if feature.is_done else 1
    return 2


def _tile(feature: FeatureState) -> Text:
    """Return ten squares that fill, how many cells they stand for, and the name."""
    ended = len(feature.ended)
    # Full is all, and only all; a single red cell is seen.
    filled = _part(ended, feature.total)
    red = min(filled, max(feature.red > 0, filled * feature.red // max(1, ended)))
    mild_cells = sum(verdict is not Verdict.PASSED and not is_red(verdict) for verdict in feature.ended.values())
    mild = min(filled - red, max(mild_cells > 0, filled * mild_cells // max(1, ended)))
    tile = Text.assemble(
        ("✗" * red, _RED),
        ("■" * (filled - red - mild), _GREEN),
        ("□" * mild, _MILD),
        ("·" * (_SQUARES - filled), "dim"),
    )
    tile.append(f" {f'{ended}/{feature.total}':>7} ")
    return tile.append(visible(feature.name), _RED if feature.red else "dim" if feature.is_done else "")


def _part(ended: int, total: int) -> int:
    if ended >= total:
        return _SQUARES
    return min(_SQUARES - 1, max(ended > 0, _SQUARES * ended // total))


def _playing(playing: Sequence[Playing], now: float, room: int, key: str, *, opened: bool) -> list[Text]:
    """Return what plays, the longest first; below what is late, if that is open, its stderr."""
    lines: list[Text] = []
    late = [one for one in playing if one.is_late(now)]
    looked_at = (late or list(playing))[:1] if opened else []
    hint = _hint(late, key, opened=opened)
    room -= bool(hint)
    for number, one in enumerate(playing):
        told = list(tails(one, _MOST_TAIL)) if one in looked_at else []
        told = told or (["nothing on stderr yet"] if one in looked_at else [])
        last = number == len(playing) - 1
        if len(lines) + (1 if last else 2) > room:
            if room > len(lines):
                lines.append(Text(f"  and {len(playing) - number} more play", "dim"))
            break
        style = "bold yellow" if one in late else ""
        mark = "! " if one in late else "  "
        lines.append(Text(f"{mark}{one.told(now):>8}  {one.name}  {visible(one.step)}".rstrip(), style))
        spare = max(0, room - len(lines) - (not last))
        lines += [Text(f"      {visible(text)}", "dim") for text in (told[-spare:] if spare else [])]
    if hint:
        lines.append(Text(hint, "dim"))
    return lines


def _hint(late: Sequence[Playing], key: str, *, opened: bool) -> str:
    if not key or not (late or opened):
        return ""
    return f"{key}: hide stderr" if opened else f"{key}: what it writes on stderr"
