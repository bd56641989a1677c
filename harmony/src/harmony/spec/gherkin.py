"""Feature files become scenarios: outlines expanded, And/But resolved, backgrounds prepended."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from harmony.errors import GherkinSyntaxError, Place
from harmony.model import DataTable, DocString, StepType
from harmony.project_file import NUMBER
from harmony.state import read_whole
from harmony.text import visible

_NUMBER: Final = re.compile(NUMBER)
_DOTTED: Final = re.compile(r"\d+(?:\.\d+)*", re.ASCII)
_FEATURE_NUMBER: Final = re.compile(r"\d+", re.ASCII)
_TYPES: Final = {"Context": StepType.GIVEN, "Action": StepType.WHEN, "Outcome": StepType.THEN}


@dataclass(frozen=True, slots=True)
class Step:
    """One sentence of a scenario.

    Attributes:
        keyword: As written: Given, And, ….
        type: What the keyword means here.
        text: The sentence without keyword.
        place: Where it stands.
        table: Its data table, if any.
        doc_string: Its doc string, if any.
        background: Whether it comes from a Background.
    """

    keyword: str
    type: StepType
    text: str
    place: Place
    table: DataTable | None = None
    doc_string: DocString | None = None
    background: bool = False

    def __str__(self) -> str:
        """Return the sentence with its keyword."""
        return f"{self.keyword} {self.text}"


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario, or one row of a scenario outline.

    Attributes:
        title: As written, number included, placeholders filled in.
        number: ``1.1``; for the second row of an outline ``1.1.2``; empty if the title has none.
        base_number: ``1.1`` for every row of the outline ``1.1``.
        name: The title without its number.
        row: Row of the outline, counted from 1; 0 if it is none.
        values: The example row.
        tags: Tags without ``@``, those of feature and rule included.
        feature: Title of the feature.
        rule: Title of the rule, or empty.
        steps: The background's steps and its own.
        place: Where it stands; for a row, the row.
    """

    title: str
    number: str
    base_number: str
    name: str
    row: int
    values: Mapping[str, str]
    tags: tuple[str, ...]
    feature: str
    rule: str
    steps: tuple[Step, ...]
    place: Place

    @property
    def id(self) -> str:
        """Readable and unique in a project that passes lint."""
        if self.number:
            return f"{self.number} {self.name}"
        return f"{self.title} ({self.row})" if self.row else self.title


@dataclass(frozen=True, slots=True)
class Feature:
    """One feature file.

    Attributes:
        title: As written.
        path: The file.
        scenarios: In the order of the file, outlines expanded.
        tags: Tags of the feature itself.
        empty_outlines: Title and place of outlines that have no row and would vanish silently.
    """

    title: str
    path: Path
    scenarios: tuple[Scenario, ...]
    tags: tuple[str, ...] = ()
    empty_outlines: tuple[tuple[str, Place], ...] = ()


@dataclass(slots=True)
class _Nodes:
    """What a pickle only refers to: the nodes of the document by id."""

    steps: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    background: set[str] = field(default_factory=set)
    rows: dict[str, tuple[int, Mapping[str, str]]] = field(default_factory=dict)
    rules: dict[str, str] = field(default_factory=dict)
    empty: list[Mapping[str, Any]] = field(default_factory=list)


def feature_number(path: Path) -> int | None:
    """Return the number with which the name of a feature file begins, such as 4 of ``04-letters.feature``."""
    found = _FEATURE_NUMBER.match(path.name)
    return int(found[0]) if found else None


def read_feature(path: Path, number: re.Pattern[str] = _NUMBER) -> Feature:
    """Read one feature file.

    Args:
        path: The file.
        number: How a numbered title begins; its first group is the number.

    Raises:
        GherkinSyntaxError: It is not Gherkin.
    """
    try:
        source = read_whole(path)
    except UnicodeDecodeError as error:
        raise GherkinSyntaxError(Place(path, 1), f"not UTF-8: {error}") from error
    except OSError as error:
        raise GherkinSyntaxError(Place(path, 1), f"cannot be read: {error}") from error
    return parse_feature(source, path, number)


def parse_feature(source: str, path: Path, number: re.Pattern[str] = _NUMBER) -> Feature:
    """Parse the text of a feature file.

    Args:
        source: The text.
        path: Where it came from, for places.
        number: How a numbered title begins; its first group is the number.

    Raises:
        GherkinSyntaxError: It is not Gherkin.
    """
    # A worker that only performs steps starts without the parser.
    from gherkin import Compiler, Parser  # noqa: PLC0415
    from gherkin.errors import CompositeParserException, ParserError  # noqa: PLC0415

    try:
        document: dict[str, Any] = dict(Parser().parse(source))
        document["uri"] = str(path)
        pickles: Sequence[Mapping[str, Any]] = Compiler().compile(document)  # type: ignore[arg-type]
    except CompositeParserException as error:
        raise _syntax_error(path, error.errors[0], len(error.errors) - 1) from error
    except ParserError as error:
        raise _syntax_error(path, error, 0) from error
    node = document.get("feature")
    if not node:
        return Feature("", path, ())
    nodes = _nodes_of(node)
    feature = visible(node["name"])
    return Feature(
        feature,
        path,
        tuple(_scenario(pickle, nodes, feature, path, number) for pickle in pickles),
        tuple(tag["name"].removeprefix("@") for tag in node["tags"]),
        tuple((outline["name"], Place(path, outline["location"]["line"])) for outline in nodes.empty),
    )


def _syntax_error(path: Path, error: Exception, more: int) -> GherkinSyntaxError:
    location: Mapping[str, int] = getattr(error, "location", None) or {"line": 1}
    message = str(error).partition("): ")[2] or str(error)
    return GherkinSyntaxError(Place(path, location["line"]), f"{message} (and {more} more)" if more else message)


def _nodes_of(feature: Mapping[str, Any]) -> _Nodes:
    nodes = _Nodes()
    for child, rule in _children(feature["children"], ""):
        definition = child.get("background") or child["scenario"]
        for step in definition["steps"]:
            nodes.steps[step["id"]] = step
            if "background" in child:
                nodes.background.add(step["id"])
        nodes.rules[definition["id"]] = rule
        number = 0
        for examples in definition.get("examples", ()):
            header = [cell["value"] for cell in examples.get("tableHeader", {}).get("cells", ())]
            for row in examples.get("tableBody", ()):
                number += 1
                cells = (cell["value"] for cell in row["cells"])
                nodes.rows[row["id"]] = (number, dict(zip(header, cells, strict=True)))
        outline = (
            definition.get("examples") or "Outline" in definition["keyword"] or "Template" in definition["keyword"]
        )
        if outline and not number:
            nodes.empty.append(definition)
    return nodes


def _children(children: Iterable[Mapping[str, Any]], rule: str) -> Iterator[tuple[Mapping[str, Any], str]]:
    for child in children:
        if "rule" in child:
            yield from _children(child["rule"]["children"], child["rule"]["name"])
        else:
            yield child, rule


def _scenario(pickle: Mapping[str, Any], nodes: _Nodes, feature: str, path: Path, number: re.Pattern[str]) -> Scenario:
    title = visible(pickle["name"])
    row, values = next((nodes.rows[id_] for id_ in pickle["astNodeIds"] if id_ in nodes.rows), (0, {}))
    base, name = _numbered(title.strip(), number) or ("", title)
    return Scenario(
        title=title,
        number=f"{base}.{row}" if base and row else base,
        base_number=base,
        name=name,
        row=row,
        values=values,
        tags=tuple(dict.fromkeys(tag["name"].removeprefix("@") for tag in pickle["tags"])),
        feature=feature,
        rule=nodes.rules[pickle["astNodeIds"][0]],
        steps=tuple(_steps(pickle["steps"], nodes, path)),
        place=Place(path, pickle["location"]["line"]),
    )


def _numbered(title: str, number: re.Pattern[str]) -> tuple[str, str] | None:
    """Return the number and the rest of a title; neither may be missing."""
    found = number.match(title)
    rest = title[found.end() :].strip() if found else ""
    return (found[1], rest) if found and rest and _DOTTED.fullmatch(found[1] or "") else None


def _steps(pickles: Iterable[Mapping[str, Any]], nodes: _Nodes, path: Path) -> Iterator[Step]:
    type_ = StepType.GIVEN
    for pickle in pickles:
        node = nodes.steps[pickle["astNodeIds"][0]]
        type_ = _TYPES.get(node["keywordType"], type_)
        argument = pickle.get("argument", {})
        yield Step(
            keyword=node["keyword"].strip(),
            type=type_,
            text=pickle["text"],
            place=Place(path, node["location"]["line"]),
            table=_table(argument.get("dataTable")),
            doc_string=_doc_string(argument.get("docString")),
            background=node["id"] in nodes.background,
        )


def _table(node: Mapping[str, Any] | None) -> DataTable | None:
    if node is None:
        return None
    rows = [tuple(cell["value"] for cell in row["cells"]) for row in node["rows"]]
    return DataTable(rows[0], tuple(rows[1:]))


def _doc_string(node: Mapping[str, Any] | None) -> DocString | None:
    return None if node is None else DocString(node.get("content") or "", node.get("mediaType") or "")
