"""What pages set as code, by fences or indented, and whether what they show of a terminal is what is seen."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_BLOCK: Final = re.compile(
    r"(?:^<!-- (?P<above>[^\n]*) -->\n)?^```(?P<kind>[^\n`]*)\n(?P<text>.*?)^```$"
    r"|(?<=\n\n)(?P<indented> {4}[^\n]+\n(?:\n*^ {4}[^\n]+\n)*)",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """A block of a page: the comment right above it, its kind, which none has that is indented, its text."""

    above: str
    kind: str
    text: str

    def commands(self) -> list[tuple[str, list[str]]]:
        """Return each command, and the lines that it shows; none where it is no terminal."""
        parts = re.split(r"^\$ ", self.text, flags=re.MULTILINE)[1:] if self.kind == "console" else []
        return [(command, shown.splitlines()) for command, _, shown in (part.partition("\n") for part in parts)]


def blocks_of(page: str) -> Iterator[Block]:
    for found in _BLOCK.finditer(page):
        text = found["text"] or re.sub(r"^ {4}", "", found["indented"] or "", flags=re.MULTILINE)
        yield Block(found["above"] or "", found["kind"] or "", text)


def texts_of(page: str, kind: str) -> list[str]:
    """Return the texts of the blocks of a kind."""
    return [block.text for block in blocks_of(page) if block.kind == kind]


def assert_shown(lines: list[str], seen: str) -> None:
    """See each line in what is seen, one behind the other; `…` stands for some that the page leaves out."""
    rest = seen.splitlines()
    gap = False
    for line in lines:
        if line == "…":
            gap = True
            continue
        candidates = rest if gap else rest[:1]
        found = next((at for at, one in enumerate(candidates) if one.rstrip() == line), None)
        assert found is not None, f"{line!r} is not seen in:\n{seen}"
        rest, gap = rest[found + 1 :], False
    assert gap or not rest, f"more is seen:\n{seen}"
