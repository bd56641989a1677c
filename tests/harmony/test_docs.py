"""What the pages in docs/ list is all that there is."""

from __future__ import annotations
import __future__

import re
import sys
import types
from pathlib import Path
from typing import Final

import pytest

import harmony
from harmony import Verdict
from harmony.cli.menu import ENTRIES
from harmony.errors import ExitCode
from harmony.verdict.expectations import Expectation
from harmony.verdict.verdicts import MEANINGS
from harmony.wire.contract_text import json_schema

DOCS: Final = Path(__file__).parents[2] / "docs"


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


@pytest.mark.parametrize("page", ["drivers.md", "steps.md"])
def test_the_classes_on_a_page_are_made(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that the harness has no more, or a verb that is written wrong, would go out in the documentation."""
    text = (DOCS / page).read_text("utf-8")
    blocks = [
        block for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if block.startswith(("class", "from"))
    ]
    assert blocks
    for number, block in enumerate(blocks):
        module = types.ModuleType(f"block_{number}_of_{page.partition('.')[0]}")
        monkeypatch.setitem(sys.modules, module.__name__, module)
        vars(module).update({name: getattr(harmony, name) for name in harmony.__all__})
        # What only stands in an annotation is the reader's own.
        exec(compile(block, page, "exec", __future__.annotations.compiler_flag), vars(module))
        contracts = [one for one in vars(module).values() if isinstance(one, harmony.Contract)]
        assert bool(contracts) == ("Contract(" in block)
        assert all(json_schema(one) for one in contracts)
