"""What stands in the pages of the documentation: links, headings, code, and the commands that are told."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

from page_blocks import blocks_of

ROOT: Final = Path(__file__).parents[2]
PATTERNS: Final = (
    "*.md",
    "docs/**/*.md",
    "harmony/*.md",
    "harmony/docs/*.md",
    "drivers/*/README.md",
    "examples/**/*.md",
    "subjects/*/*.md",
)

_PROGRAMS: Final = (
    "apt-get|cargo|cmake|ctest|git|go|harmony|lint-imports|make|mypy|nox|npm|pip|pre-commit|pytest|python|ruff|set|sh"
    "|sphinx-build|uv|zerobuffer"
)
_PROMPT: Final = "$ "
_WORDS: Final = rf"(?:[\w./-]*/)?(?:{_PROGRAMS}|\w+\.sh)(?=\s|$)"
_COMMAND: Final = re.compile(rf"(?:[A-Z_]+=(?:'[^']*'|\S+) )*{_WORDS}")
_REMARK: Final = re.compile(r"\s+#\s.*|\s{4,}.*")


@dataclass(frozen=True)
class Block:
    """A piece of a page that is set as code, between fences or indented.

    Attributes:
        page: Of which page, relative to the root.
        language: What its fence says; empty for an indented block.
        text: Its lines.
    """

    page: str
    language: str
    text: str

    @property
    def commands(self) -> tuple[str, ...]:
        """The commands that it tells, without prompt and remark."""
        if self.language not in {"", "sh", "console"}:
            return ()
        lines = [_REMARK.sub("", line) for line in re.sub(r"\\\n\s*", "", self.text).splitlines()]
        prompted = [line.removeprefix(_PROMPT) for line in lines if line.startswith(_PROMPT)]
        return tuple(prompted or [line for line in lines if self.language == "sh" or _COMMAND.match(line)])


def pages() -> list[str]:
    """Return every page, relative to the root."""
    return sorted({path.relative_to(ROOT).as_posix() for pattern in PATTERNS for path in ROOT.glob(pattern)})


def blocks(page: str) -> list[Block]:
    """Return what a page sets as code."""
    return [Block(page, one.kind, one.text) for one in blocks_of((ROOT / page).read_text("utf-8"))]


def code(page: str) -> list[str]:
    """Return what a forge, and the site, show as code on a page."""
    return [token.content for token in _tokens(page) if token.type in {"fence", "code_block"}]


def targets(page: str) -> Iterator[str]:
    """Yield where the links and pictures of a page lead."""
    for token in _tokens(page):
        for child in token.children or ():
            if found := child.attrs.get("href") or child.attrs.get("src"):
                yield str(found)


def titles(page: str) -> int:
    """Return how many headings of the first order a page has."""
    return sum(token.type == "heading_open" and token.tag == "h1" for token in _tokens(page))


def anchors(page: str) -> set[str]:
    """Return the names under which a forge, and the site, show the headings of a page."""
    tokens = _tokens(page)
    headings = (tokens[index + 1] for index, token in enumerate(tokens) if token.type == "heading_open")
    texts = ("".join(child.content for child in token.children or ()) for token in headings)
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in texts}


@functools.cache
def _tokens(page: str) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse((ROOT / page).read_text("utf-8"))
