"""HTML from a template; every value is text in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harmony.text import visible


def render_template(template: Path, **values: Any) -> str:
    """Return a template's text with values in their places."""
    import jinja2  # noqa: PLC0415 - few runs write a page

    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_visible,
    )
    return environment.from_string(template.read_text(encoding="utf-8")).render(values)


def _visible(value: Any) -> Any:
    # What a macro has made is markup already, and of visible values.
    return visible(value) if type(value) is str else value
