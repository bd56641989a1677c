"""What was found, in three forms."""

from __future__ import annotations

import json
from typing import Final

from harmony.doctor.check import Check
from harmony.doctor.finding import CheckVerdict, Diagnosis, Finding
from harmony.doctor.rendering import as_json, as_markdown, as_text, catalogue

WRONG: Final = Finding(
    "handshake.layout",
    "the layout | is right",
    CheckVerdict.WRONG,
    wrong=("oieb.version is at 5, expected 4", "```"),
    why="Because.",
    where="docs/doctor.md#handshake",
    repeat="harmony doctor go --only handshake.layout",
)
FOUND: Final = Diagnosis(
    "go",
    "drivers/go/bin/driver",
    "jukebox-go 1 go",
    (
        Finding("start.process", "it starts", CheckVerdict.OK),
        WRONG,
        Finding(
            "verb.dial.passes.a", "dial | dials", CheckVerdict.NOT_CLAIMED, because="the driver does not claim duplex"
        ),
        Finding("end.stdin", "it ends", CheckVerdict.NOT_RUN, because="the time is over"),
        Finding("end.sigterm", "it ends", CheckVerdict.NOT_RUN, because="the time is over"),
        Finding("end.killed", "it ends", CheckVerdict.NOT_RUN, because="nothing to hold"),
    ),
    1.25,
)


def test_text_says_all_that_is_known_of_what_is_wrong() -> None:
    assert as_text(FOUND).splitlines() == [
        "go: jukebox-go 1 go, started by drivers/go/bin/driver",
        "",
        "ok           start.process       it starts",
        "wrong        handshake.layout    the layout | is right",
        "    oieb.version is at 5, expected 4",
        "    ```",
        "    why        Because.",
        "    specified  docs/doctor.md#handshake",
        "    again      harmony doctor go --only handshake.layout",
        "",
        "not claimed  verb.dial.passes.a  dial | dials",
        "    the driver does not claim duplex",
        "not run      end.killed          it ends",
        "    nothing to hold",
        "not run      2 more, because the time is over",
        "",
        "1 ok, 1 wrong, 1 not claimed, 3 not run in 1.2 s",
    ]


def test_json_has_everything() -> None:
    document = json.loads(as_json(FOUND))
    assert document["counts"] == {"ok": 1, "wrong": 1, "not claimed": 1, "not run": 3, "not told": 0}
    assert document["healthy"] is False
    assert document["findings"][1] == {
        "id": "handshake.layout",
        "title": "the layout | is right",
        "verdict": "wrong",
        "wrong": ["oieb.version is at 5, expected 4", "```"],
        "because": "",
        "why": "Because.",
        "where": "docs/doctor.md#handshake",
        "repeat": "harmony doctor go --only handshake.layout",
        "seconds": 0.0,
    }


def test_markdown_cannot_be_broken_by_what_a_driver_says() -> None:
    text = as_markdown(FOUND)
    assert "\n````\noieb.version is at 5, expected 4\n```\n````\n" in text
    assert "| not claimed | `verb.dial.passes.a` | dial \\| dials; the driver does not claim duplex |" in text
    assert "## `handshake.layout`: the layout | is right" in text


def test_what_is_not_claimed_is_healthy_and_what_was_not_run_is_not() -> None:
    def healthy(*verdicts: CheckVerdict) -> bool:
        return Diagnosis("go", "", "", tuple(Finding("a", "", verdict) for verdict in verdicts), 0.0).healthy

    assert healthy(CheckVerdict.OK, CheckVerdict.NOT_CLAIMED, CheckVerdict.NOT_TOLD)
    assert not healthy(CheckVerdict.OK, CheckVerdict.NOT_RUN)
    assert not healthy(CheckVerdict.OK, CheckVerdict.WRONG)


def test_the_catalogue_names_what_a_check_needs() -> None:
    async def run(_: object) -> None: ...

    check = Check("verb.dial.passes.a", "dial dials", "", "", run, frozenset({"duplex"}))
    assert catalogue([check]) == "verb.dial.passes.a  dial dials (duplex)"
