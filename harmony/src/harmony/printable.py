"""What an encoding has no character for is written in ASCII: one rule for all that harmony writes to a person."""

from __future__ import annotations

import codecs
import io
import os
import sys
from typing import Any, Final, TextIO

_RULE: Final = "harmony"
_INSTEAD: Final = {
    **dict(zip("■□✗█·↓→—µ", "#ox#.|>-u", strict=True)),
    **dict(zip("▁▂▃▄▅▆▇", ".:-=+*%", strict=True)),
    **dict.fromkeys("─━═╌", "-"),
    **dict.fromkeys("│┃║", "|"),
    **dict.fromkeys("┌┐└┘├┤┬┴┼╭╮╯╰", "+"),
    "…": "...",
}
"""Of what harmony draws with; of one width wherever columns depend on it."""


def _written(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    missing = error.object[error.start : error.end]
    return "".join(_INSTEAD.get(one) or one.encode("ascii", "backslashreplace").decode() for one in missing), error.end


codecs.register_error(_RULE, _written)


def adapt(*streams: Any) -> None:
    """Have streams follow the rule; what is no stream of a terminal, a pipe or a file is left as it is."""
    for stream in streams:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_RULE)


def copy_of_stdout() -> TextIO:
    """Return a stream to where stdout leads now, that nobody captures; whoever asks closes it."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding=encoding, errors=_RULE)
