"""Makes the contents of the site from its start page: a heading is a door, the pages linked below are its chapters."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

LINK = re.compile(r"\]\((?P<page>[^)#]+)\.md\)")


def contents(text: str, folder: str) -> str:
    """Return a hidden table of contents for each heading of a page, with the pages that no heading before it has."""
    seen: set[str] = set()
    tables = []
    for door in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        pages = [posixpath.normpath(posixpath.join(folder, page)) for page in LINK.findall(door)]
        new = [page for page in dict.fromkeys(pages) if page not in seen]
        seen.update(new)
        lines = "\n".join(f"/{page}" for page in new)
        tables.append(f"```{{toctree}}\n:hidden:\n:titlesonly:\n:caption: {door.splitlines()[0]}\n\n{lines}\n```\n")
    return "\n".join(tables)


def _add(app: Sphinx, page: str, source: list[str]) -> None:
    if page == app.config.root_doc:
        source[0] += "\n" + contents(source[0], posixpath.dirname(page))


def setup(app: Sphinx) -> dict[str, bool]:
    """Take part in reading the start page."""
    app.connect("source-read", _add)
    return {"parallel_read_safe": True}
