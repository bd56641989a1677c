"""A project of others whose platforms play different roles: what deviates, from what, whose it is, of which version."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from harmony.verdict.events import CellFinished, RunStarted, read_file
from sandbox import Sandbox

PROJECT = {
    "harmony.toml": """
        steps = ["relay.steps"]
        pairings = "pairwise"
        fuse = 0
        [driver]
        contract = "relay.contract:CONTRACT"
        [clauses]
        document = "clauses.toml"
        [report]
        title = "What relays do"
        limits = "limits.md"
        [platforms.tin]
        contract = "driver"
        plays = ["hub", "sender"]
        family = "metal"
        versions = ["1.1", "1.0"]
        command = ["{python}", "-S", "driver.py", "tin", "{version}"]
        [platforms.tin.roles.hub]
        command = ["{python}", "-S", "driver.py", "tin-hub", "{version}"]
        [platforms.brass]
        contract = "driver"
        plays = ["hub"]
        family = "metal"
        command = ["{python}", "-S", "driver.py", "brass", "0"]
        version = { command = ["sh", "-c", "echo brass 2.0.11 >&2; exit 3"], pattern = 'brass (\\S+)' }
        [platforms.wood]
        contract = "driver"
        plays = ["sender"]
        command = ["{python}", "-S", "driver.py", "wood", "7"]
        [platforms.slow]
        contract = "driver"
        opt_in = true
        command = ["no/such/program"]
    """,
    "clauses.toml": """
        [[clause]]
        id = "R-1.1-1"
        level = "MUST"
        text = "a hub repeats what it was told"
        [[clause]]
        id = "R-1.1-2"
        level = "SHOULD"
        text = "a hub is polite"
        [[clause]]
        id = "R-9"
        level = "MAY"
        text = "a hub sings"
    """,
    "limits.md": "Relays were played **as they come**.\n",
    "features/01-relay.feature": """
        Feature: Relay
          @must:R-1.1-1
          Scenario: 1.1 All repeat
            When the 'sender' process says 'all'
            Then the 'hub' process should say 'all'
          @must:R-1.1-1
          Scenario: 1.2 Some forget
            Given the 'sender' process is silent
            Then the 'hub' process should say 'forgotten'
          @should:R-1.1-2
          Scenario: 1.3 Some are rude
            Given the 'sender' process is silent
            Then the 'hub' process should say 'rude'
          @should:R-1.1-2
          Scenario: 1.4 Some die of it
            Given the 'sender' process is silent
            Then the 'hub' process should say 'die'
          @arguable @should:R-1.1-2
          Scenario: 1.5 A step that is wrong itself
            Given the 'sender' process is silent
            Then the 'hub' process is confused
    """,
    "relay/__init__.py": "",
    "relay/contract.py": '''
        from typing import Protocol

        from harmony import Contract, Driver, verb


        class Relay(Driver, Protocol):
            """What a relay can do."""

            @verb
            async def say(self, word: str) -> str:
                """Return the word."""
                ...


        CONTRACT = Contract("Relay", "1.0", Relay)
    ''',
    "relay/steps.py": """
        from harmony import expect_equal, parsers, step
        from relay.contract import Relay


        class Steps:
            def __init__(self, relay: Relay) -> None:
                self.relay = relay

            @step(parsers.re(r"the '\\w+' process (?:says|should say) '(?P<word>\\w+)'"))
            async def says(self, word: str) -> None:
                expect_equal(word, await self.relay.say(word), "the word")

            @step(parsers.re(r"the '\\w+' process is silent"))
            def silent(self) -> None:
                assert self.relay

            @step(parsers.re(r"the '\\w+' process is confused"))
            def confused(self) -> None:
                raise KeyError("nothing")
    """,
    "driver.py": """
        import os
        import sys

        sys.path.append(os.environ["HARMONY_AT"])
        from harmony.driver_kit import serve

        NAME, VERSION = sys.argv[1:]


        class Verbs:
            def say(self, word: str) -> str:
                if NAME == "brass" and word == "die":
                    os.abort()
                return "what?" if NAME == "brass" and word in {"forgotten", "rude"} else word

            def close_all(self) -> None:
                pass


        if __name__ == "__main__":
            serve(Verbs(), name=NAME, protocol="1.0", version=VERSION)
    """,
}
CELLS = {"hub=brass,sender=tin", "hub=brass,sender=wood", "hub=tin,sender=tin", "hub=tin,sender=wood"}


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    """A run of all, which many look at."""
    import harmony  # noqa: PLC0415 - for its place

    sandbox = Sandbox(tmp_path_factory.mktemp("relay"))
    for name, text in PROJECT.items():
        sandbox.write(name, text)
    at = str(Path(harmony.__file__).parent.parent)
    done = sandbox.harmony(
        "run", "--seed", "7", "-j", "1", "--events", "run.ndjson", "--", "--junitxml=j.xml", HARMONY_AT=at
    )
    sandbox.write("said.txt", f"{done.returncode}\n{done.stdout}\n{done.stderr}")
    return sandbox


def report(relay: Sandbox, form: str) -> str:
    return relay.harmony("report", "run.ndjson", "--format", form).stdout


def told(relay: Sandbox) -> dict[str, CellFinished]:
    events = read_file(relay.directory / "run.ndjson")
    return {event.cell: event for event in events if isinstance(event, CellFinished)}


def test_each_plays_what_it_plays_and_who_is_on_request_is_not_told_of(relay: Sandbox) -> None:
    said = (relay.directory / "said.txt").read_text()
    assert {key.partition("[")[2].removesuffix("]") for key in told(relay)} == CELLS, said
    begun = next(one for one in read_file(relay.directory / "run.ndjson") if isinstance(one, RunStarted))
    assert begun.platforms == {"tin": "", "brass": "", "wood": ""}


def test_what_one_role_differs_in_and_what_is_on_request_is_said_before_anything_runs(relay: Sandbox) -> None:
    said = relay.harmony("explain", "1.1", "tin@1.0_wood").stdout
    assert "hub: tin@1.0, a driver, whose steps run in harmony: {python} -S driver.py tin-hub 1.0\n" in said
    built = relay.harmony("build").stdout
    assert "slow: on request: harmony build slow\n" in built
    assert "tin: ready\n" in built
    assert "does not play the role 'sender'" in relay.harmony("doctor", "brass", "--role", "sender").stderr
    refused = relay.harmony("run", "--role", "sender=brass", "--no-build")
    assert "brass does not play the role 'sender': it plays hub" in refused.stdout + refused.stderr


def test_a_level_decides_what_is_red_of_deviations_and_of_nothing_else(relay: Sandbox) -> None:
    found = {key: one.verdict.value for key, one in told(relay).items() if one.verdict != "passed"}
    brass = ("hub=brass,sender=tin", "hub=brass,sender=wood")
    assert found == {
        **{f"1.2[{one}]": "failed" for one in brass},
        **{f"1.3[{one}]": "deviates" for one in brass},
        **{f"1.4[{one}]": "crashed" for one in brass},
        **{f"1.5[{one}]": "failed" for one in CELLS},
    }
    said = (relay.directory / "said.txt").read_text()
    assert said.startswith("11\n")
    assert "deviates, not red: 1.3 Some are rude (should R-1.1-2): hub=brass, with every partner (2 of 2)" in said


def test_every_form_names_what_played_with_its_version_and_who_told_it(relay: Sandbox) -> None:
    version = "2.0.11, as its command says; driver: brass 0 (python 3."
    said = (relay.directory / "said.txt").read_text()
    page = (relay.directory / ".harmony" / "matrix.html").read_text()
    assert f"brass: {version}" in said
    assert version in page
    assert f"brass: {version}" in report(relay, "text")
    assert f"brass: {version}".replace("(", "\\(") in report(relay, "markdown")
    (brass,) = (one for one in json.loads(report(relay, "json"))["platforms"] if one["name"] == "brass")
    assert (brass["version"], brass["family"]) == ("2.0.11", "metal")
    properties = {
        (one.attrib["name"], re.sub(r" \(.*?\)", "", one.attrib["value"]))
        for one in ET.parse(relay.directory / "j.xml").iter("property")
    }
    assert {("version brass", "brass 0"), ("version tin", "tin 1.1, tin-hub 1.1")} <= properties


def test_the_document_of_results_is_a_function_of_the_run(relay: Sandbox) -> None:
    text = report(relay, "results")
    assert text == report(relay, "results")
    assert text.startswith("# What relays do\n\n_Made by `harmony report --format results` from 20 cells of 20")
    assert "Relays were played **as they come**." in text
    finding = text.partition("#### 1.2 Some forget")[2].partition("####")[0]
    assert "must R-1.1-1" in finding
    assert "- hub=brass, with every partner \\(2 of 2\\)\n" in finding
    assert "- 2 failed: the word: expected 'forgotten', seen 'what?'\n" in finding
    assert "- the sender: tin, wood\n" in finding
    assert "- cells of implementations that share code: 1\n" in finding
    assert "brass_wood 1.2" in finding, "what is not of its kin shows it best"
    assert "not red: this is not asked of everybody" in text.partition("#### 1.3")[2].partition("####")[0]
    assert "## Without an answer\n\n- 4 1.5: failed: KeyError: 'nothing'\n" in text, "it is nobody's deviation"
    assert "10 of 20 cells are of implementations that share code" in text


def test_the_table_of_clauses_says_who_keeps_which_and_which_has_no_scenario(relay: Sandbox) -> None:
    text = report(relay, "clauses")
    assert "**MAY, without a scenario**: R-9 a hub sings." in text
    assert "| clause |  | scenarios | brass as hub | tin as hub | tin as sender | wood as sender |" in text
    assert "| R-1.1-1 a hub repeats what it was told | MUST | 1.1, 1.2 | □ 2/4 | ■ 4 | □ 3/4 | □ 3/4 |" in text
    rows: list[dict[str, Any]] = json.loads(report(relay, "json"))["clauses"]
    assert rows[0]["platforms"][0] == {
        "role": "hub",
        "platform": "brass",
        "state": "partly",
        "passed": 2,
        "deviating": 2,
        "unsupported": 0,
        "open": 0,
    }
