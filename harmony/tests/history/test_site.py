"""A site of many runs and a badge: what they say, that their addresses stay, that nothing in them is obeyed."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from harmony.errors import ExitCode
from harmony.history.badge import Badge
from harmony.history.past_run import PastRun
from harmony.history.site import Given, folder, site
from harmony.history.trends import Trends
from harmony.model import Verdict
from past_runs import A, B, events, past, written
from sandbox import Sandbox
from synthetic_results import result

EVIL = "../../<script>alert(1)</script>"


def files(*runs: PastRun) -> dict[str, str]:
    return dict(site(Given(runs, {}, frozenset(), "Ours")))


@pytest.mark.parametrize(
    ("run", "message", "colour"),
    [
        (past({A: Verdict.PASSED, B: Verdict.PASSED}, ended=0), "2 of 2 passed", "brightgreen"),
        (past({A: Verdict.PASSED, B: Verdict.UNSUPPORTED}, ended=0), "1 of 1 passed", "brightgreen"),
        (past({A: Verdict.PASSED, B: Verdict.KNOWN_FAILURE}, ended=0), "1 of 2 passed", "brightgreen"),
        (past({A: Verdict.PASSED, B: Verdict.FAILED}, ended=1), "1 of 2 red", "red"),
        (past({A: Verdict.PASSED, B: Verdict.FAILED}, ended=0), "1 of 2 red", "orange"),
        (past({A: Verdict.PASSED}, ended=14), "ended with 14", "red"),
        (past({A: Verdict.PASSED}, ended=0, of=2), "broken off", "red"),
        (past({A: Verdict.PASSED}, ended=0, partial=["chosen"]), "1 of 1 passed, a part", "lightgrey"),
        (past({A: Verdict.PASSED}, ended=0, absent=["rust"]), "1 of 1 passed, without rust", "brightgreen"),
        (past({A: Verdict.UNSUPPORTED}, ended=18), "nothing passed", "lightgrey"),
        (None, "nothing ran", "lightgrey"),
    ],
)
def test_a_badge_is_green_only_if_all_is_well(run: PastRun | None, message: str, colour: str) -> None:
    badge = Badge.of(run)
    assert (badge.message, badge.colour) == (message, colour)
    assert ET.fromstring(badge.svg).get("aria-label") == f"conformance: {message}"
    assert json.loads(badge.shields)["color"] == colour


def test_a_badge_of_a_platform_counts_what_it_plays() -> None:
    run = past({A: Verdict.FAILED, "2.1[reader=rust,writer=cpp]": Verdict.PASSED})
    assert Badge.of(run, platform="rust").message == "1 of 1 passed"
    assert Badge.of(run, platform="go").message == "1 of 1 red"
    assert "<script" not in Badge.of(run, EVIL).svg


def test_the_site_says_what_is_red_since_when_and_leads_to_each_run() -> None:
    old, new = (
        past({A: Verdict.PASSED, B: Verdict.PASSED}, commit="old"),
        past({A: Verdict.FAILED, B: Verdict.PASSED}, day=2),
    )
    made = files(new, old)
    index = made["index.html"]
    assert '✗ <a href="latest/index.html">the newest whole run</a>: 1 of 2 cells red' in index
    assert "since c0ffee000001 (2026-11-02), 1 run; not before on old" in index
    targets = [target for target in re.findall(r'href="([^"#]+)"', index) if target != "latest/index.html"]
    assert {f"runs/{run.name}/index.html" for run in (old, new)} <= set(targets)
    assert [target for target in targets if target not in made] == []
    assert json.loads(made["history.json"])["platforms"]["go"] == [1.0, 0.5]
    assert "1 of 2 cells is red" in made[f"runs/{new.name}/index.html"]
    assert "✗ 0/1" in made["implementations/go/index.html"]


def test_only_a_whole_run_is_green_and_who_could_not_play_is_said() -> None:
    for run, kind in (
        (past({A: Verdict.PASSED}, ended=0), "passed"),
        (past({A: Verdict.PASSED}, ended=0, partial=["chosen"]), "some"),
        (past({A: Verdict.PASSED}, ended=0, of=2), "red"),
        (past({A: Verdict.PASSED}, ended=14), "red"),
    ):
        assert f'<p class="verdict {kind}">' in files(run)["index.html"]
    assert "not available: not built" in files(past({A: Verdict.PASSED}, absent=["rust"]))["index.html"]


def test_nobody_is_asked_and_nothing_of_others_is_obeyed() -> None:
    cell = result(f"1.1[reader={EVIL},writer=cpp]", Verdict.FAILED, error=EVIL, title=EVIL, feature=EVIL)
    made = files(replace(past({cell.cell: cell}), machine=EVIL, commit=EVIL))
    assert all(re.fullmatch(r"[\w.@/-]+", path) and ".." not in path for path in made)
    for path, text in made.items():
        if path.endswith((".html", ".svg")):
            assert "<script>alert" not in text
        if path.endswith(".html"):
            assert "default-src 'none'" in text
            assert re.findall(r'(?:href|src)="(?:[a-z]+:)?//[^"]*"', text) == []
            assert " style=" not in text.partition("</head>")[2].partition("<script")[0]
    assert folder("mochi@2.7.8") == "mochi@2.7.8"
    assert folder("..") != ".."


def test_the_command_adds_to_the_site_before(sandbox: Sandbox) -> None:
    """Addresses stay: what is there is neither made anew without its events, nor lost; the oldest goes at last."""
    box = sandbox.directory

    def make(*words: str) -> list[str]:
        done = sandbox.harmony("site", *words, "-o", "out")
        assert done.returncode == ExitCode.OK, done.stderr
        return sorted(one.name for one in (box / "out" / "runs").iterdir())

    (first,) = make(str(written(box / "1.ndjson", events({A: Verdict.PASSED}, day=1)).name))
    page = box / "out" / "runs" / first / "index.html"
    page.write_text("as it was", encoding="utf-8")
    written(box / "2.ndjson", events({A: Verdict.FAILED}, day=2))
    _, second = make("2.ndjson")
    assert page.read_text("utf-8") == "as it was"
    latest = (box / "out" / "latest" / "index.html").read_text("utf-8")
    assert latest == (box / "out" / "runs" / second / "index.html").read_text("utf-8")
    assert make("2.ndjson", "--keep", "1") == [second]
    foreign = sandbox.harmony("site", "2.ndjson", "-o", ".")
    assert (foreign.returncode, "no site of harmony" in foreign.stderr) == (ExitCode.USAGE, True)
    badge = sandbox.harmony("badge", "2.ndjson", "--format", "json")
    assert json.loads(badge.stdout)["message"] == "1 of 1 red"


def test_the_folder_of_a_name_is_plain(tmp_path: Path) -> None:
    for name in ("a/b", "", ".hidden", "ü", "x" * 99, "a\\b"):
        assert (tmp_path / folder(name)).parent == tmp_path
        assert re.fullmatch(r"platform-[0-9a-f]{12}", folder(name))


def test_each_run_is_reckoned_once_and_its_page_looks_back_at_those_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A site of a hundred large runs took minutes: each page reckoned anew all that was before it."""
    added: list[str] = []
    add = Trends.add
    monkeypatch.setattr(Trends, "add", lambda trends, run: (added.append(run.name), add(trends, run)))
    runs = [past({A: Verdict.FAILED}, day=day, commit=f"c{day}") for day in (1, 2, 3)]
    made = files(*reversed(runs))
    assert added == [run.name for run in runs]
    since = [re.findall(r"since c1 \(2026-11-01\), \d runs?", made[f"runs/{run.name}/index.html"]) for run in runs]
    assert [found[:1] for found in since] == [[], ["since c1 (2026-11-01), 2 runs"], ["since c1 (2026-11-01), 3 runs"]]
