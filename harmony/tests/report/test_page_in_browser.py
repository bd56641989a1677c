"""The page in a Chromium: what it shows, what it obeys, who can use it. `nox -s browser` has all that this takes."""

from __future__ import annotations

import base64
import json
import os
import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from harmony.attachments import Attachment
from harmony.history.trends import over_time
from harmony.model import NetworkKind, Verdict
from harmony.perf.page import page as perf_page
from harmony.report.outcome import Outcome
from harmony.report.page import html_report
from harmony.verdict.events import (
    AttachmentTold,
    CellFinished,
    ClauseEntry,
    Event,
    NetworkLine,
    RunFinished,
    SpecificationRead,
    StepFinished,
)
from past_runs import A, B, events, past
from synthetic_results import data_of, many, the_page
from synthetic_runs import a_cell, a_run, page_of
from synthetic_tables import boiling

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: nox -s browser has it")
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
if CHROMIUM is None:
    pytest.skip("there is no Chromium (Debian: apt-get install chromium)", allow_module_level=True)

VIEWS = ("features", "cells", "seats", "steps", "clauses", "slowest", "timeline", "flaky")
EVIL = (
    '</pre></script><script>stolen=1</script><img src=x onerror="stolen=1">\'">'
    '<a href="javascript:stolen=1">{{ 7*7 }}<svg onload=stolen=1>'
)
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
DEADLINE = 20_000.0
"""Milliseconds: a bound on a hang."""
Open = Callable[..., Any]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as play, play.chromium.launch(executable_path=CHROMIUM) as started:
        yield started


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Iterator[Open]:
    """Open a page; at the end of the test, nothing was complained about and nobody else was asked."""
    complaints: list[str] = []
    asked: set[str] = set()

    def open_page(text: str, fragment: str = "", *, width: int = 1440, script: bool = True, **more: Any) -> Any:
        file = tmp_path / "page.html"
        file.write_text(text, encoding="utf-8")
        context = browser.new_context(viewport={"width": width, "height": 900}, java_script_enabled=script, **more)
        context.set_default_timeout(DEADLINE)
        tab = context.new_page()
        tab.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on("dialog", lambda dialog: complaints.append(dialog.message))
        tab.on("request", lambda request: asked.add(request.url.partition("#")[0]))
        tab.goto(file.as_uri() + fragment)
        if script:
            tab.wait_for_selector("html[data-ready]", state="attached")
        return tab

    yield open_page
    for context in browser.contexts:
        context.close()
    assert complaints == []
    assert asked <= {(tmp_path / "page.html").as_uri()}


@pytest.fixture(scope="module")
def tea() -> str:
    return page_of(a_run(12, ("cpp", "go", "rust"), ("guest", "host"), lambda pairing, _: pairing["host"] == "go"))


def counted(tab: Any) -> str:
    return str(tab.locator("form.filters [role=status]").inner_text())


def go(tab: Any, fragment: str) -> None:
    tab.evaluate("fragment => { history.replaceState(null, '', fragment); show(); }", fragment)


def test_words_of_others_are_never_obeyed(opened: Open) -> None:
    """In each place of the page where names, logs, errors, tables or sections stand."""
    pairing = {"guest": EVIL, "host": "go"}
    chance = random.Random(7)
    cells = list(a_cell(0, pairing, datetime.now(UTC), chance, bad=True, cups=EVIL))
    cells = [one.model_copy(update={"argument": EVIL}) if hasattr(one, "argument") else one for one in cells]
    told = dict.fromkeys(("title", "feature", "note", "repeat", "place", "code", "report"), EVIL)
    end = cells[-1].model_copy(update={**told, "tags": [EVIL], "clauses": [EVIL], "level": EVIL, "alarms": [EVIL]})
    tab = opened(page_of([*cells[:-1], end, RunFinished(verdicts={}, problems=[EVIL], exit_code=1, seconds=1)]))
    for view in VIEWS:
        go(tab, f"#view={view}")
        assert tab.locator("#view > *").count()
    for button in tab.get_by_role("button").all():
        button.click(force=True, no_wait_after=True)
    key = tab.evaluate("page.run.cells[0].key")
    assert EVIL in key
    tab.evaluate("key => { location.hash = fragment(page.state, { cell: key }); }", key)
    tab.wait_for_selector("dialog[open]")
    for summary in tab.locator("dialog summary").all():
        summary.click()
    assert tab.locator("dialog").inner_text().count("onerror") >= 10
    assert tab.evaluate("typeof stolen") == "undefined"
    assert tab.locator("img, a[href^=javascript], script").count() == 2, "the data and the script"


def test_a_cell_that_passed_shows_its_steps_with_their_times(opened: Open, tea: str) -> None:
    tab = opened(tea, "#cell=1.1[guest=cpp,host=cpp]")
    rows = tab.locator("dialog .time tr.step")
    assert rows.count() == 6
    assert "Given the 'guest' process opens the till '0'" in rows.first.inner_text()
    assert " ms" in rows.first.locator("td").nth(2).inner_text()
    assert tab.locator("dialog svg").count() == 1


def test_a_cell_that_failed_shows_logs_among_its_steps(opened: Open, tea: str) -> None:
    """A line stands after the step in which it was said, steps that were left at the end; the picture marks one."""
    tab = opened(tea, "#cell=1.1[guest=cpp,host=go]")
    kinds = [str(row.get_attribute("class")) for row in tab.locator("dialog .time tr").all()]
    assert kinds[0] == "step"
    assert kinds[-1] == "skipped"
    first, last = kinds.index("stderr"), len(kinds) - 1 - kinds[::-1].index("log")
    assert "step" in kinds[first:last]
    assert kinds.count("step odd-one") == 1
    assert tab.locator("dialog .sequence .wrong .arrow").count() == 1
    assert tab.locator("dialog summary", has_text="shelf").count() == 1


def test_what_went_from_role_to_role_is_in_the_timeline_and_in_the_picture(opened: Open) -> None:
    cells = list(a_cell(0, {"guest": "cpp", "host": "go"}, datetime.now(UTC), random.Random(7), bad=True))
    seen = [
        NetworkLine(at=cells[-1].at, kind=NetworkKind.PACKET, text="ORDER tea", link="guest, host", sender="host"),
        NetworkLine(at=cells[-1].at, kind=NetworkKind.FAULT, text="cut", link="guest, host", connection=1),
        NetworkLine(at=cells[-1].at, kind=NetworkKind.STEP, text="Then it stands there already"),
    ]
    end = cells[-1].model_copy(update={"network": seen})
    text = page_of([*cells[:-1], end, RunFinished(verdicts={}, exit_code=1, seconds=1)])
    tab = opened(text, "#cell=1.1[guest=cpp,host=go]")
    rows = [row.inner_text().split("\t") for row in tab.locator("dialog .time tr.network").all()]
    assert [row[1:] for row in rows] == [
        ["host → guest", "network", "ORDER tea"],
        ["guest — host #1", "network", "cut"],
    ]
    sent = tab.locator("dialog .sequence .sent .arrow")
    assert sent.count() == 1
    assert float(sent.get_attribute("x1")) > float(sent.get_attribute("x2")), "from the host, which stands at the right"


def test_what_is_asked_for_is_found(opened: Open, tea: str) -> None:
    tab = opened(tea)
    assert counted(tab) == "108 cells"
    for fragment, many_are in {
        "#verdict=failed": 36,
        "#who=guest:go": 36,
        "#who=go": 60,
        "#who=guest:go,host:go": 12,
        "#group=1": 36,
        "#group=9": 0,
        "#tag=hot": 36,
        "#tag=hot&verdict=failed": 12,
        "#clause=T-2": 9,
        "#q=orders '3' CUPS": 27,  # each word, wherever it stands
        "#q=expected: '3'": 9,
        "#q=nowhere": 0,
    }.items():
        go(tab, fragment)
        assert counted(tab) == f"{many_are} cell{'' if many_are == 1 else 's'} of 108", fragment


def test_an_address_leads_to_the_same_again(opened: Open, tea: str) -> None:
    tab = opened(tea)
    tab.get_by_role("searchbox").fill("expected")
    tab.locator(".squares a", has_text="✗").first.click()
    tab.get_by_role("link", name="cells", exact=True).click()
    tab.locator("#view a").first.click()
    tab.wait_for_selector("dialog[open]")
    said = tab.locator("dialog h2").inner_text()
    address = str(tab.evaluate("location.hash"))
    again = opened(tea, address)
    assert again.locator("dialog h2").inner_text() == said
    again.keyboard.press("Escape")
    again.wait_for_selector("dialog", state="hidden")
    assert "cell=" not in again.evaluate("location.hash")
    assert counted(again) == counted(tab) != "108 cells"
    again.go_back()
    again.wait_for_selector("dialog[open]")


def test_keys_are_enough(opened: Open, tea: str) -> None:
    tab = opened(tea, "#view=cells")
    tab.keyboard.press("/")
    assert tab.evaluate("document.activeElement.type") == "search"
    tab.keyboard.type("1.1")
    tab.locator("#view a").first.focus()
    tab.keyboard.press("Enter")
    tab.wait_for_selector("dialog[open]")
    heading = tab.locator("dialog h2")
    first = heading.inner_text()
    tab.keyboard.press("ArrowRight")
    sync_api.expect(heading).not_to_have_text(first)
    tab.keyboard.press("ArrowLeft")
    sync_api.expect(heading).to_have_text(first)
    tab.keyboard.press("Escape")
    tab.wait_for_selector("dialog", state="hidden")


def test_the_command_that_repeats_a_cell_is_copied(opened: Open, tea: str) -> None:
    tab = opened(tea, "#cell=1.1[guest=cpp,host=go]", permissions=["clipboard-read", "clipboard-write"])
    tab.get_by_role("button", name="copy", exact=True).click()
    tab.get_by_role("button", name="copied").wait_for()
    assert tab.evaluate("navigator.clipboard.readText()") == "harmony run cpp_go 1.1 --seed 7"


def test_a_recording_is_downloaded_from_the_page_itself(opened: Open) -> None:
    cells = list(a_cell(0, {"guest": "cpp", "host": "go"}, datetime.now(UTC), random.Random(7), bad=True))
    end = cells[-1].model_copy(update={"recordings": {"1.1.guest.yaml": "harmony-recording: 1\n"}})
    text = page_of([*cells[:-1], end, RunFinished(verdicts={}, exit_code=1, seconds=1)])
    tab = opened(text, "#cell=1.1[guest=cpp,host=go]")
    with tab.expect_download() as expected:
        tab.get_by_role("button", name="download 1.1.guest.yaml").click()
    assert Path(expected.value.path()).read_text() == "harmony-recording: 1\n"
    assert expected.value.suggested_filename == "1.1.guest.yaml"


def test_what_a_step_has_attached_is_seen_and_downloaded(opened: Open) -> None:
    """A picture as one, a text as a text, and what may be neither as its bytes; whatever its words say."""
    drawn = f'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="7"><script>{"stolen=1"}</script></svg>'
    attached = [
        Attachment.of("shot.png", base64.b64decode(PNG), "image/png"),
        Attachment.of("drawn.svg", drawn, "image/svg+xml"),
        Attachment.of(EVIL, EVIL, "text/html"),
        Attachment.of("raw.bin", b"\xff\x00"),
    ]
    cells = list(a_cell(0, {"guest": "cpp", "host": "go"}, datetime.now(UTC), random.Random(7), bad=True))
    step = cells[2]
    assert isinstance(step, StepFinished)
    told = [AttachmentTold.model_validate({**asdict(one), "body": [*one.body]}) for one in attached]
    ((actor, outcome),) = step.outcomes.items()
    cells[2] = step.model_copy(update={"outcomes": {actor: outcome.model_copy(update={"attachments": told})}})
    tab = opened(page_of([*cells, RunFinished(verdicts={}, exit_code=1, seconds=1)]), "#cell=1.1[guest=cpp,host=go]")
    row = tab.locator("dialog .time tr", has=tab.locator(".attached"))
    assert "enters as" in row.inner_text()
    sizes = row.locator("img").evaluate_all("all => all.map(one => [one.naturalWidth, one.alt])")
    assert sizes == [[1, "shot.png"], [9, "drawn.svg"]]
    assert row.locator("pre").inner_text() == EVIL
    for name, content in (("raw.bin", b"\xff\x00"), ("drawn.svg", drawn.encode())):
        with tab.expect_download() as expected:
            row.get_by_role("button", name=f"download {name}").click()
        assert Path(expected.value.path()).read_bytes() == content
    assert tab.evaluate("typeof stolen") == "undefined"


def test_a_cell_is_played_step_by_step(opened: Open) -> None:
    """With keys and buttons: what comes later is not seen, what is there now is marked in list and picture."""
    tab = opened(page_of(a_recorded_run()), "#cell=1.1[guest=cpp,host=go]")
    now, later = tab.locator("dialog .time .now"), tab.locator("dialog .time .later")
    told, arrow = tab.locator("dialog .told"), tab.locator("dialog .sequence .now")
    assert (now.count(), later.count()) == (0, 0)
    tab.keyboard.press(".")
    assert "opens the till" in now.inner_text()
    assert now.get_attribute("aria-current") == "step"
    assert arrow.locator("title").text_content() == "Given the 'guest' process opens the till '0'"
    assert not tab.locator("dialog .time .call, dialog .time .skipped").first.is_visible()
    tab.get_by_role("button", name="forward").click()
    assert "order" in now.inner_text()
    assert tab.locator("dialog .time .call").is_visible()
    assert told.locator("pre").all_inner_texts() == ['{"cups": 3}', "3"]
    tab.keyboard.press(",")
    assert "opens the till" in now.inner_text()
    slider = tab.get_by_role("slider", name="moment")
    slider.focus()
    tab.keyboard.press("End")
    assert "failed" in told.inner_text()
    assert "expected: 1" in told.locator("pre").first.inner_text()
    there = tab.evaluate("location.hash")
    again = opened(page_of(a_recorded_run()), str(there))
    assert again.locator("dialog .controls .dim").inner_text() == tab.locator("dialog .controls .dim").inner_text()
    tab.keyboard.press("Home")
    assert "at=" in there
    assert "at=" not in tab.evaluate("location.hash")
    assert (now.count(), later.count(), told.inner_text()) == (0, 0, "")


def test_a_cell_plays_by_itself_to_its_end_and_not_beyond_its_dialog(opened: Open) -> None:
    tab = opened(page_of(a_recorded_run()), "#cell=1.1[guest=cpp,host=go]")
    tab.clock.install()
    tab.keyboard.press("p")
    tab.get_by_role("button", name="pause").wait_for()
    tab.clock.run_for(2_000)
    here = tab.locator("dialog .controls .dim").inner_text()
    assert here in {"2 of 6", "3 of 6"}
    tab.keyboard.press("p")
    tab.clock.run_for(10_000)
    assert tab.locator("dialog .controls .dim").inner_text() == here
    tab.keyboard.press("p")
    tab.clock.run_for(10_000)
    assert tab.locator("dialog .controls .dim").inner_text() == "6 of 6"
    tab.get_by_role("button", name="play").wait_for()


def test_the_page_says_how_it_was_before(opened: Open) -> None:
    tab = opened(a_page_with_a_past(), "#view=features")
    assert tab.locator(".verdict small").inner_text() == "red since commit2 (2026-11-02), 2 runs; not before on commit1"
    trend = tab.get_by_role("img", name="1.1 Scenario 1.1: 1 of 3 runs whole")
    assert [str(bar.get_attribute("class")) for bar in trend.locator("rect").all()] == ["good", "bad", "bad"]
    go(tab, "#cell=1.1[reader=go,writer=cpp]")
    assert "red since commit2" in tab.locator("dialog").inner_text()
    go(tab, "#view=flaky")
    (row,) = tab.locator("#view tbody tr").all_inner_texts()
    assert row.split("\t") == ["1.00 ", B, "1 of 1 repetitions; passed, flaky"]


def test_clauses_that_no_scenario_cites_are_named_and_counted(opened: Open, tea: str) -> None:
    clauses = [ClauseEntry(id=f"T-{number}", level="must", text=EVIL, scenarios=["1.1"]) for number in (1, 99)]
    bare = [ClauseEntry(id=f"X-{number}", level=level) for number, level in enumerate(("may", "must", "must"))]
    run = a_run(2, ("cpp",), ("guest", "host"))
    told = SpecificationRead(document="tea.md", clauses=[*clauses, *bare])
    tab = opened(page_of([*run[:-1], told, run[-1]]), "#view=clauses")
    heads = tab.locator("#view h2, #view summary").all_inner_texts()
    assert heads == [
        "3 of 5 clauses are cited by no scenario",
        "MUST (2)",
        "MAY (1)",
        "Clauses that these cells cite (2)",
        "Cited, but by no cell of the run (1)",
    ]
    assert tab.locator("#view details li b").all_inner_texts() == ["X-1", "X-2", "X-0", "T-99"]


@pytest.mark.parametrize("width", [400, 800])
def test_nothing_is_beside_a_narrow_screen(opened: Open, tea: str, width: int) -> None:
    tab = opened(tea, width=width)
    for view in (*(f"#view={view}" for view in VIEWS), "#cell=1.1[guest=cpp,host=go]"):
        go(tab, view)
        assert tab.evaluate("document.documentElement.scrollWidth") <= width, view
        assert tab.evaluate("page.dialog.scrollWidth <= page.dialog.clientWidth"), view


def test_without_a_script_the_overview_and_failures_are_there(opened: Open, tea: str) -> None:
    tab = opened(tea, script=False)
    text = tab.locator("body").inner_text()
    for wanted in ("36 of 108 cells are red", "all 36 have host=go", "harmony run cpp_go 1.1", "Tea time 2", "✗ 0/12"):
        assert wanted in text, wanted
    assert not tab.locator("#run").is_visible()


def test_a_long_list_is_drawn_in_parts(opened: Open) -> None:
    """A list of ten thousand cells would take a browser seconds."""
    text = the_page(many(30, 5))
    tab = opened(text, "#view=cells")
    assert tab.locator("#view li").count() == 200
    tab.get_by_role("button", name="all 750").click()
    assert tab.locator("#view li").count() == len(data_of(text)["cells"][0]) == 750


def test_the_other_pages_have_their_colours(opened: Open) -> None:
    """Their policy allows no style but their own: a heat map without it would be white."""
    tab = opened(perf_page([boiling()], {}), script=False)
    colours = [tab.locator(f"td.{kind}").first for kind in ("h20", "h14")]
    shades = {str(one.evaluate("one => getComputedStyle(one).backgroundColor")) for one in colours}
    assert len(shades) == 2


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.skipif("HARMONY_AXE" not in os.environ, reason="nox -s browser fetches axe-core")
def test_everybody_can_use_it(opened: Open, scheme: str) -> None:
    """axe-core on each view, and on a cell: contrast, names, roles, order of headings."""
    axe = Path(os.environ["HARMONY_AXE"]).read_text("utf-8")
    found = [*looked_at(opened(a_page_with_a_past(), color_scheme=scheme), axe, ["#view=features", "#view=flaky"])]
    tab = opened(page_of(every_verdict()), color_scheme=scheme)
    asked = [*(f"#view={view}" for view in VIEWS), "#verdict=failed&who=go&q=tea", "#cell=1.1[guest=cpp,host=go]"]
    found += looked_at(tab, axe, asked)
    tab.keyboard.press(".")
    found += looked_at(tab, axe, [])
    assert found == []


def looked_at(tab: Any, axe: str, asked: Sequence[str]) -> Iterator[str]:
    """Give what axe-core complains about, in what is asked for, or in what is there."""
    tab.evaluate(axe)
    for fragment in asked or [""]:
        if fragment:
            go(tab, fragment)
        for button in tab.locator("#view button[aria-expanded=false]").all():
            button.click()
        told = tab.evaluate("axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'best-practice'] })")
        for one in told["violations"]:
            yield f"{fragment}: {one['id']}: {json.dumps([node['html'][:120] for node in one['nodes'][:2]])}"


def a_recorded_run() -> Sequence[Event]:
    """Return a run of one cell, that failed and was recorded."""
    cells = list(a_cell(0, {"guest": "cpp", "host": "go"}, datetime.now(UTC), random.Random(7), bad=True))
    at = datetime.fromisoformat(cells[1].at).timestamp() - 0.001
    recording = (
        "harmony-recording: 1\nrole: guest\nplatform: cpp\nexchanges:\n"
        f"- {{method: order, params: [{{cups: 3}}], at: {at}, result: 3}}\n"
    )
    end = cells[-1].model_copy(update={"recordings": {"1.1.guest.yaml": recording}})
    return [*cells[:-1], end, RunFinished(verdicts={}, exit_code=1, seconds=1)]


def a_page_with_a_past() -> str:
    """Return the page of a third run: a cell is red since the second, another one is flaky."""
    passed, failed, flaky = Verdict.PASSED, Verdict.FAILED, Verdict.FLAKY
    cells = [{A: passed, B: flaky}, {A: failed, B: passed}, {A: failed, B: passed}]
    runs = [past(some, day=day, commit=f"commit{day}") for day, some in enumerate(cells, 1)]
    end = events(cells[-1], day=3, commit="commit3")
    return html_report(Outcome.at_end(end), past=over_time(runs[::-1]))


def every_verdict() -> Sequence[Event]:
    """Return a run with a failure that has all parts, and beside it a cell of each verdict."""
    events = a_run(3, ("cpp", "go"), ("guest", "host"), lambda pairing, _: pairing["host"] == "go")
    others: list[CellFinished] = many(2, 4, broken_every=1)
    return [*events[:-1], *others, events[-1]]
