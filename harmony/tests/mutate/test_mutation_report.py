"""The report says what is known, no more, and nothing in it is obeyed."""

from __future__ import annotations

import json
import re

import pytest

from harmony.errors import ConfigurationError
from harmony.mutate.equivalents import Equivalents
from harmony.mutate.fault import Fault, Patch
from harmony.mutate.finding import find_faults
from harmony.mutate.judgement import Judgement, Outcome
from harmony.mutate.markdown import markdown
from harmony.mutate.page import page
from harmony.mutate.report import Report, as_json, terminal
from harmony.mutate.score import Score

SOURCE = b"def f(a):\n    if a < 1:\n        g(a)\n        g(0)\n    return a > 2\n"
FAULTS = find_faults({"ring.py": SOURCE})
EVIL = "</pre><script>alert(1)</script> | ``` @everyone \x1b[31m"


def killed(fault: Fault | Patch, *killers: str, late: bool = False) -> Judgement:
    return Judgement(fault, Outcome.KILLED, f"{killers[0]}[solo=python]", killers[0], killers, by_timeout=late)


def report(*judgements: Judgement, whole: bool = False, **more: object) -> Report:
    facts = {"seed": "7", "pairings": "python_python, go_python"}
    known = {"found": 60, "asked": len(judgements), "command": ("harmony", "mutate", "python", "--seed", "7")} | more
    return Report(
        platform="python",
        judgements=judgements,
        sources={"ring.py": SOURCE},
        scenarios=("1.1", "1.2", "2.1"),
        whole=whole,
        facts=facts,
        **known,
    )


def mixed() -> Report:
    return report(
        killed(FAULTS[0], "1.1", late=True),
        killed(FAULTS[1], "1.1"),
        killed(FAULTS[2], "2.1"),
        Judgement(FAULTS[3], Outcome.SURVIVED),
        Judgement(FAULTS[4], Outcome.EQUIVALENT, why="nobody gives 1"),
        Judgement(FAULTS[5], Outcome.UNBUILDABLE, why="no such name"),
        Judgement(FAULTS[6], Outcome.UNDECIDED, why="the harness ended with 3", flaky=("1.2[solo=python]",)),
    )


def test_a_judgement_is_a_line() -> None:
    for one in mixed().judgements:
        line = one.to_json()
        assert "\n" not in line
        assert Judgement.from_json(line) == one
    patch = Patch("zoo", "--- a/x\n+++ b/x\n", "4.2")
    assert Judgement.from_json(killed(patch, "4.2").to_json()).fault == patch
    with pytest.raises(ConfigurationError, match="no judgement"):
        Judgement.from_json('{"fault": {"na')


def test_the_score_counts_the_killed_and_the_survived_alone() -> None:
    score = mixed().score
    assert score.value == 3 / 4
    assert (score.decided, score.by_timeout) == (4, 1)
    assert str(score) == "75.00 %: 3 of 4 killed; 1 survived, 1 equivalent, 1 did not build, 1 undecided"
    assert Score.of([]).value is None
    assert str(Score.of([])) == "no score: no fault was decided"


def test_one_survivor_is_never_rounded_away() -> None:
    many = [killed(FAULTS[0], "1.1")] * 99_999
    assert str(Score.of([*many, Judgement(FAULTS[1], Outcome.SURVIVED)])).startswith("99.99 %: ")
    assert str(Score.of(many)).startswith("100.00 %: ")


def test_what_a_sample_tells_of_all() -> None:
    """Wilson's interval, by numbers that are printed in textbooks."""
    known = [killed(FAULTS[0], "1.1")] * 9 + [Judgement(FAULTS[1], Outcome.SURVIVED)]
    assert Score.of(known).range == pytest.approx((0.5958, 0.9821), abs=1e-4)
    low, high = Score.of(known[:9]).range
    assert high == 1.0
    assert low == pytest.approx(0.7009, abs=1e-4)
    assert report(*known).sample == "10 of 60 faults judged; all: between 60% and 98%, 95 times of 100"
    assert report(*known, found=10).sample == ""


def test_the_terminal() -> None:
    assert terminal(mixed()) == [
        "python: 75.00 %: 3 of 4 killed; 1 survived, 1 equivalent, 1 did not build, 1 undecided",
        "7 of 60 faults judged; all: between 30% and 95%, 95 times of 100",
        "1 of the killed only ran into a deadline",
        "survived:",
        f"  {FAULTS[3].name}  ring.py:2",
        "    -    if a < 1:",
        f"    +    {FAULTS[3].planted(SOURCE).splitlines()[1].decode().strip()}",
        "weakest files:",
        "  ring.py: 75.00 %: 3 of 4 killed; 1 survived, 1 equivalent, 1 did not build, 1 undecided",
        "red once, and green when repeated with the same fault:",
        f"  1.2[solo=python] with {FAULTS[6].name}",
        "undecided:",
        f"  {FAULTS[6].name}  ring.py:{FAULTS[6].line}: the harness ended with 3",
        "repeat: harmony mutate python --seed 7",
    ]


def test_what_is_not_judged_yet_is_said() -> None:
    assert report(killed(FAULTS[0], "1.1"), asked=3).unfinished == "2 of 3 are not judged: the same command goes on"
    assert "2 of 3" in terminal(report(killed(FAULTS[0], "1.1"), asked=3))[2]


def test_who_kills_alone_is_known_only_where_all_were_played() -> None:
    first = report(killed(FAULTS[0], "1.1"), killed(FAULTS[1], "2.1"))
    assert first.idle == ["1.2"]
    assert "only --whole tells" in first.idle_title
    every = report(killed(FAULTS[0], "1.1", "1.2"), killed(FAULTS[1], "2.1"), whole=True)
    assert every.idle == ["1.1", "1.2"]
    assert every.idle_title == "scenarios that never killed anything alone"


def test_the_kill_matrix() -> None:
    matrix = mixed().matrix
    first = [one.operator for one in FAULTS[:3]]
    assert {name: sum(row) for name, row in matrix.rows.items()} == {"1.1": 2, "2.1": 1}
    assert set(matrix.operators) == set(first)
    assert next(iter(matrix.rows)) == "1.1"


def test_patches_and_who_should_find_them() -> None:
    def patch(name: str) -> Patch:
        return Patch(name, "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n", "4.2")

    told = report(
        killed(patch("a"), "4.2"),
        killed(patch("b"), "1.1"),
        Judgement(patch("c"), Outcome.SURVIVED),
        killed(Patch("d", "--- a/x\n+++ b/x\n"), "1.1"),
    )
    assert told.patches() == [
        ("a", "killed by 4.2, as told"),
        ("b", "killed by 1.1; 4.2 should find it"),
        ("c", "survived, 4.2 should find it"),
        ("d", "killed by 1.1"),
    ]
    assert told.matrix.operators == ("patch",)
    assert "    -a" in terminal(told)


def test_json_for_programs() -> None:
    document = json.loads(as_json(mixed()))
    assert document["score"] == 0.75
    assert document["counts"] == {"killed": 3, "survived": 1, "equivalent": 1, "unbuildable": 1, "undecided": 1}
    assert document["by_timeout"] == 1
    assert document["command"] == ["harmony", "mutate", "python", "--seed", "7"]
    assert [one["outcome"] for one in document["judgements"]].count("survived") == 1
    [survivor] = [one for one in document["judgements"] if one["outcome"] == "survived"]
    assert survivor["diff"].startswith("--- a/ring.py\n")
    assert Equivalents.read(survivor["entry"]).reasons("python", FAULTS) == {FAULTS[3].name: "why nobody can see it"}


def test_markdown_and_page_hold_the_same() -> None:
    told = mixed()
    for text in (markdown(told).replace("\\", ""), page(told)):
        for word in (FAULTS[3].name, "ring.py:2", "nobody gives 1", "python_python, go_python", "1.2[solo=python]"):
            assert word in text
        assert "harmony mutate python --seed 7" in text
        assert "1 of the killed only ran into a deadline" in text
    assert "no such name" in page(told)


def test_words_of_sources_are_no_markup() -> None:
    source = f"def f(a):\n    if a < 1:  # {EVIL}\n        g(a)\n        g(0)\n".encode()
    found = find_faults({"ring.py": source})
    told = Report(
        platform=EVIL,
        judgements=[
            Judgement(found[0], Outcome.SURVIVED),
            Judgement(found[1], Outcome.UNDECIDED, why=EVIL, flaky=(EVIL,)),
        ],
        found=9,
        asked=2,
        sources={"ring.py": source},
        scenarios=(EVIL,),
        facts={EVIL: EVIL},
        command=("harmony", "mutate", EVIL),
    )
    html = page(told)
    assert "<script" not in html
    assert html.count("</pre>") == html.count("<pre") > 0
    assert "\x1b" not in html + markdown(told) + "".join(terminal(told))
    outside = re.sub(r"^(`{3,})\w*\n.*?^\1$", "", markdown(told), flags=re.MULTILINE | re.DOTALL)
    assert "<script>" not in outside
    assert "@everyone" not in outside


def test_a_source_that_has_changed_is_told_without_its_diff() -> None:
    told = report(Judgement(FAULTS[0], Outcome.SURVIVED))
    gone = Report(platform="python", judgements=told.judgements, found=1, asked=1, sources={"ring.py": b"x"})
    assert repr(FAULTS[0].after) in gone.diff(gone.judgements[0])
    assert FAULTS[0].name in markdown(gone)


def test_many_survivors_are_bounded_where_a_person_reads() -> None:
    told = report(*[Judgement(FAULTS[0], Outcome.SURVIVED)] * 2000)
    assert len(markdown(told)) < 65_536
    assert len(terminal(told)) < 200
    assert len(re.findall("<section>", page(told))) == 2000
