"""What a contract said of its verbs when a driver was generated: written below its code, and read back. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from typing import Final

from harmony.new_driver.shapes import VerbShape

_TITLE: Final = "Verbs, as the contract had them when this was written; `timeout` is in each:"
_WIDTH: Final = 100


def remembered(verbs: Iterable[VerbShape], sign: str) -> str:
    """Return what a generated file remembers, as comments that begin with a sign."""
    lines = [_TITLE]
    for verb in verbs:
        lines += textwrap.wrap(
            str(verb), _WIDTH, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
        )
    return "".join(f"{sign} {line}\n" for line in lines)


def recalled(text: str) -> dict[str, str]:
    """Return what a generated file remembers of each verb; nothing where an earlier version has written it."""
    _, _, below = text.partition(f" {_TITLE}\n")
    verbs: list[str] = []
    for line in below.splitlines():
        said = line.partition(" ")[2]
        if said.startswith(" ") and verbs:
            verbs[-1] += f" {said.strip()}"
        else:
            verbs.append(said)
    return {verb.partition("(")[0]: verb for verb in verbs}
