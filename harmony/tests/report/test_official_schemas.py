"""What is written for tools of others, held to what these publish. `nox -s formats` has all that this takes."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

import jsonschema
import pytest

from harmony.model import Verdict
from harmony.report.forms import FORMS
from harmony.report.outcome import Outcome
from harmony.verdict.verdicts import is_red
from of_every_verdict import of_every_verdict

PLACE: Final = os.environ.get("HARMONY_FORMATS", "")
if not PLACE:
    pytest.skip("the schemas are not here: nox -s formats has them", allow_module_level=True)
MODULES: Final = Path(PLACE) / "node_modules"
RENDER: Final = """
import {CucumberHtmlStream} from '@cucumber/html-formatter';
import {createInterface} from 'node:readline';
const page = new CucumberHtmlStream();
page.pipe(process.stdout);
for await (const line of createInterface({input: process.stdin})) page.write(JSON.parse(line));
page.end();
"""


def told(form: str) -> str:
    events = of_every_verdict()
    return FORMS[form](Outcome.of({"run": events}), events)


def test_messages_are_those_of_cucumber() -> None:
    schema = json.loads((MODULES / "@cucumber/messages/messages.schema.json").read_text("utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    lines = told("cucumber").splitlines()
    assert len(lines) > 100
    assert [error.message for line in lines for error in validator.iter_errors(json.loads(line))] == []


def test_the_document_is_that_of_ctrf() -> None:
    schema = json.loads((MODULES / "ctrf/dist/ctrf-schema-0.0.json").read_text("utf-8"))
    assert [error.message for error in jsonschema.Draft7Validator(schema).iter_errors(json.loads(told("ctrf")))] == []


def test_the_document_is_that_of_junit(tmp_path: Path) -> None:
    xmlschema = pytest.importorskip("xmlschema")
    file = tmp_path / "junit.xml"
    file.write_text(told("junit"), "utf-8")
    assert [str(error) for error in xmlschema.XMLSchema(Path(PLACE) / "junit-10.xsd").iter_errors(file)] == []


def test_the_formatter_of_cucumber_shows_every_cell_with_its_verdict(tmp_path: Path) -> None:
    script = Path(PLACE) / "render.mjs"
    script.write_text(RENDER, "utf-8")
    made = subprocess.run(
        ["node", script], input=told("cucumber"), capture_output=True, text=True, timeout=60, check=True, cwd=PLACE
    )
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("there is no Chromium (Debian: apt-get install chromium)")
    page = tmp_path / "page.html"
    page.write_text(made.stdout, "utf-8")
    quiet = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
    words = (chromium, *quiet, f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=8000", "--dump-dom")
    shown = subprocess.run([*words, page.as_uri()], capture_output=True, text=True, timeout=60, check=True).stdout
    body = re.sub(r"<script.*?</script>", "", shown[shown.index("<body") :], flags=re.DOTALL)
    text = re.sub(r"[|\s]+", " ", re.sub(r"<[^>]+>", "|", body))
    counts = {
        name: int(number) for name, number in re.findall(r"(passed|skipped|undefined|ambiguous|failed) (\d+)", text)
    }
    red = 2 * sum(map(is_red, Verdict))
    assert sum(counts.values()) == 2 * len(Verdict)
    assert (counts["passed"], counts["skipped"]) == (2, 2 * len(Verdict) - red - 2)
