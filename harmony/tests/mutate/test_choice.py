"""The same words choose the same faults, and those that were judged equivalent stay known."""

from __future__ import annotations

import pytest

from harmony.errors import ConfigurationError, NothingSelectedError, UnknownSelectionError
from harmony.mutate.choice import Choice
from harmony.mutate.equivalents import Equivalents, entry
from harmony.mutate.fault import Fault
from harmony.mutate.finding import find_faults

SOURCE = b"def f(a):\n    if a < 1:\n        g(a)\n        g(0)\n        g(0)\n    return True\n"
FAULTS = find_faults({"lib/ring.py": SOURCE, "lib/deep/rope.py": SOURCE})


def chosen(choice: Choice, faults: list[Fault]) -> list[Fault]:
    return choice.of(choice.fitting(faults))


def test_a_sample_is_the_same_for_the_same_seed() -> None:
    drawn = chosen(Choice(sample=5, seed=7), FAULTS)
    assert len(drawn) == 5
    assert drawn == chosen(Choice(sample=5, seed=7), FAULTS)
    assert drawn != chosen(Choice(sample=5, seed=8), FAULTS)
    assert drawn == sorted(drawn, key=FAULTS.index)
    assert chosen(Choice(sample=10_000, seed=7), FAULTS) == FAULTS


def test_every_fault_is_drawn_by_some_seed() -> None:
    """Finds a draw that never takes the last one, or prefers a file."""
    assert {one.name for seed in range(200) for one in chosen(Choice(sample=3, seed=seed), FAULTS)} == {
        one.name for one in FAULTS
    }


def test_files_classes_and_what_a_change_touched() -> None:
    def lines(choice: Choice) -> set[tuple[str, int]]:
        return {(one.file, one.line) for one in chosen(choice, FAULTS)}

    assert {file for file, _ in lines(Choice(files=["lib/deep/*"]))} == {"lib/deep/rope.py"}
    assert {file for file, _ in lines(Choice(files=["ring.*", "x"]))} == {"lib/ring.py"}
    assert {one.operator for one in chosen(Choice(operators=["boundary", "constant"]), FAULTS)} == {
        "boundary",
        "constant",
    }
    assert lines(Choice(since={"lib/ring.py": {2, 99}})) == {("lib/ring.py", 2)}
    with pytest.raises(NothingSelectedError, match=f"none of {len(FAULTS)} faults"):
        chosen(Choice(since={}), FAULTS)
    with pytest.raises(NothingSelectedError, match=r"none of 0 faults(.|\n)*no test"):
        chosen(Choice(), [])
    with pytest.raises(UnknownSelectionError, match=r"'boundry'(.|\n)*did you mean 'boundary'"):
        chosen(Choice(operators=["boundry"]), FAULTS)


def test_a_statement_over_lines_is_touched_by_each() -> None:
    found = find_faults({"ring.py": b"def f(a):\n    g(\n        a,\n    )\n    h()\n"})
    touched = chosen(Choice(operators=["statement"], since={"ring.py": {4}}), found)
    assert [one.before for one in touched] == ["g(\n        a,\n    )"]


def test_an_equivalent_is_known_wherever_its_line_goes() -> None:
    fault = next(one for one in FAULTS if one.operator == "boundary")
    known = Equivalents.read(entry("python", fault, SOURCE, "nobody gives 1"))
    assert known.reasons("python", FAULTS) == {fault.name: "nobody gives 1"}
    assert known.reasons("go", []) == {}
    moved = find_faults({fault.file: b"# more\n\n" + SOURCE})
    assert list(known.reasons("python", moved).values()) == ["nobody gives 1"]


def test_an_equivalent_whose_line_has_changed_is_red() -> None:
    fault = next(one for one in FAULTS if one.operator == "boundary")
    known = Equivalents.read(entry("python", fault, SOURCE, "nobody gives 1"))
    changed = find_faults({fault.file: SOURCE.replace(b"a < 1", b"a < 2")})
    with pytest.raises(ConfigurationError, match=r"mutants\.toml: 1 stale: python: lib/(.|\n)*remove the entry"):
        known.reasons("python", changed)


def test_lines_that_are_alike_are_told_apart_by_name() -> None:
    """Without, one entry would excuse a fault that nobody has judged."""
    one, other = [fault for fault in FAULTS if fault.file == "lib/ring.py" and fault.text == "g(0)"][1::2][:2]
    assert (one.before, one.line) == (other.before, other.line - 1)
    with pytest.raises(ConfigurationError, match=r"fits 2 faults(.|\n)*`name`"):
        Equivalents.read(entry("python", one, b"", "x")).reasons("python", FAULTS)
    told = entry("python", one, SOURCE, "x") + entry("python", other, SOURCE, "y")
    assert Equivalents.read(told).reasons("python", FAULTS) == {one.name: "x", other.name: "y"}


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("[[equivalent]\n", "mutants.toml: "),
        ("[[equivalents]]\n", "there is no such key"),
        ("[[equivalent]]\nplatform = 'x'\n", r"equivalent\.0\.file: Field required"),
        ("[[equivalent]]\nreasn = 'x'\n", "."),
    ],
)
def test_a_file_that_says_something_impossible(text: str, wrong: str) -> None:
    with pytest.raises(ConfigurationError, match=wrong):
        Equivalents.read(text)


def test_an_entry_needs_a_reason() -> None:
    told = entry("python", FAULTS[0], SOURCE, "x").replace('reason = "x"', 'reason = ""')
    with pytest.raises(ConfigurationError, match="reason"):
        Equivalents.read(told)


def test_what_the_report_offers_speaks_of_one_fault_alone() -> None:
    """Also of parts of one line that are alike, and where the line's text needs every kind of quotation."""
    source = b"def f(a):\n    g(1, 1, '\\\\', \"'\", a)\n    return a == 1 or a == 1\n"
    faults = find_faults({"ring.py": source})
    for one in faults:
        known = Equivalents.read(entry("python", one, source, "x"))
        assert known.reasons("python", faults) == {one.name: "x"}
