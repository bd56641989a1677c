"""HTML from a template: one file with its style and script in it; every value is text there."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any, Final

from harmony.text import visible

_SHARED: Final = Path(__file__).with_name("templates")
_STYLE: Final = "page.css"


def render_template(template: Path, *scripts: str, **values: Any) -> str:
    """Return a template's text with values in their places.

    Args:
        template: The file; it may extend ``base.html``, whose policy lets nothing run but what is named here, and
            lets nobody be asked but, of a page that is ``live``, who has served it.
        *scripts: Names of shared files that become the one script of the page.
        **values: What the template shows.
    """
    import jinja2  # noqa: PLC0415 - few runs write a page

    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        loader=jinja2.FileSystemLoader([template.parent, _SHARED]),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_visible,
    )
    return environment.get_template(template.name).render(
        {"live": False, **values},
        style=_shared(_STYLE),
        script="".join(map(_shared, scripts)),
        hash_of=_hash,
    )


def _shared(name: str) -> str:
    return (_SHARED / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _visible(value: Any) -> Any:
    # What a macro has made is markup already, and of visible values; so are style and script, which are ours.
    return visible(value) if type(value) is str else value
