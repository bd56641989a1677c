"""What is known to fail: read, matched, judged, rewritten. Each rule with an entry that breaks it."""

from __future__ import annotations

import datetime as dt
import textwrap
import tomllib
from pathlib import Path

import pytest

from harmony.errors import ConfigurationError
from harmony.model import Verdict
from harmony.plan.cells import Cell
from harmony.plan.pairing import Pairing
from harmony.spec.gherkin import parse_feature
from harmony.verdict.expectations import Expectations, read_expectations
from synthetic_results import result

TODAY = dt.date(2030, 5, 5)
FEATURE = """
Feature: F
  Scenario: 1.1 One
    Given the 'reader' process and the 'writer'
  Scenario Outline: 1.2 Two <n>
    Given the 'reader' process <n>
    Examples:
      | n |
      | 1 |
      | 2 |
"""
ONE, *TWO = parse_feature(FEATURE, Path("f.feature")).scenarios


def cell(reader: str = "python", writer: str = "cpp") -> Cell:
    return Cell(ONE, Pairing.of({"reader": reader, "writer": writer}))


def read(tmp_path: Path, text: str) -> Expectations:
    file = tmp_path / "expectations.toml"
    file.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
    return read_expectations(file)


def entry(tmp_path: Path, *fields: str) -> Expectations:
    return read(tmp_path, "\n".join(["[[expect]]", 'issue = "https://issues/7"', *fields]))


def test_no_file_expects_nothing(tmp_path: Path) -> None:
    assert read_expectations(tmp_path / "absent.toml").entries == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[expect]]\nscenario = '1.1'\nissue = 'x'\nmore = 1\n", "expectations.toml:1: more"),
        ("#\n#\n[[expect]]\nissue = 'x'\n", "expectations.toml:3: .*names no cell"),
        ("[[expect]]\nscenario = '1.1'\n", "does not say why"),
        ("[[expect]]\nscenario = '1.1'\nissue = ''\n", "at least 1 character"),
        ("[[expect]]\nscenario = '1.1'\nissue = 'x'\nverdict = 'passed'\n", "only a failing verdict"),
        ("[[expect]]\nscenario = '1.1'\nissue = 'x'\nverdict = 'unsupported'\n", "only a failing verdict"),
        ("[[expect]]\nscenario = '1.1'\nissue = 'x'\nverdict = 'sad'\n", "verdict"),
        ("[[expect]]\nscenario = '1.1'\nissue = 'x'\npattern = '('\n", "no regular expression"),
        ("[[expect]]\nscenario = '1.1'\nissue = 'x'\nexpires = 'soon'\n", "expires"),
        ("[[expect]]\nscenaro = '1.1'\nissue = 'x'\n", "expectations.toml:1: scenaro: .*did you mean 'scenario'"),
        ("[[expects]]\nscenario = '1.1'\n", "unknown: expects; did you mean 'expect'"),
        ("expect = 5\n", "no list of"),
        ("expect = [{scenario = '1.1', issue = 'x'}]\n", "no list of"),
        ("[[expect]\n", "expectations.toml: "),
    ],
)
def test_a_wrong_file_is_said_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        read(tmp_path, text)


def test_entries_know_their_lines_whatever_their_texts_look_like(tmp_path: Path) -> None:
    entries = read(
        tmp_path,
        '''
        # a comment
        [[expect]]
        scenario = "1.1"
        reason = """
        [[expect]]
        looks like one"""
        [[ expect ]]  # another
        scenario = "1.2"
        reason = "x"
        ''',
    ).entries
    assert [one.place.line for one in entries if one.place] == [2, 7]


@pytest.mark.parametrize(
    ("field", "chosen"),
    [
        ('scenario = "1.1"', True),
        ('scenario = "1.*"', True),
        ('scenario = "1.1 One"', True),
        ('scenario = "1"', False),
        ('scenario = "2.*"', False),
        ('role = "reader"', True),
        ('role = "client"', False),
        ('platform = "cpp"', True),
        ('platform = "go"', False),
        ('role = "writer"\nplatform = "cpp"', True),
        ('role = "reader"\nplatform = "cpp"', False),
        ('pairing = "python_cpp"', True),
        ('pairing = "cpp_python"', False),
        ('pairing = "reader=python,writer=cpp"', True),
        ('scenario = "1.1"\nplatform = "go"', False),
    ],
)
def test_an_entry_chooses_by_all_that_it_names(tmp_path: Path, field: str, chosen: bool) -> None:
    verdict, _ = entry(tmp_path, field).judge(cell(), Verdict.FAILED, "boom", TODAY)
    assert verdict is (Verdict.KNOWN_FAILURE if chosen else Verdict.FAILED)


def test_an_outline_is_named_as_a_whole_or_by_row(tmp_path: Path) -> None:
    rows = [Cell(row, Pairing.of({"reader": "go"})) for row in TWO]
    whole, second = entry(tmp_path, 'scenario = "1.2"'), entry(tmp_path, 'scenario = "1.2.2"')
    known = Verdict.KNOWN_FAILURE
    assert [whole.judge(row, Verdict.FAILED, "", TODAY)[0] for row in rows] == [known, known]
    assert [second.judge(row, Verdict.FAILED, "", TODAY)[0] for row in rows] == [Verdict.FAILED, known]


@pytest.mark.parametrize(
    ("field", "verdict", "error", "known"),
    [
        ('message = "offset 5"', Verdict.FAILED, "at offset 508", True),
        ('message = "offset 6"', Verdict.FAILED, "at offset 508", False),
        ('message = "o.*8"', Verdict.FAILED, "at offset 508", False),
        ('pattern = "o.*8$"', Verdict.FAILED, "at offset 508", True),
        ('verdict = "crashed"', Verdict.CRASHED, "", True),
        ('verdict = "crashed"', Verdict.FAILED, "", False),
        ('verdict = "flaky"', Verdict.FLAKY, "", True),
        ("", Verdict.TIMED_OUT, "", True),
    ],
)
def test_only_the_described_failure_is_excused(
    tmp_path: Path, field: str, verdict: Verdict, error: str, known: bool
) -> None:
    seen, said = entry(tmp_path, 'scenario = "1.1"', field).judge(cell(), verdict, error, TODAY)
    assert seen is (Verdict.KNOWN_FAILURE if known else verdict)
    assert ("https://issues/7" in said) == known
    assert ("not like this" in said) != known


@pytest.mark.parametrize("verdict", [Verdict.UNSUPPORTED, Verdict.UNDEFINED, Verdict.AMBIGUOUS])
def test_what_is_no_failure_is_not_excused(tmp_path: Path, verdict: Verdict) -> None:
    assert entry(tmp_path, 'scenario = "1.1"').judge(cell(), verdict, "", TODAY) == (verdict, "")


def test_beginning_to_pass_is_red_and_names_the_line(tmp_path: Path) -> None:
    verdict, said = entry(tmp_path, 'scenario = "1.1"').judge(cell(), Verdict.PASSED, "", TODAY)
    assert verdict is Verdict.UNEXPECTED_PASS
    assert "expectations.toml:1" in said


def test_an_entry_excuses_until_its_last_day(tmp_path: Path) -> None:
    entries = entry(tmp_path, 'scenario = "1.1"', "expires = 2030-05-05")
    tomorrow = TODAY + dt.timedelta(days=1)
    assert entries.judge(cell(), Verdict.FAILED, "", TODAY)[0] is Verdict.KNOWN_FAILURE
    assert entries.problems([cell()], TODAY) == []
    assert entries.judge(cell(), Verdict.FAILED, "", tomorrow) == (Verdict.FAILED, "")
    (said,) = entries.problems([cell()], tomorrow)
    assert "expectations.toml:1" in said
    assert "expired on 2030-05-05" in said


def test_an_entry_that_names_nothing_is_red(tmp_path: Path) -> None:
    entries = entry(tmp_path, 'scenario = "1.1"\nplatform = "cobol"')
    (said,) = entries.problems([cell()], TODAY)
    assert "matches no cell" in said
    assert "expectations.toml:1" in said


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ('scenario = "1.7"', "there is no scenario '1.7'; did you mean"),
        ('scenario = "1.2.3"', "there is no scenario '1.2.3'; did you mean '1.2.2'?"),
        ('scenario = "9.*"', "there is no scenario '9.*'; `harmony scenarios` lists them"),
        ('role = "raeder"', "there is no role 'raeder' in any scenario; did you mean 'reader'?"),
        ('scenario = "1.2"\nrole = "writer"', "there is no role 'writer' in scenario '1.2'; known are: reader"),
        ('platform = "pyhton"', "no platform 'pyhton' plays in any scenario; did you mean 'python'?"),
        ('scenario = "1.1"\nrole = "writer"\nplatform = "python"', "plays writer in scenario '1.1'; known are: cpp"),
        ('pairing = "pyhton_cpp"', "nobody plays so in any scenario; did you mean 'python_cpp'?"),
        ('scenario = "1.*"\nrole = "reader"\nplatform = "cpp"', ""),
    ],
)
def test_why_an_entry_names_nothing_is_said(tmp_path: Path, fields: str, why: str) -> None:
    possible = [cell(), *(Cell(row, Pairing.of({"reader": "cpp"})) for row in TWO)]
    told = [one for _, one in entry(tmp_path, fields).unmatched(possible)]
    assert [why in one for one in told] == [True] * bool(why), told


def test_an_entry_that_excuses_nothing_is_stale(tmp_path: Path) -> None:
    entries = entry(tmp_path, 'scenario = "1.1"')
    refused = result("1.1[reader=python,writer=cpp]", Verdict.UNSUPPORTED)
    known = result("1.1[reader=cpp,writer=cpp]", Verdict.KNOWN_FAILURE)
    assert "its cells are unsupported" in entries.idle([refused], TODAY)[0]
    assert entries.idle([refused, known], TODAY) == []
    assert entries.idle([result("1.9[a=x]")], TODAY) == []


FILE = """
# Head of the file.

# about one
[[expect]]
scenario = "1.1"
platform = "cpp"   # kept
issue = "https://issues/1"

# about two
[[expect]]
scenario = "1.2"
issue = "https://issues/2"

[[expect]]
scenario = "9.9"
issue = "https://issues/9"
"""
POSSIBLE = [cell(), cell("cpp"), *(Cell(row, Pairing.of({"reader": "cpp"})) for row in TWO)]


def test_an_entry_for_a_platform_speaks_of_all_its_versions_and_one_for_a_version_of_that_alone(tmp_path: Path) -> None:
    def chosen(text: str) -> list[str]:
        (one,) = entry(tmp_path, text).entries
        pairings = [Pairing.of({"reader": name, "writer": "go"}) for name in ("cpp", "cpp@1", "cpp@2", "cp")]
        return [pairing.platforms["reader"] for pairing in pairings if one.chooses(["1.1"], pairing)]

    assert chosen('platform = "cpp"') == ["cpp", "cpp@1", "cpp@2"]
    assert chosen('platform = "cpp@1"') == ["cpp@1"]
    assert chosen('pairing = "cpp_go"') == ["cpp", "cpp@1", "cpp@2"]
    assert chosen('pairing = "reader=cpp@2,writer=go"') == ["cpp@2"]


def test_the_update_keeps_what_is_true_with_its_comments(tmp_path: Path) -> None:
    entries = read(tmp_path, FILE)
    results = [
        result("1.1[reader=python,writer=cpp]", Verdict.KNOWN_FAILURE, found=Verdict.FAILED),
        result("1.2.1[reader=cpp]", Verdict.UNEXPECTED_PASS, found=Verdict.PASSED),
        result("1.2.2[reader=cpp]", Verdict.KNOWN_FAILURE, found=Verdict.CRASHED, error='signal "11"\nmore'),
        result("1.3[solo=cpp]", Verdict.TIMED_OUT, error=""),
        result("1.4[solo=cpp]", Verdict.UNSUPPORTED),
        result("1.5[solo=cpp]"),
        result("1.6[solo=cpp]", Verdict.DEVIATES, found=Verdict.FAILED),  # is no failure that needs an excuse
    ]
    text = entries.updated(results, POSSIBLE, TODAY)
    assert text.startswith("# Head of the file.\n\n# about one\n[[expect]]\n")
    assert 'platform = "cpp"   # kept' in text
    assert "about two" not in text
    assert "9.9" not in text
    written = tomllib.loads(text)["expect"]
    recorded = "recorded on 2030-05-05 by harmony expect --update"
    assert written == [
        {"scenario": "1.1", "platform": "cpp", "issue": "https://issues/1"},
        {
            "scenario": "1.2.2",
            "pairing": "reader=cpp",
            "verdict": "crashed",
            "message": 'signal "11"',
            "reason": recorded,
        },
        {"scenario": "1.3", "pairing": "solo=cpp", "verdict": "timed-out", "reason": recorded},
    ]
    again = read(tmp_path, text)
    known = [one for one in results if one.verdict in {Verdict.KNOWN_FAILURE, Verdict.TIMED_OUT}]
    as_known = [one.model_copy(update={"verdict": Verdict.KNOWN_FAILURE}) for one in known]
    assert again.updated(as_known, [*POSSIBLE, Cell(TWO[0], Pairing.of({"solo": "cpp"}))], TODAY).count("1.2.2") == 1


def test_the_last_line_of_a_text_is_no_comment_of_the_next_entry(tmp_path: Path) -> None:
    true = "# Head\n\n[[expect]]\nscenario = '1.1'\nreason = '''\n# x'''\n"
    entries = read(tmp_path, f"{true}[[expect]]\nrole = 'nobody'\nissue = 'x'\n")
    assert entries.updated([], POSSIBLE, TODAY) == true


def test_the_update_leaves_alone_what_did_not_run(tmp_path: Path) -> None:
    entries = read(tmp_path, FILE)
    text = entries.updated([], POSSIBLE, TODAY)
    assert [one["scenario"] for one in tomllib.loads(text)["expect"]] == ["1.1", "1.2"]


def test_a_pattern_that_does_not_end_excuses_nothing_and_says_so(tmp_path: Path) -> None:
    """`re` would look at it until the end of days, and hear no signal."""
    file = tmp_path / "expectations.toml"
    entry = '[[expect]]\nscenario = "1.1"\nreason = "x"\npattern = '
    file.write_text(f"{entry}'(a|aa)+$'\n{entry}'^a+b$'\n", encoding="utf-8")
    text = "a" * 5000 + "b"
    assert read_expectations(file).judge(cell(), Verdict.FAILED, text, TODAY)[0] is Verdict.KNOWN_FAILURE
    file.write_text(f"{entry}'(a|aa)+$'\n", encoding="utf-8")
    verdict, said = read_expectations(file).judge(cell(), Verdict.FAILED, text, TODAY)
    assert verdict is Verdict.FAILED
    assert "expectations.toml:1" in said
    assert "does not come to an end within 1 s" in said


def test_the_update_makes_a_file(tmp_path: Path) -> None:
    entries = read_expectations(tmp_path / "expectations.toml")
    text = entries.updated([result(verdict=Verdict.FAILED, error="a\x7f\t\\ é")], [], TODAY)
    (made,) = tomllib.loads(text)["expect"]
    assert made["message"] == "a\\x7f\t\\ é"
    assert text.startswith("# Cells that are known to fail.")
    (tmp_path / "expectations.toml").write_text(text, encoding="utf-8")
    judged = read_expectations(tmp_path / "expectations.toml").judge(cell(), Verdict.FAILED, made["message"], TODAY)
    assert judged[0] is Verdict.KNOWN_FAILURE


def test_what_fails_at_times_is_known_when_it_fails_and_not_red_when_it_passes(tmp_path: Path) -> None:
    file = entry(tmp_path, 'platform = "cpp"', 'message = "late"', "sometimes = true", "expires = 2030-12-31")
    assert file.judge(cell(), Verdict.PASSED, "", TODAY) == (Verdict.PASSED, "")
    assert file.judge(cell(), Verdict.FAILED, "too late", TODAY)[0] is Verdict.KNOWN_FAILURE
    assert file.judge(cell(), Verdict.FAILED, "lost", TODAY)[0] is Verdict.FAILED
    with pytest.raises(ConfigurationError, match="give expires"):
        entry(tmp_path, 'platform = "cpp"', "sometimes = true")
