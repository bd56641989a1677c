"""A specification in numbered clauses, the scenarios that cite them, and the table of both."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from harmony.errors import ConfigurationError
from harmony.spec.clauses import as_markdown, problems, read_clauses, wrong_citations
from harmony.spec.gherkin import Scenario, parse_feature
from harmony.spec.levels import Level
from sandbox import Sandbox

DOCUMENT = """\
# A protocol

## 1 Frames

**1.1 Header.** It MUST have 16 bytes.
A **1.7 Name.** within a line begins nothing.

**1.2 Order** is the sender's. It MAY change,
and SHOULD not.

```
**1.3 Example.** It MUST NOT count.
```

### 1.10 Ends

The sender MUST NOT wait.

## 2 MUST stands in no clause here

**2.1 History.** Once there were none.
"""

FEATURE = """\
@clause:2.1
Feature: Frames
  @clause:1.1 @slow
  Scenario: 1.1 One
    Given one

  @clause:1.1 @clause:1.10
  Scenario Outline: 1.2 <n>
    Given <n>
    Examples:
      | n |
      | 1 |
      | 2 |
"""


def scenarios(source: str = FEATURE) -> tuple[Scenario, ...]:
    return parse_feature(source, Path("01-frames.feature")).scenarios


def test_a_clause_has_a_number_a_name_and_the_strongest_word_of_its_text() -> None:
    found = [(one.number, one.name, one.level, one.line) for one in read_clauses(DOCUMENT)]
    assert found == [
        ("1.1", "Header", Level.MUST, 5),
        ("1.2", "Order", Level.SHOULD, 8),
        ("1.10", "Ends", Level.MUST, 15),
        ("2.1", "History", Level.NONE, 21),
    ]


def test_an_outline_cites_once_and_a_tag_of_the_feature_counts_for_each_scenario() -> None:
    found = {one.number: one.scenarios for one in read_clauses(DOCUMENT, scenarios())}
    assert found == {"1.1": ("1.1", "1.2"), "1.2": (), "1.10": ("1.2",), "2.1": ("1.1", "1.2")}


def test_the_page_names_what_nobody_cites() -> None:
    page = as_markdown(read_clauses(DOCUMENT, scenarios(FEATURE.replace("@clause:1.10", ""))), "protocol.md")
    assert "2 of 4 clauses are cited by a scenario; 0 others name tests that check them." in page
    assert "**MUST, without a scenario or a test**: 1.10 Ends." in page
    assert "**SHOULD, without a scenario or a test**: 1.2 Order." in page
    assert "| 1.1 Header | MUST | 1.1, 1.2 |" in page


def test_a_clause_may_name_the_tests_that_check_it_instead() -> None:
    named = "MUST NOT wait. (Checked by\n`tests/test_end.py`, `model/` and `c/end.c`.) A `name` is none."
    clauses = read_clauses(DOCUMENT.replace("MUST NOT wait.", named), scenarios(FEATURE.replace("@clause:1.10", "")))
    assert [one.tests for one in clauses] == [(), (), ("tests/test_end.py", "model/", "c/end.c"), ()]
    page = as_markdown(clauses, "protocol.md")
    assert "; 1 others name" in page
    assert "**MUST" not in page
    assert "| 1.10 Ends | MUST | `tests/test_end.py`, `model/`, `c/end.c` |" in page


def test_a_clause_that_stands_twice_and_one_that_is_not_there_have_their_place() -> None:
    cited = scenarios(FEATURE.replace("clause:1.10", "clause:1.3"))
    clauses = read_clauses(DOCUMENT + "\n**1.2 Again.** No.\n", cited)
    assert problems(clauses, "protocol.md") == ["protocol.md:23: 1.2 stands already in line 8"]
    wrong = wrong_citations(clauses, cited[:2], "clause", "protocol.md")
    assert [f"{place}: {said}" for place, said in wrong] == [
        "01-frames.feature:12: @clause:1.3 names no clause of protocol.md"
    ]


LIST = """\
[[clause]]
id = "X-3.1.2-24"
level = "MUST"
text = "the server closes | after 1.5 keep-alives"

# A comment.
[[clause]]
id = "X-3.2"
level = "should"

[[clause]]
id = "X-4"
text = "history"
"""


def test_clauses_may_be_a_list_of_ids_with_level_and_words() -> None:
    cited = scenarios(FEATURE.replace("@clause:1.1 @slow", "@must:X-3.1.2-24").replace("@clause:1.10", "@should:X-3.2"))
    found = read_clauses(LIST, cited, document="clauses.toml")
    assert [(one.number, one.level, one.line, one.scenarios) for one in found] == [
        ("X-3.1.2-24", Level.MUST, 1, ("1.1",)),
        ("X-3.2", Level.SHOULD, 7, ("1.2",)),
        ("X-4", Level.NONE, 11, ()),
    ]
    assert "| X-3.1.2-24 the server closes \\| after 1.5 keep-alives | MUST | 1.1 |" in as_markdown(
        found, "clauses.toml"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[clause]\n", "clauses.toml: "),
        ("clause = [1]\n", "no list of"),
        ("[[clauses]]\n", "clauses.toml: clauses: did you mean 'clause'?"),
        ('[[clause]]\nidd = "x"\n', "clauses.toml:1: idd: did you mean 'id'?"),
        ('\n[[clause]]\nid = "a b"\n', "clauses.toml:2: id: it is one word"),
        ('[[clause]]\nid = "x"\nlevel = "SHALL"\n', "clauses.toml:1: x: level or text is wrong"),
    ],
)
def test_a_list_that_is_wrong_is_refused_with_its_place(text: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(said)):
        read_clauses(text, document="clauses.toml")


def test_a_level_that_the_document_does_not_say_is_found_and_where_it_says_none_nobody_contradicts() -> None:
    tags = "@should:1.1 @should:1.2 @must:2.1 @must:9.9"
    clauses = read_clauses(DOCUMENT)
    wrong = wrong_citations(clauses, scenarios(FEATURE.replace("@clause:1.1 @slow", tags))[:1], "clause", "protocol.md")
    assert [said for _, said in wrong] == [
        "@should:1.1: protocol.md says that this is a MUST",
        "@must:9.9 names no clause of protocol.md",
    ]


@pytest.fixture
def cited(sandbox: Sandbox) -> Sandbox:
    sandbox.write("harmony.toml", '[clauses]\ndocument = "protocol.md"\ntable = "table.md"\n')
    sandbox.write("protocol.md", DOCUMENT)
    sandbox.write("features/01-frames.feature", FEATURE)
    return sandbox


def test_what_is_published_is_checked_until_document_or_features_change(cited: Sandbox) -> None:
    assert cited.harmony("clauses", "--check").returncode == 1
    assert cited.harmony("clauses", "--write").stdout == "table.md: written\n"
    assert (cited.directory / "table.md").read_text() == cited.harmony("clauses").stdout
    assert cited.harmony("clauses", "--check").returncode == 0
    cited.write("features/02-more.feature", "Feature: More\n  @clause:1.2\n  Scenario: 2.1 More\n    Given more\n")
    done = cited.harmony("clauses", "--check")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "table.md is not what document and scenarios say: run `harmony clauses --write`\n"


def test_a_citation_of_nothing_is_red_whatever_is_asked_for(cited: Sandbox) -> None:
    cited.write("protocol.md", DOCUMENT.replace("2.1 History", "2.2 History"))
    for words in ((), ("--write",), ("--check",)):
        done = cited.harmony("clauses", *words)
        assert done.returncode == 1
        assert "features/01-frames.feature:4: @clause:2.1 names no clause of protocol.md" in done.stderr


def test_a_test_that_is_not_there_is_red(cited: Sandbox) -> None:
    cited.write("protocol.md", DOCUMENT.replace("NOT wait.", "NOT wait. (Checked by `features` and `nowhere.py`.)"))
    done = cited.harmony("clauses")
    assert done.returncode == 1
    assert done.stderr == "protocol.md:15: 1.10 is checked by nowhere.py, which is not there\n"


def test_the_same_for_programs(cited: Sandbox) -> None:
    document = json.loads(cited.harmony("clauses", "--format", "json").stdout)
    assert document["document"] == "protocol.md"
    assert document["clauses"][2] == {
        "number": "1.10",
        "name": "Ends",
        "level": "MUST",
        "line": 15,
        "scenarios": ["1.2"],
        "tests": [],
    }


@pytest.mark.parametrize(
    ("settings", "words", "expected"),
    [
        ("", (), "clauses: no document is named"),
        ('[clauses]\ndocument = "nowhere.md"\n', (), "clauses.document: "),
        ('[clauses]\ndocument = "protocol.md"\n', ("--write",), "clauses: no table is named"),
        ('[clauses]\ndocument = "protocol.md"\ntag = "a:b"\n', (), "clauses.tag: "),
    ],
)
def test_what_is_not_configured_is_said(cited: Sandbox, settings: str, words: tuple[str, ...], expected: str) -> None:
    cited.write("harmony.toml", settings)
    done = cited.harmony("clauses", *words)
    assert done.returncode == 7
    assert expected in done.stderr


@pytest.mark.parametrize(("tag", "lists"), [("@clause:1.1", False), ("@must:1.1", True)])
def test_a_document_that_is_not_there_is_missed_where_a_level_is_held_to_it(
    cited: Sandbox, tag: str, lists: bool
) -> None:
    (cited.directory / "protocol.md").unlink()
    cited.write("harmony.toml", 'steps = []\n[clauses]\ndocument = "protocol.md"\n')
    cited.write("features/01-frames.feature", FEATURE.replace("@clause:1.1 @slow", tag))
    done = cited.harmony("lint")
    assert ("clauses.document: " in done.stderr) is lists, done.stdout + done.stderr
