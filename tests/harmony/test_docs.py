"""What the pages in docs/ list is all that there is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from harmony import Verdict
from harmony.errors import ExitCode
from harmony.verdict.expectations import Expectation
from harmony.verdict.verdicts import MEANINGS

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
