"""Finds a page that lists less or more than there is, a link that leads nowhere, and an example that is not true."""

from __future__ import annotations
import __future__

import ast
import doctest
import importlib
import io
import re
import sys
import tomllib
from types import FunctionType, ModuleType
from typing import Final
from urllib.parse import unquote

import pytest

import harmony
from harmony import Verdict
from harmony.cli.menu import ENTRIES
from harmony.config import GateSettings
from harmony.errors import ExitCode
from harmony.verdict.expectations import Expectation
from harmony.verdict.gates import STAGES
from harmony.verdict.verdicts import MEANINGS
from harmony.wire.contract_text import json_schema
from page_blocks import texts_of
from tests.harmony.pages import ROOT, anchors, blocks, code, pages, targets, titles

DOCS: Final = ROOT / "docs"
OURS: Final = ("harmony", "zerobuffer")
LARGEST_PICTURE: Final = 60_000
FACES: Final = (
    "harmony",
    "harmony.driver_kit",
    "harmony.doctor",
    "harmony.network",
    "harmony.perf",
    "harmony.wire",
    "zerobuffer",
)
FOLLOWED: Final = {"docs/network.md", "harmony/docs/your-protocol.md"}
"""Pages whose code is put in its place and run, by a test of their own."""


def test_the_documentation_lists_every_exit_code_and_verdict() -> None:
    codes = re.findall(r"^\| (\d+) \|", (DOCS / "exit-codes.md").read_text("utf-8"), re.MULTILINE)
    assert sorted(map(int, codes)) == sorted(map(int, ExitCode))
    verdicts = (DOCS / "reports.md").read_text("utf-8").partition("## Verdicts")[2].partition("##")[0]
    assert [verdict for verdict in Verdict if verdict.value not in verdicts] == []
    assert [meaning.word for meaning in MEANINGS.values() if meaning.word not in verdicts] == []


def test_the_documentation_lists_every_field_of_an_expectation() -> None:
    text = (DOCS / "expectations.md").read_text("utf-8")
    assert [name for name in Expectation.model_fields if name != "place" and f"`{name}`" not in text] == []


def test_the_documentation_lists_every_choice_of_the_menu() -> None:
    text = (DOCS / "everyday.md").read_text("utf-8")
    assert re.findall(r"^\| (.*) \| `(harmony .*)` \|$", text, re.MULTILINE) == [
        (entry.title, entry.line) for entry in ENTRIES
    ]


@pytest.mark.parametrize("page", pages())
def test_a_link_leads_to_a_file_and_a_heading_that_are_there(page: str) -> None:
    """The site follows the same links; a forge follows those of READMEs, too, and to files that are no pages."""
    nowhere = []
    for target in targets(page):
        path, _, anchor = unquote(target).partition("#")
        file = ((ROOT / page).parent / path).resolve() if path else ROOT / page
        if "://" not in target and not (file.exists() and (not anchor or anchor in anchors(str(file)))):
            nowhere.append(target)
    assert nowhere == []


@pytest.mark.parametrize("page", pages())
def test_what_a_page_sets_as_code_is_known_to_be(page: str) -> None:
    """Commands and examples of a block in another form, such as one in a list, would be tried by nobody."""
    assert [block.text for block in blocks(page)] == code(page)


def test_a_page_has_one_title() -> None:
    """Each further one would stand in the contents of the site as a page of its own."""
    assert [page for page in pages() if titles(page) != 1] == []


def test_pictures_are_small_and_shown() -> None:
    shown = {((ROOT / page).parent / target).resolve() for page in pages() for target in targets(page)}
    pictures = sorted((DOCS / "pictures").iterdir())
    assert [picture.name for picture in pictures if picture not in shown] == []
    assert [picture.name for picture in pictures if picture.stat().st_size > LARGEST_PICTURE] == []


@pytest.mark.parametrize(
    "page", [page for page in pages() if page not in FOLLOWED and any(block.language for block in blocks(page))]
)
def test_an_example_can_be_read_and_imports_what_there_is(page: str) -> None:
    scenarios = "".join(file.read_text("utf-8") for file in (ROOT / "features").glob("*.feature"))
    lines = {line.strip() for line in scenarios.splitlines()}
    for block in blocks(page):
        if block.language == "toml":
            tomllib.loads(block.text)
        elif block.language == "gherkin":
            assert [line for line in block.text.splitlines() if line.strip() not in lines] == []
        elif block.language == "python":
            for node in ast.walk(ast.parse(block.text)):
                if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in OURS:
                    module = importlib.import_module(node.module or "")
                    assert [one.name for one in node.names if not hasattr(module, one.name)] == []


@pytest.mark.parametrize("page", ["docs/drivers.md", "docs/steps.md"])
def test_the_classes_on_a_page_are_made(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that the harness has no more, or a verb that is written wrong, would go out in the documentation."""
    made = [one.text for one in blocks(page) if one.language == "python" and one.text.startswith(("class", "from"))]
    assert made
    for number, block in enumerate(made):
        module = ModuleType(f"example_{number}")
        monkeypatch.setitem(sys.modules, module.__name__, module)
        vars(module).update({name: getattr(harmony, name) for name in harmony.__all__})
        # What only stands in an annotation is the reader's own.
        exec(compile(block, page, "exec", __future__.annotations.compiler_flag), vars(module))
        contracts = [one for one in vars(module).values() if isinstance(one, harmony.Contract)]
        assert bool(contracts) == ("Contract(" in block)
        assert all(json_schema(one) for one in contracts)


def test_the_gates_of_each_stage_are_those_of_the_page() -> None:
    text = (DOCS / "ci.md").read_text("utf-8")
    (head,) = re.findall(r"^\| \| from \| (.*) \|$", text, re.MULTILINE)
    rows = re.findall(r"^\| `(\w+)` \| .* \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|$", text, re.MULTILINE)
    shown = {
        stage: {name: float(numbers[place]) for name, *numbers in rows} for place, stage in enumerate(head.split(" | "))
    }
    assert shown == STAGES
    (block,) = [one for one in texts_of(text, "toml") if one.startswith("[gates]")]
    assert GateSettings.model_validate(tomllib.loads(block)["gates"]).stage == "staging"


def sessions() -> dict[str, doctest.DocTest]:
    """Return what pages, and the docstrings behind the public faces, show as sessions of Python, each once."""
    found: dict[str, doctest.DocTest] = {}
    for face in FACES:
        module = importlib.import_module(face)
        names = {name: getattr(module, name) for name in module.__all__}
        ours = {name: item for name, item in names.items() if isinstance(item, type | FunctionType | ModuleType)}
        for name, item in ours.items():
            for test in doctest.DocTestFinder(exclude_empty=True).find(item, f"{face}.{name}", False, names):
                found.setdefault(test.docstring or "", test)
    for page in pages():
        for block in blocks(page):
            if block.language == "pycon":
                found[block.text] = doctest.DocTestParser().get_doctest(block.text, {}, f"{page}:{len(found)}", page, 0)
    return {test.name: test for test in found.values() if test.examples}


def complaints(session: doctest.DocTest) -> str:
    told = io.StringIO()
    doctest.DocTestRunner(verbose=False).run(session, out=told.write)
    return told.getvalue()


SESSIONS: Final = sessions()


@pytest.mark.parametrize("session", SESSIONS.values(), ids=SESSIONS)
def test_a_session_shows_what_is_seen(session: doctest.DocTest) -> None:
    assert complaints(session) == ""


def test_a_session_that_is_not_true_is_seen() -> None:
    wrong = doctest.DocTestParser().get_doctest(">>> 1 + 1\n3\n", {}, "wrong", "", 0)
    assert "Expected:\n    3\nGot:\n    2" in complaints(wrong)


def test_sessions_are_found_where_they_stand() -> None:
    """In functions, classes, their methods, modules that a face has, and the library."""
    assert {"harmony.expect_equal", "harmony.DataTable", "harmony.parsers.re", "zerobuffer.Reader"} <= SESSIONS.keys()
