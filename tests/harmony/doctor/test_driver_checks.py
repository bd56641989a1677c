"""Checks as data: none is missing, each can be looked up, samples fit."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pydantic
import pytest

from harmony import load_project
from harmony.doctor.examination import NoSuchCheckError, checks_of, open_case, select_checks
from harmony.doctor.samples import fitting, misfits
from harmony.doctor.verbs import COMMON
from harmony.errors import ConfigurationError
from step_definitions.driver_checks import DRIVER_CHECKS
from step_definitions.port import CONTRACT

ROOT: Final = Path(__file__).parents[3]
CHECKS: Final = checks_of(open_case(load_project(ROOT), "python"))


def test_every_verb_has_a_check_that_passes_and_one_that_refuses() -> None:
    sides = {(one.verb, one.passes) for one in (*COMMON, *DRIVER_CHECKS.checks)}
    assert sides == {(verb, passes) for verb in CONTRACT.verbs for passes in (True, False)}


def test_names_of_checks_are_unique_and_plain() -> None:
    names = [check.id for check in CHECKS]
    assert len(set(names)) == len(names)
    assert [name for name in names if not re.fullmatch(r"[a-z]+(\.[a-z0-9_-]+)+", name)] == []


def test_every_check_says_why_and_names_a_place_that_exists() -> None:
    for check in CHECKS:
        assert check.title
        assert check.why.endswith(".")
        file, anchor, verb = re.fullmatch(r"([^#:]+)(?:#(.+)|: (\w+))", check.where).groups()  # type: ignore[union-attr]
        text = (ROOT / file).read_text("utf-8")
        headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
        anchors = {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}
        assert f"| `{verb}` |" in text if verb else anchor in anchors


def test_what_waits_is_a_verb_and_ends_with_a_canonical_code() -> None:
    assert DRIVER_CHECKS.blocking
    assert {one.verb for one in DRIVER_CHECKS.blocking} <= set(CONTRACT.verbs)
    assert {one.code for one in DRIVER_CHECKS.blocking} <= set(CONTRACT.codes)


@pytest.mark.parametrize("name", sorted(CONTRACT.verbs))
def test_samples_fit_a_verb_and_misfits_do_not(name: str) -> None:
    verb = CONTRACT.verbs[name]
    sample = fitting(verb, "text")
    verb.params.validate_python(sample)
    wrong = dict(misfits(verb))
    assert set(wrong) == set(verb.parameters)
    for key, value in wrong.items():
        with pytest.raises(pydantic.ValidationError):
            verb.params.validate_python({**sample, key: value}, strict=True)


def test_checks_are_chosen_by_name_beginning_and_pattern() -> None:
    def names(*words: str) -> set[str]:
        return {check.id for check in select_checks(CHECKS, words)}

    assert names("handshake.layout") == {"handshake.layout"}
    assert names("verb.read") == {name for name in names() if name.startswith("verb.read.")}
    assert "verb.read_many.passes.idle" not in names("verb.read")
    assert names("verb.*.refuses.busy", "build") == {
        "verb.write.refuses.busy",
        "verb.acquire.refuses.busy",
        "build.command",
    }
    with pytest.raises(NoSuchCheckError, match="nonsense"):
        names("nonsense")


def test_only_a_platform_with_a_driver_has_a_doctor() -> None:
    with pytest.raises(ConfigurationError, match=r"cobol.*\n.*go"):
        open_case(load_project(ROOT), "cobol")
