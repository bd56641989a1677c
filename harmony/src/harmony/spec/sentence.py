"""Sentences as text: how they are compared, and what a method for a new one looks like."""

from __future__ import annotations

import re
from typing import Final

from harmony.model import StepType


def normalised(sentence: str) -> str:
    """Return a sentence as it is matched: without surrounding blanks and the trailing ';' that some authors write."""
    return sentence.strip().rstrip(";").rstrip()


_ARGUMENT: Final = re.compile(r"'([^']*)'|\"([^\"]*)\"|(?<![\w.])(\d+)(?![\w.])")


GAP: Final = "…"
"""Stands for an argument that is left out."""


def outline(sentence: str) -> str:
    """Return a sentence without its arguments: the words in quotes, and the numbers."""
    return _ARGUMENT.sub(lambda found: GAP if found[3] else f"{found[0][0]}{GAP}{found[0][0]}", sentence)


def values(sentence: str) -> list[str]:
    """Return the arguments of a sentence, without quotes."""
    return [found[1] or found[2] or found[3] or "" for found in _ARGUMENT.finditer(sentence)]


def snippet(type_: StepType, sentence: str, *, table: bool = False, doc_string: bool = False) -> str:
    """Return a method to start from for a sentence that has no meaning yet."""
    text = normalised(sentence)
    parameters: list[str] = []
    pieces: list[str] = []
    end = 0
    for found in _ARGUMENT.finditer(text):
        pieces.append(re.escape(text[end : found.start()]).replace(r"\ ", " ").replace(r"\-", "-"))
        first_role = not parameters and re.match(r"\s+process\b", text[found.end() :])
        quote = found.group()[0] if found.group(3) is None else ""
        value = found.group(1) or found.group(2) or found.group(3) or ""
        number = value.isdecimal()
        name = "process" if first_role else f"{'number' if number else 'value'}{len(parameters) + 1}"
        parameters.append(f"{name}: {'int' if number and not first_role else 'str'}")
        body = r"\d+" if number and not quote else f"[^{quote}]+"
        pieces.append(f"{quote}(?P<{name}>{body}){quote}")
        end = found.end()
    pieces.append(re.escape(text[end:]).replace(r"\ ", " ").replace(r"\-", "-"))
    if table:
        parameters.append("datatable: DataTable")
    if doc_string:
        parameters.append("docstring: str")
    pattern = "".join(pieces)
    decorator = (
        f'@{type_}(parsers.re(r"{pattern}"))' if '"' not in pattern else f"@{type_}(parsers.re(r'''{pattern}'''))"
    )
    if not any(found for found in _ARGUMENT.finditer(text)):
        decorator = f"@{type_}({text!r})" if '"' in text else f'@{type_}("{text}")'
    name = _method_name(text)
    signature = ", ".join(["self", *parameters])
    return (
        f"    {decorator}\n"
        f"    async def {name}({signature}) -> None:\n"
        f'        """{text[:1].upper()}{text[1:]}."""\n'
        f'        raise NotImplementedError("{name}")\n'
    )


def _method_name(text: str) -> str:
    words = re.findall(r"[a-z0-9]+", _ARGUMENT.sub(" ", text).lower().replace("the '", " "))
    kept = [word for word in words if word not in {"the", "a", "an", "process", "with", "and", "of"}]
    name = "_".join(kept[:8]) or "step"
    return f"step_{name}" if name[0].isdigit() else name
