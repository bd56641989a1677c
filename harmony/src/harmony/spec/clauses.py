"""Which scenarios prove which clause of a written specification. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Final

from harmony.spec.gherkin import Scenario

_CLAUSE: Final = re.compile(r"(?:#+ |\*\*)(\d+(?:\.\d+)+) ([^*]+?)\.?(?:\*\*.*)?")
_CHECKED: Final = re.compile(r"\(Checked by ((?:`[^`]+`(?:, | and )?)+)\.\)")
_FENCES: Final = ("```", "~~~")


class Level(StrEnum):
    """How binding a clause is, by the strongest word of RFC 2119 in it."""

    MUST = "MUST"
    SHOULD = "SHOULD"
    MAY = "MAY"
    NONE = ""


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause and who cites it.

    Attributes:
        number: Such as ``3.2``.
        name: What follows the number, in the heading or in bold.
        level: How binding it is.
        line: Where it begins in the document.
        scenarios: Numbers of the scenarios that cite it, or titles where they have none.
        tests: Files of other tests, which its text names: ``(Checked by `tests/test_fork.py`.)``.
    """

    number: str
    name: str
    level: Level
    line: int
    scenarios: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()


def read_clauses(text: str, scenarios: Sequence[Scenario] = (), tag: str = "clause") -> list[Clause]:
    """Return the clauses of a Markdown document in its order.

    A clause begins with a heading ``## 3.2 Name`` or in bold, ``**3.2 Name.**``, and ends before the next clause or
    heading.

    Args:
        text: The document.
        scenarios: Those that may cite it.
        tag: How a citation begins: ``clause`` for ``@clause:3.2``.
    """
    cited = _cited(scenarios, tag)
    return [
        Clause(
            number,
            name,
            _level(body),
            line,
            scenarios=tuple(dict.fromkeys(map(_label, cited.get(number, ())))),
            tests=_tests(body),
        )
        for number, name, line, body in _parts(text)
    ]


def problems(clauses: Sequence[Clause], scenarios: Iterable[Scenario], tag: str, document: str) -> list[str]:
    """Return what is wrong with a document's clauses and their citations, each with its place."""
    lines: dict[str, int] = {}
    twice = [one for one in clauses if lines.setdefault(one.number, one.line) != one.line]
    return [
        *(f"{document}:{one.line}: {one.number} stands already in line {lines[one.number]}" for one in twice),
        *(
            f"{scenario.place}: @{tag}:{number} names no clause of {document}"
            for number, citing in _cited(scenarios, tag).items()
            if number not in lines
            for scenario in citing
        ),
    ]


def as_markdown(clauses: Sequence[Clause], document: str) -> str:
    """Return the page: what nothing checks, then every clause."""
    cited = sum(bool(clause.scenarios) for clause in clauses)
    otherwise = sum(bool(clause.tests and not clause.scenarios) for clause in clauses)
    lines = [
        f"# The clauses of {document}",
        "",
        "_Made by `harmony clauses --write` from the document and the tags of the scenarios; do not edit._",
        "",
        f"{cited} of {len(clauses)} clauses are cited by a scenario; {otherwise} others name tests that check them.",
        "",
    ]
    for level in Level:
        names = [f"{one.number} {one.name}" for one in clauses if one.level is level and not _proofs(one)]
        if names:
            lines += [f"**{level or 'Not normative'}, without a scenario or a test**: {' · '.join(names)}.", ""]
    lines += ["| clause | | scenarios, other tests |", "|---|---|---|"]
    lines += [f"| {one.number} {one.name} | {one.level} | {', '.join(_proofs(one))} |" for one in clauses]
    return "\n".join(lines) + "\n"


def as_json(clauses: Sequence[Clause], document: str) -> str:
    """Return the same for programs."""
    return json.dumps({"document": document, "clauses": [asdict(one) for one in clauses]}, indent=1) + "\n"


def _parts(text: str) -> Iterator[tuple[str, str, int, str]]:
    """Yield number, name, line and text of each clause."""
    begun: tuple[str, str, int] | None = None
    body: list[str] = []
    fenced = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith(_FENCES):
            fenced = not fenced
        if fenced:
            continue
        clause = _CLAUSE.fullmatch(line)
        if clause or line.startswith("#"):
            if begun:
                yield *begun, "\n".join(body)
            begun = (clause[1], clause[2], number) if clause else None
            body = []
        body.append(line)
    if begun:
        yield *begun, "\n".join(body)


def _level(body: str) -> Level:
    return next((level for level in Level if level and re.search(rf"\b{level}\b", body)), Level.NONE)


def _tests(body: str) -> tuple[str, ...]:
    return tuple(path for named in _CHECKED.findall(" ".join(body.split())) for path in re.findall("`([^`]+)`", named))


def _proofs(clause: Clause) -> list[str]:
    return [*clause.scenarios, *(f"`{path}`" for path in clause.tests)]


def _cited(scenarios: Iterable[Scenario], tag: str) -> dict[str, list[Scenario]]:
    cited: dict[str, list[Scenario]] = {}
    for scenario in scenarios:
        for one in scenario.tags:
            if one.startswith(f"{tag}:"):
                cited.setdefault(one.removeprefix(f"{tag}:"), []).append(scenario)
    return cited


def _label(scenario: Scenario) -> str:
    return scenario.base_number or scenario.title
