"""Which scenarios prove which clause of a written specification: a Markdown document, or a list in TOML. Pure."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import PurePath
from typing import Any, Final

from harmony.errors import ConfigurationError, Place
from harmony.spec.gherkin import Scenario
from harmony.spec.levels import Level, citations
from harmony.suggestion import did_you_mean

_CLAUSE: Final = re.compile(r"(?:#+ |\*\*)(\d+(?:\.\d+)+) ([^*]+?)\.?(?:\*\*.*)?")
_CHECKED: Final = re.compile(r"\(Checked by ((?:`[^`]+`(?:, | and )?)+)\.\)")
_FENCES: Final = ("```", "~~~")
_LIST: Final = ".toml"
_KEYS: Final = ("id", "level", "text")
_ENTRY: Final = re.compile(r"\s*\[\[\s*clause\s*\]\]")
_HINT: Final = 'each entry is a [[clause]] table with id = "…", level = "MUST", "SHOULD" or "MAY", and text = "…"'


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause and who cites it.

    Attributes:
        number: Such as ``3.2``, or ``MQTT-3.1.2-24``.
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


def read_clauses(
    text: str, scenarios: Sequence[Scenario] = (), tag: str = "clause", document: str = "document.md"
) -> list[Clause]:
    """Return the clauses of a document in its order.

    In Markdown a clause begins with a heading ``## 3.2 Name`` or in bold, ``**3.2 Name.**``, and ends before the next
    clause or heading. In a list, a file of TOML, it is a table ``[[clause]]`` with ``id``, ``level`` and ``text``.

    Args:
        text: Of the document.
        scenarios: Those that may cite it.
        tag: How a citation begins that does not say the level: ``clause`` for ``@clause:3.2``.
        document: What the document is called.

    Raises:
        ConfigurationError: A list is not what it must be.
    """
    cited = _cited(scenarios, tag)
    found = _listed(text, document) if PurePath(document).suffix == _LIST else _written(text)
    return [
        replace(one, scenarios=tuple(dict.fromkeys(_label(scenario) for scenario, _ in cited.get(one.number, ()))))
        for one in found
    ]


def cited_clauses(scenarios: Sequence[Scenario], tag: str) -> list[Clause]:
    """Return the clauses that scenarios cite, where no document lists them, in the order of the citations."""
    return [
        Clause(
            number,
            "",
            next((level for level in Level if any(said is level for _, said in citing)), Level.NONE),
            0,
            scenarios=tuple(dict.fromkeys(_label(scenario) for scenario, _ in citing)),
        )
        for number, citing in _cited(scenarios, tag).items()
    ]


def problems(clauses: Sequence[Clause], document: str) -> list[str]:
    """Return what is wrong with a document's clauses, each with its place."""
    lines: dict[str, int] = {}
    twice = [one for one in clauses if lines.setdefault(one.number, one.line) != one.line]
    return [f"{document}:{one.line}: {one.number} stands already in line {lines[one.number]}" for one in twice]


def wrong_citations(
    clauses: Sequence[Clause], scenarios: Iterable[Scenario], tag: str, document: str
) -> list[tuple[Place, str]]:
    """Return the citations that name no clause of a document, or say another level than it does."""
    levels = {one.number: one.level for one in clauses}
    found: list[tuple[Place, str]] = []
    for number, citing in _cited(scenarios, tag).items():
        for scenario, said in citing:
            told = f"@{said.tag or tag}:{number}"
            if number not in levels:
                found.append((scenario.place, f"{told} names no clause of {document}"))
            elif said and levels[number] and said is not levels[number]:
                found.append((scenario.place, f"{told}: {document} says that this is a {levels[number]}"))
    return found


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
    lines += [f"| {one.number} {_in_a_table(one.name)} | {one.level} | {', '.join(_proofs(one))} |" for one in clauses]
    return "\n".join(lines) + "\n"


def as_json(clauses: Sequence[Clause], document: str) -> str:
    """Return the same for programs."""
    return json.dumps({"document": document, "clauses": [asdict(one) for one in clauses]}, indent=1) + "\n"


def _in_a_table(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _written(text: str) -> list[Clause]:
    """Return the clauses of a document in Markdown."""
    return [Clause(number, name, _level(body), line, tests=_tests(body)) for number, name, line, body in _parts(text)]


def _listed(text: str, document: str) -> list[Clause]:
    """Return the clauses of a list."""
    try:
        told = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{document}: {error}", hint=_HINT) from error
    if unknown := sorted(told.keys() - {"clause"}):
        raise ConfigurationError(f"{document}: {unknown[0]}: {did_you_mean(unknown[0], ['clause'])}", hint=_HINT)
    entries = told.get("clause", [])
    lines = [number for number, line in enumerate(text.splitlines(), 1) if _ENTRY.match(line)]
    if not isinstance(entries, list) or len(lines) != len(entries):
        raise ConfigurationError(f"{document}: clause is no list of [[clause]] tables", hint=_HINT)
    return [_entry(entry, f"{document}:{line}", line) for entry, line in zip(entries, lines, strict=True)]


def _entry(entry: Any, place: str, line: int) -> Clause:
    for key in entry:
        if key not in _KEYS:
            raise ConfigurationError(f"{place}: {key}: {did_you_mean(key, _KEYS)}", hint=_HINT)
    number, level, text = (entry.get(key, "") for key in _KEYS)
    if not isinstance(number, str) or not re.fullmatch(r"[^\s@:]+", number):
        raise ConfigurationError(f"{place}: id: it is one word, as in @must:MQTT-3.1.2-24", hint=_HINT)
    if not isinstance(text, str) or not isinstance(level, str) or level.upper() not in set(Level):
        raise ConfigurationError(f"{place}: {number}: level or text is wrong", hint=_HINT)
    return Clause(number, text, Level(level.upper()), line)


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


def _cited(scenarios: Iterable[Scenario], tag: str) -> dict[str, list[tuple[Scenario, Level]]]:
    cited: dict[str, list[tuple[Scenario, Level]]] = {}
    for scenario in scenarios:
        for level, number in citations(scenario, tag):
            cited.setdefault(number, []).append((scenario, level))
    return cited


def _label(scenario: Scenario) -> str:
    return scenario.base_number or scenario.title
