"""The step x platform table: who has, lacks or declines a step, in whose words."""

from __future__ import annotations

import pytest

from harmony.model import Verdict
from harmony.verdict.events import ActorOutcome, CellStarted, Event, PlatformSupport, StepFinished, StepSupport, Support
from harmony.verdict.support import SupportCollector, SupportTable, sentence_shape, support_lines, support_of, unclaimed
from synthetic_results import result, the_page

PYTHON = "No matching step definition found for: the 'writer' process puts 'pear'"
CPP = "[StepRegistry] Step not found: the 'writer' process puts 'pear'"
CSHARP = "No step definition was found for <that>"


def started(cell: str) -> CellStarted:
    pairing = dict(part.split("=") for part in cell.removesuffix("]").partition("[")[2].split(","))
    return CellStarted(cell=cell, scenario=cell, pairing=pairing, seed=1)


def step(cell: str, text: str, phase: str = "step", **outcomes: tuple[Verdict, str]) -> StepFinished:
    heard = {
        key.replace("__", "#"): ActorOutcome(verdict=verdict, error=error) for key, (verdict, error) in outcomes.items()
    }
    return StepFinished(cell=cell, phase=phase, step=text, verdict=Verdict.PASSED, outcomes=heard, seconds=0.1)


def collected(*events: Event) -> list[StepSupport]:
    collector = SupportCollector()
    for event in events:
        collector(event)
    return collector.events()


PUTS = "When the 'writer' process puts 'pear'"
OK = (Verdict.PASSED, "")


def lacking(error: str, verdict: Verdict = Verdict.UNSUPPORTED) -> tuple[Verdict, str]:
    return verdict, error


def a_run() -> list[Event]:
    events: list[Event] = []
    words = {"python": OK, "cpp": lacking(CPP), "csharp": lacking(CSHARP), "old": lacking(PYTHON)}
    for reader in ("python", "cpp"):
        for writer, outcome in words.items():
            cell = f"1.1[reader={reader},writer={writer}]"
            events += [
                started(cell),
                step(cell, "Given all processes are ready", reader=OK, writer=OK),
                step(cell, PUTS, writer=outcome),
            ]
    return events


def test_only_what_somebody_lacks_is_told_in_everybodys_own_words() -> None:
    (found,) = collected(*a_run())
    assert found.step == "the 'writer' process puts '…'"
    assert found.platforms == {
        "cpp": PlatformSupport(state=Support.LACKS, cells=2, words=CPP),
        "csharp": PlatformSupport(state=Support.LACKS, cells=2, words=CSHARP),
        "old": PlatformSupport(state=Support.LACKS, cells=2, words=PYTHON),
        "python": PlatformSupport(state=Support.HAS),
    }


def test_nobody_lacks_anything() -> None:
    cell = "1.1[reader=a,writer=b]"
    assert collected(started(cell), step(cell, PUTS, writer=OK)) == []
    assert support_lines(SupportTable.of([], ["a", "b"])) == []
    assert "What platforms lack" not in the_page([result()])


def test_sentences_of_one_step_definition_are_one_row() -> None:
    cell = "1.1[reader=a,writer=b]"
    (found,) = collected(
        started(cell),
        step(cell, "And the 'writer' process puts 'apple'", writer=OK),
        step(cell, PUTS, writer=lacking(PYTHON)),
        step(cell, "Then the 'writer' process puts 'plum'", writer=lacking(PYTHON)),
    )
    assert found.platforms == {"b": PlatformSupport(state=Support.LACKS, cells=1, words=PYTHON)}
    assert (
        sentence_shape("Given the 'reader' process has '5' frames of '6' bytes")
        == "the 'reader' process has '…' frames of '…' bytes"
    )


@pytest.mark.parametrize(
    ("verdict", "error", "support"),
    [
        (Verdict.PASSED, "", Support.HAS),
        (Verdict.FAILED, "expected 5, seen 4", Support.HAS),
        (Verdict.FAILED, f"cpp announces this step in discover, but then says: {CPP}", Support.LACKS),
        (Verdict.UNDEFINED, "", Support.LACKS),
        (Verdict.UNSUPPORTED, CPP, Support.LACKS),
        (Verdict.UNSUPPORTED, "no duplex channels here", Support.DECLINES),
        (Verdict.CRASHED, "exited with code 3", None),
        (Verdict.TIMED_OUT, "no answer", None),
        (Verdict.ERRORED, "no step response", None),
    ],
)
def test_what_an_outcome_shows(verdict: Verdict, error: str, support: Support | None) -> None:
    assert support_of(ActorOutcome(verdict=verdict, error=error)) is support


def test_other_processes_of_a_role_are_of_its_platform_and_harmony_is_of_none() -> None:
    cell = "1.1[reader=a,writer=b]"
    events: list[Event] = [
        started(cell),
        step(cell, PUTS, writer__2=lacking("not\nhere"), harmony=lacking("never")),
        step(cell, "", "start", reader=lacking("set-up is no step")),
    ]
    (found,) = collected(*events)
    assert found.platforms == {"b": PlatformSupport(state=Support.DECLINES, cells=1, words="not")}


def test_lacking_is_graver_than_declining_whichever_comes_first() -> None:
    one, other = "1.1[reader=a,writer=b]", "1.2[reader=a,writer=b]"
    parts = [step(one, PUTS, writer=lacking("not today")), step(other, PUTS, writer=lacking(CPP))]
    for order in (parts, parts[::-1]):
        (found,) = collected(started(one), started(other), *order)
        assert found.platforms["b"] == PlatformSupport(state=Support.LACKS, cells=2, words=CPP)


def test_shards_are_put_together() -> None:
    lacks = PlatformSupport(state=Support.LACKS, cells=2, words=CPP)
    has = PlatformSupport(state=Support.HAS)
    table = SupportTable.of(
        [
            StepSupport(step="10 b", platforms={"cpp": lacks}),
            StepSupport(step="9 a", platforms={"cpp": lacks, "go": has}),
            StepSupport(step="9 a", platforms={"cpp": has, "go": lacks}),
            StepSupport(step="9 a", platforms={"cpp": lacks}),
            result(),
        ],
        ["rust"],
    )
    assert table.platforms == ("cpp", "go", "rust")
    assert list(table.rows) == ["9 a", "10 b"]
    assert table.rows["9 a"]["cpp"] == PlatformSupport(state=Support.LACKS, cells=4, words=CPP)
    assert table.rows["9 a"]["go"] == lacks


def test_the_lines_of_a_terminal() -> None:
    table = SupportTable.of(collected(*a_run()), ["ruby"])
    assert support_lines(table) == [
        "step x platform                  cpp      csharp     old      python     ruby",
        "the 'writer' process puts '…'   lacks     lacks     lacks      has",
        f"    cpp, 2 cells: {CPP}",
        f"    csharp, 2 cells: {CSHARP}",
        f"    old, 2 cells: {PYTHON}",
    ]


def test_the_page_has_the_table_with_the_words() -> None:
    page = the_page([result("1.1[reader=python,writer=cpp]")], supports=collected(*a_run()))
    assert "<h2>What platforms lack</h2>" in page
    assert (
        '<td class="lacks"><b>lacks</b> in 2 cells<br><q>No step definition was found for &lt;that&gt;</q></td>' in page
    )
    assert '<td class="has">has</td>' in page


def test_capabilities_that_are_not_claimed_are_listed_apart() -> None:
    note = "not claimed: cpp: duplex"
    assert unclaimed([note, "", note, "expected to fail"]) == ["not claimed: cpp: duplex (2 cells)"]
    page = the_page([result("1.1[a=x]", Verdict.UNSUPPORTED, note=note)])
    assert "<h2>Capabilities that are not claimed</h2><ul><li>not claimed: cpp: duplex (1 cell)</li></ul>" in page
