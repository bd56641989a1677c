"""`harmony perf` as a person runs it, over a second subject."""

from __future__ import annotations

import json

import pytest

from sandbox import Sandbox

CASES = """
    from harmony.perf.case import Better, PerfCase, PerfCases


    async def boil(drivers, context):
        await drivers["cook"].boil(context.count(5))
        return 2.0


    async def spill(drivers, context):
        raise RuntimeError("spilt")


    CASES = PerfCases(
        (
            PerfCase("boil", "Boiling", "cups/s", Better.MORE, ("cook", "guest"), boil),
            PerfCase("spill", "Spilling", "cups", Better.LESS, ("cook", "guest"), spill),
        ),
    )
"""
SETTINGS = """
    steps = ["steps"]
    [driver]
    contract = "kettle.contract:CONTRACT"
    cases = "cases:CASES"
    [platforms.tin]
    contract = "driver"
    command = ["{python}", "-m", "kettle.program"]
    [platforms.copper]
    command = ["something", "else"]
    driver = ["{python}", "-m", "kettle.program"]
    [platforms.clay]
    contract = "driver"
    command = ["clay/kettle"]
    build = ["make", "clay"]
    [platforms.words]
    command = ["{python}", "-c", "pass"]
"""


@pytest.fixture
def kitchen(sandbox: Sandbox) -> Sandbox:
    sandbox.write("harmony.toml", SETTINGS)
    sandbox.write("cases.py", CASES)
    return sandbox


def test_all_pairings_of_what_is_here_are_shown_and_the_rest_is_not_built(kitchen: Sandbox) -> None:
    done = kitchen.harmony(
        "perf", "--measure", "boil", "--rounds", "2", "--seed", "5", "--html", "out/p.html", "--json", "out/p.json"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for pairing in ("copper_copper", "copper_tin", "tin_copper", "tin_tin"):
        assert pairing in done.stdout
    assert "1.00 (1.00-1.00)" in done.stdout
    for said in ("seed: 5", "kernel: ", "pinned: ", "clay: not built", "words: it has no driver"):
        assert said in done.stderr, done.stderr
    found = json.loads((kitchen.directory / "out" / "p.json").read_text())
    assert [len(cell["samples"]) for cell in found["measures"][0]["cells"]] == [2, 2, 2, 2]
    assert set(found["not_available"]) == {"clay", "words"}
    text = (kitchen.directory / "out" / "p.html").read_text()
    assert "clay: not built" in text
    assert text.count('class="heat h') == 4


def test_a_cell_that_fails_makes_the_command_fail(kitchen: Sandbox) -> None:
    done = kitchen.harmony("perf", "tin", "--quick", "--no-pin")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "tin_tin  FAIL: RuntimeError: spilt" in done.stdout
    assert "failed: spill tin_tin: RuntimeError: spilt" in done.stdout
    assert "tin_tin  1.00" in done.stdout
    assert "clay" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("clay",), 7, "clay: not built"),
        (("iron",), 7, "no platform 'iron'"),
        (("--measure", "steam"), 7, "no case 'steam'"),
        (("--pairing", "tin_iron"), 4, "names no pairing"),
        (("copper", "--pairing", "tin"), 7, "no such pairing"),
        (("--rounds", "0"), 4, "rounds"),
    ],
)
def test_wrong_words_are_refused(kitchen: Sandbox, arguments: tuple[str, ...], code: int, said: str) -> None:
    done = kitchen.harmony("perf", *arguments)
    assert said in done.stdout + done.stderr
    assert done.returncode == code


def test_a_project_without_cases_says_so(sandbox: Sandbox) -> None:
    done = sandbox.harmony("perf")
    assert done.returncode == 7
    assert "driver.cases" in done.stderr


def test_one_pairing_can_be_asked_for_and_the_seed_comes_from_the_environment(kitchen: Sandbox) -> None:
    done = kitchen.harmony("perf", "--pairing", "tin_copper", "--measure", "boil", "--rounds", "1", HARMONY_SEED="17")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "seed: 17" in done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines() if "1.00" in line] == ["tin_copper"]
