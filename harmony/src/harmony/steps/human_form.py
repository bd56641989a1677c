"""A pattern as a person reads it: ``the '<process>' process counts <coins> coins``. Pure."""

from __future__ import annotations

import re
from typing import Final

from harmony.spec.sentence import GAP, normalised
from harmony.steps.binding import DOC_STRING, TABLE, parameters_of
from harmony.steps.registry import StepDefinition

_OPEN, _CLOSE = "\ue000", "\ue001"
"""Around the name of an argument, as long as the rest is still a pattern: nobody writes these characters."""
_ESCAPED: Final = re.compile(r"\\([^\w\s])")
_CLASS: Final = re.compile(r"(?:\[\^?\]?[^\]]*\]|\\[dwsDWS]|\.(?=[*+{]))(?:[*+?]\??|\{[\d,]*\})?")
_GROUP: Final = re.compile(r"\((\?P<(?P<name>\w+)>|\?:|\?[=!<i][^()]*)?([^()]*)\)(?P<times>[*+?]\??|\{[\d,]*\})?")
_FIELD: Final = re.compile(r"\{(\w*)[^{}]*\}")
_QUIET: Final = re.compile(r"\\[bBAZ]|[\^$]")


def human_form(definition: StepDefinition) -> str:
    """Return a pattern as a sentence with the names of its arguments; what may be left out stands in brackets."""
    text = normalised(definition.pattern)
    if definition.kind == "string":
        return text
    marked = _FIELD.sub(rf"{_OPEN}\1{_CLOSE}", text) if definition.kind in {"parse", "cfparse"} else _of_regex(text)
    named = set(re.findall(f"{_OPEN}(\\w+){_CLOSE}", marked)) | {TABLE, DOC_STRING}
    free = iter([one.name for one in parameters_of(definition) if one.name not in named])
    return re.sub(f"{_OPEN}(\\w*){_CLOSE}", lambda found: f"<{found[1] or next(free, 'value')}>", marked)


def _of_regex(text: str) -> str:
    # A sign that is escaped is itself, and opens and closes nothing: it waits as another character.
    text = _ESCAPED.sub(lambda found: chr(0xE100 + ord(found[1])), text)
    text = _CLASS.sub(GAP, text)
    while (shorter := _GROUP.sub(_group, text)) != text:
        text = shorter
    text = re.sub(rf"([^\s{_CLOSE}])\?", r"[\1]", _QUIET.sub("", text))
    text = text.replace(f"'{GAP}' process", "'<process>' process")
    return re.sub("[\ue120-\ue17e]", lambda found: chr(ord(found[0]) - 0xE100), text)


def _group(found: re.Match[str]) -> str:
    kind = found[1] or ""
    if kind.startswith("?P<"):
        return f"{_OPEN}{found['name']}{_CLOSE}"
    if not kind:
        return f"{_OPEN}{_CLOSE}"
    if kind != "?:":
        return ""
    inside = found[3].replace("|", "/")
    return f"[{inside}]" if (found["times"] or "").startswith(("?", "*", "{0")) else inside
