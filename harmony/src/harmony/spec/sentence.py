"""Sentences as text: how they are compared, and what a method for a new one looks like."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from harmony.model import StepType

_IN_HARMONY: Final = re.compile(r"we run in harmony", re.IGNORECASE)
# An apostrophe within a word begins and ends no argument.
_ARGUMENT: Final = re.compile(r"""(?<!\w)'([^']*)'(?!\w)|"([^"]*)"|(?<![\w.])(\d+)(?![\w.])""")

GAP: Final = "…"
"""Stands for an argument that is left out."""
_PLACE: Final = re.compile(f"{_ARGUMENT.pattern}|{GAP}")


def requires_processes(sentence: str) -> bool:
    """Whether a sentence asks that roles are processes of their own. Whoever drives a worker has made them so."""
    return _IN_HARMONY.fullmatch(normalised(sentence)) is not None


def normalised(sentence: str) -> str:
    """Return a sentence as it is matched: without surrounding blanks and the trailing ';' that some authors write."""
    return sentence.strip().rstrip(";").rstrip()


def outline(sentence: str) -> str:
    """Return a sentence without its arguments: the words in quotes, and the numbers."""
    return _ARGUMENT.sub(lambda found: GAP if found[3] else f"{found[0][0]}{GAP}{found[0][0]}", sentence)


def values(sentence: str) -> list[str]:
    """Return the arguments of a sentence, without quotes."""
    return [next(value for value in found.groups() if value is not None) for found in _ARGUMENT.finditer(sentence)]


def filled(known: str, sentence: str) -> str:
    """Return an outline with the arguments of a sentence in its gaps, if it has as many places for them."""
    found = iter(values(sentence))
    if len(_PLACE.findall(known)) != len(values(sentence)):
        return known
    return _PLACE.sub(lambda place: place[0].replace(GAP, next(found)), known)


@dataclass(slots=True)
class Wording:
    """Sentences without a meaning that differ in quoted arguments and numbers only: one method can be theirs.

    Attributes:
        sentences: As they stand in features, without what surrounds them.
        types: The types that they stand under.
        tables: Whether they have a data table: ``True``, ``False`` or both.
        doc_strings: Whether they have a doc string.
        exact: Whether the first sentence itself is the pattern.
    """

    sentences: list[str]
    types: set[StepType]
    tables: set[bool] = field(default_factory=lambda: {False})
    doc_strings: set[bool] = field(default_factory=lambda: {False})
    exact: bool = False

    @property
    def shape(self) -> tuple[str, ...]:
        """What the sentences have in common: the text around their arguments, and how each argument stands."""
        return shape_of(self.sentences[0])

    @property
    def parameters(self) -> list[tuple[str, str, str]]:
        """Name, annotation and expression of each argument."""
        if self.exact:
            return []
        columns = zip(*map(values, self.sentences), strict=True)
        found: list[tuple[str, str, str]] = []
        for number, (column, quote) in enumerate(zip(columns, self.shape[1::2], strict=True), start=1):
            numeric = all(value.isdecimal() for value in column)
            acts = number == 1 and bool(re.match(r"\s+process\b", self.shape[2]))
            name = "process" if acts else f"{'number' if numeric else 'value'}{number}"
            body = f"[^{quote}]{'+' if all(column) else '*'}" if quote else r"\d+"
            expression = f"{quote}(?P<{name}>{body}){quote}"
            found.append((name, "int" if numeric and not acts else "str", expression))
        return found

    @property
    def pattern(self) -> str:
        """A regular expression that the sentences match as a whole."""
        if self.exact:
            return re.escape(self.sentences[0])
        texts = [re.escape(text).replace(r"\ ", " ").replace(r"\-", "-") for text in self.shape[::2]]
        expressions = [expression for _, _, expression in self.parameters]
        return texts[0] + "".join(expression + text for expression, text in zip(expressions, texts[1:], strict=True))

    def matches(self, sentence: str) -> bool:
        """Whether the method would be found for a sentence of its types."""
        return re.fullmatch(self.pattern, normalised(sentence)) is not None

    def method(self, name: str = "") -> str:
        """Return a method to start from."""
        text = self.sentences[0]
        parameters = [f"{parameter}: {annotation}" for parameter, annotation, _ in self.parameters]
        given = (("datatable", "DataTable", self.tables), ("docstring", "str", self.doc_strings))
        parameters += [f"{one}: {kind}" for one, kind, present in given if present == {True}]
        parameters += [f"{one}: {kind} | None = None" for one, kind, present in given if len(present) > 1]
        name = name or self.name
        decorators = [type_.value for type_ in sorted(self.types)] or ["step"]
        summary = f"{text[:1].upper()}{text[1:]}".replace("\\", "\\\\")
        return (
            "".join(f"    @{decorator}({self._argument})\n" for decorator in decorators)
            + f"    async def {name}({', '.join(['self', *parameters])}) -> None:\n"
            + f'        """{summary}."""\n'
            + f'        raise NotImplementedError("{name}")\n'
        )

    @property
    def name(self) -> str:
        """What the method might be called."""
        words = re.findall(r"[a-z0-9]+", _ARGUMENT.sub(" ", self.sentences[0]).lower().replace("the '", " "))
        kept = [word for word in words if word not in {"the", "a", "an", "process", "with", "and", "of"}]
        name = "_".join(kept[:8]) or "step"
        return f"step_{name}" if name[0].isdigit() else name

    @property
    def _argument(self) -> str:
        if self.parameters:
            pattern = self.pattern
            return f"parsers.re({_quoted(pattern)})" if '"' in pattern else f'parsers.re(r"{pattern}")'
        text = self.sentences[0]
        return repr(text) if set('"\\') & set(text) else f'"{text}"'


def shape_of(sentence: str) -> tuple[str, ...]:
    """Return the text around the arguments of a sentence, and between each two its quote; a number has none."""
    text = normalised(sentence)
    pieces: list[str] = []
    end = 0
    for found in _ARGUMENT.finditer(text):
        pieces += [text[end : found.start()], found[0][0] if found[3] is None else ""]
        end = found.end()
    return (*pieces, text[end:])


def snippet(type_: StepType | None, sentence: str, *, table: bool = False, doc_string: bool = False) -> str:
    """Return a method to start from for a sentence that has no meaning yet."""
    types = set() if type_ is None else {type_}
    return Wording([normalised(sentence)], types, {table}, {doc_string}).method()


def exclusive(wordings: Iterable[Wording], others: Iterable[tuple[StepType, str]]) -> list[Wording]:
    """Return wordings of which no two match one sentence, neither of their own nor of some others that have a meaning.

    A wording that would is taken apart into its sentences.
    """
    wordings, others = list(wordings), list(others)
    said = [(type_, text, one) for one in wordings for text in one.sentences for type_ in one.types]
    said_elsewhere = [(type_, text, None) for type_, text in others]
    kept: list[Wording] = []
    for one in wordings:
        strange = (text for type_, text, owner in (*said, *said_elsewhere) if owner is not one and type_ in one.types)
        if any(one.matches(text) for text in strange):
            kept += [Wording([text], one.types, one.tables, one.doc_strings, exact=True) for text in one.sentences]
        else:
            kept.append(one)
    return kept


def _quoted(pattern: str) -> str:
    return repr(pattern) if pattern.endswith("'") else f"r'''{pattern}'''"
