"""`zerobuffer list`, `zerobuffer inspect NAME`, `zerobuffer clean`: what is on this machine, and whose it is."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any

from zerobuffer import inspection, ownership
from zerobuffer.errors import BufferInUseError, ZeroBufferError
from zerobuffer.inspection import BufferState

EXIT_OK = 0
EXIT_FAILED = 1

_EPILOG = "exit status: 0 done, 1 the buffer is not there or cannot be used, 2 wrong arguments"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        status: int = options.run(options)
    except ZeroBufferError as failure:
        _say(f"zerobuffer: {failure}", sys.stderr)
        return EXIT_FAILED
    except BrokenPipeError:
        return EXIT_OK
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="zerobuffer", description="Show and clean the shared-memory buffers of this machine.", epilog=_EPILOG
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    show = commands.add_parser("inspect", help="show the live state of one buffer", epilog=_EPILOG)
    show.add_argument("name", metavar="NAME", help="name of the buffer")
    show.add_argument("--json", action="store_true", help="print JSON")
    show.set_defaults(run=_inspect)

    every = commands.add_parser("list", help="show all buffers", epilog=_EPILOG)
    every.add_argument("--json", action="store_true", help="print JSON")
    every.set_defaults(run=_list)

    clean = commands.add_parser(
        "clean", help="remove what belongs to the dead; what a living reader owns is never touched", epilog=_EPILOG
    )
    clean.add_argument("names", metavar="NAME", nargs="*", help="only these buffers")
    clean.add_argument("--dry-run", action="store_true", help="only say what would be removed")
    clean.add_argument("--json", action="store_true", help="print JSON")
    clean.set_defaults(run=_clean)
    return parser


def _inspect(options: argparse.Namespace) -> int:
    state = inspection.inspect(options.name)
    if options.json:
        _say_json(state.as_dict())
        return EXIT_OK
    block = state.block
    rows = [
        ("buffer", state.name),
        ("reader", _owner(state.reader, block.reader_pid)),
        ("writer", _owner(state.writer, block.writer_pid)),
        ("fill", f"{_bar(state.fill)} {state.fill:.1%}"),
        ("pending frames", _or_unknown(state.pending)),
        ("free bytes", f"{block.payload_free_bytes} of {block.payload_size}"),
        ("write / read position", f"{block.payload_write_pos} / {block.payload_read_pos}"),
        ("written / read count", f"{block.payload_written_count} / {block.payload_read_count}"),
        ("metadata", f"{block.metadata_written_bytes} of {block.metadata_size} bytes written"),
        ("space tokens", _or_unknown(state.space_tokens)),
        ("protocol version", f"{block.version_major}.{block.version_minor}.{block.version_patch}"),
        ("segment", f"{state.segment_size} bytes, mode {state.mode}, uid {state.uid}"),
        ("lock file", "there" if state.locked else "missing"),
    ]
    width = max(len(label) for label, _ in rows)
    for label, value in rows:
        _say(f"{label:<{width}}  {value}")
    if state.stale:
        _say(f"\nIts reader is gone: 'zerobuffer clean {state.name}' removes it.")
    return EXIT_OK


def _list(options: argparse.Namespace) -> int:
    states = list(inspection.buffers())
    stray = inspection.stray_names()
    if options.json:
        _say_json({"buffers": [state.as_dict() for state in states], "stray": stray})
        return EXIT_OK
    if not states and not stray:
        _say("no buffers")
        return EXIT_OK
    if states:
        _table(("NAME", "READER", "WRITER", "PENDING", "FILL", "PAYLOAD"), [_line(state) for state in states])
    for name in stray:
        _say(f"{name}: semaphores or a lock file without a segment ('zerobuffer clean {name}' removes them)")
    return EXIT_OK


def _line(state: BufferState) -> tuple[str, ...]:
    return (
        state.name,
        _owner(state.reader, state.block.reader_pid),
        _owner(state.writer, state.block.writer_pid),
        _or_unknown(state.pending),
        f"{state.fill:.0%}",
        str(state.block.payload_size),
    )


def _clean(options: argparse.Namespace) -> int:
    stale = (state.name for state in inspection.buffers() if state.stale)
    candidates = options.names or sorted({*stale, *inspection.stray_names()})
    removed: list[str] = []
    kept: dict[str, str] = {}
    for name in candidates:
        try:
            if options.dry_run:
                if ownership.reader_alive(name):
                    raise BufferInUseError(name=name, pid=inspection.inspect(name).block.reader_pid)
                removed.append(name)
            elif ownership.remove_stale(name):
                removed.append(name)
            else:
                kept[name] = "there is nothing of that name"
        except ZeroBufferError as failure:
            kept[name] = str(failure)
    if options.json:
        _say_json({"removed": removed, "kept": kept, "dry_run": options.dry_run})
    else:
        for name in removed:
            _say(f"{'would remove' if options.dry_run else 'removed'} {name}")
        for name, reason in kept.items():
            _say(f"kept {name}: {reason}", sys.stderr)
        if not removed and not kept:
            _say("nothing to clean")
    # A candidate found by looking may have been taken over meanwhile; one that was named must go.
    return EXIT_FAILED if options.names and kept else EXIT_OK


def _owner(state: str, pid: int) -> str:
    return "-" if state == "none" else f"{pid} {state}"


def _or_unknown(value: int | None) -> str:
    return "?" if value is None else str(value)


def _bar(part: float, width: int = 20) -> str:
    full = round(part * width)
    return "[" + "#" * full + "." * (width - full) + "]"


def _table(headings: tuple[str, ...], lines: Sequence[tuple[str, ...]]) -> None:
    widths = [max(len(row[column]) for row in (headings, *lines)) for column in range(len(headings))]
    for row in (headings, *lines):
        _say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _say_json(value: Any) -> None:
    _say(json.dumps(value, indent=2))


def _say(text: str, stream: Any = None) -> None:
    print(text, file=stream or sys.stdout)
