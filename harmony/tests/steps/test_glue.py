"""What editors are given: each sentence as the Cucumber language server takes it, and what that server makes of it."""

from __future__ import annotations

import re

import pytest

from harmony.steps.catalogue import Entry
from harmony.steps.glue import as_glue
from language_server import LanguageServer, installed_server
from sandbox import Sandbox

FEATURE = """
    Feature: Coins
      Scenario: 1.1 Some
        Given the 'bank' process is open (at last)
        When the 'bank' process pays 3 coins
        And the second 'bank' process pays '4' coins again
        And the 'bank' process says "it's a/b {c}" twice
        Then the 'bank' process holds 7 coins
        And the 'bank' process holds 1 coin or so
        And wait for '0.1' seconds
        And the 'bank' process is killed
"""
STEPS = """
    from harmony import given, parsers, then, when


    class CoinSteps:
        @given("the 'bank' process is open (at last)")
        def open_it(self) -> None:
            self._coins = 0

        @when(parsers.parse("the '{process}' process pays {coins:d} coins"))
        def pay(self, process: str, coins: int) -> None:
            self._coins = coins

        @when(parsers.re(r"(?:the|the second) '[^']+' process pays '(?P<coins>\\d+)' coins(?: again)?"))
        def pay_more(self, coins: int) -> None:
            self._coins = coins

        @when(parsers.re(r"the '(?P<process>[^']+)' process says (?P<what>\\".*\\") twice"))
        def say(self, process: str, what: str) -> None:
            self._said = what

        @then(parsers.re(r"the '[^']+' process holds (\\d+) coins?(?: or so)?"))
        def hold(self, coins: int) -> None:
            assert coins
"""


def settings_of(glue: str) -> dict[str, list[str]]:
    return {"features": ["features/**/*.feature"], "glue": [glue]}


def glue_of(pattern: str, kind: str = "re") -> tuple[str, dict[str, str]]:
    """Return the expression of a pattern, and its parameter types that are not harmony's own."""
    entry = Entry(
        types=("given",),
        sentence="",
        pattern=pattern,
        kind=kind,
        parameters={},
        summary="",
        method="Bank.pay",
        defined="bank/steps.py:7",
        file="bank/steps.py",
        line=7,
        used=(),
        background=False,
    )
    text = as_glue([entry])
    (strings, *_) = re.findall(r"@step\((.*)\)", text)
    expression = "".join(one[1:-1] for one in strings.split(" + "))
    types = dict(re.findall(r'ParameterType\(name="(.*)", regexp="(.*)"\)', text))
    return expression, {name: types[name] for name in re.findall(r"(?<!\\)\{(.*?)\}", expression)}


@pytest.mark.parametrize(
    ("pattern", "kind", "expression", "types"),
    [
        ("a (b) {c} d/e", "string", r"a \(b\) \{c\} d\/e", {}),
        ("it has \"q\" and 'p'", "string", "it has \"q\" and 'p'", {}),
        ("pays {coins:d} of {}", "parse", "pays {coins} of {value}", {"coins": ".+", "value": ".+"}),
        (r"pays (?P<coins>\d+) coins", "re", "pays {coins} coins", {"coins": r"\d+"}),
        (r"pays (\d+) and (\w+)", "re", "pays {value} and {value_2}", {"value": r"\d+", "value_2": r"\w+"}),
        ("the '[^']+' process ends", "re", "the '{process}' process ends", {"process": "[^']+"}),
        (r"coins?(?: again)?", "re", "coin(s)( again)", {}),
        ("(?:the|a second) one", "re", "{the or a second} one", {"the or a second": "the|a second"}),
        (r"x( to '(?P<n>[^']+)')? y", "re", "x{to} y", {"to": "(?: to '(?:[^']+)')?"}),
        (r"(?P<what>\".*\")", "re", "{what}", {"what": r"\x22.*\x22"}),
        (r'(?P<what>[^"]+\\")', "re", "{what}", {"what": r"[^\x22]+\\\x22"}),
        (r"(?P<file>/\w+/)", "re", "{file}", {"file": r"(?:/\w+/)"}),
        (r"a (?P<int>\d+)", "re", "a {int_2}", {"int_2": r"\d+"}),
        (r"^a\.b\b$", "re", "a.b", {}),
        (r"(?P<n>[]\]a]+) (?P<m>x(?!y))", "re", "{n} {m}", {"n": r"[]\]a]+", "m": "x(?!y)"}),
        (r"(?P<coins>\d+){1,2}", "re", "{coins}", {"coins": r"(?:\d+){1,2}"}),
        ("a|b", "re", "{a or b}", {"a or b": "a|b"}),
        ("(?:a (?P<n>[(]|b)) c", "re", "a {n} c", {"n": "[(]|b"}),
        (r"(?:\d+ ){2}(?:x (\()|y)", "re", "{value}{x}", {"value": r"(?:\d+ ){2}", "x": r"x (?:\()|y"}),
        (r"\d\w{2}", "re", "{value}", {"value": r"\d\w{2}"}),
        # What is of Python alone stands for anything.
        ("(?i)a", "re", "{sentence}", {"sentence": ".*"}),
        (r"(?P<a>x)(?P=a)", "re", "{sentence}", {"sentence": ".*"}),
        ("he says :(", "announced", r"he says :\(", {}),
        ("a {n}+{m} (s)", "announced", r"a {n}+{m} \(s\)", {"n": ".+", "m": ".+"}),
        ("[0-9]{2} a", "announced", "{value} a", {"value": "[0-9]{2}"}),
        ("the {name} is {age}", "announced", "the {name} is {age}", {"name": ".+", "age": ".+"}),
    ],
)
def test_a_pattern_becomes_an_expression(pattern: str, kind: str, expression: str, types: dict[str, str]) -> None:
    assert glue_of(pattern, kind) == (expression, types)


def test_a_sentence_leads_to_its_method(sandbox: Sandbox) -> None:
    sandbox.write("harmony.toml", 'steps = ["meaning.coins"]')
    sandbox.write("features/coins.feature", FEATURE)
    sandbox.write("meaning/coins.py", STEPS)
    done = sandbox.harmony("steps", "--format", "glue", "-o", ".harmony/glue.py")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    text = (sandbox.directory / ".harmony/glue.py").read_text("utf-8")
    assert (
        "def _():\n    # meaning/coins.py:9\n    from meaning.coins import CoinSteps\n\n    return CoinSteps.pay\n"
        in text
    )


@pytest.mark.nightly
def test_the_language_server_of_editors_understands_it(
    sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Sentences complete, undefined ones are marked, and each leads to a stub, which names its method."""
    server = installed_server(tmp_path_factory.mktemp("server"))
    sandbox.write("harmony.toml", 'steps = ["meaning.coins"]')
    feature = sandbox.write("features/coins.feature", FEATURE)
    sandbox.write("meaning/coins.py", STEPS)
    sandbox.harmony("lint").check_returncode()
    sandbox.harmony("steps", "--format", "glue", "-o", ".harmony/glue.py").check_returncode()
    with feature.open("a", encoding="utf-8") as stream:
        stream.write("    And nobody knows this\n    And pays coins\n")
    stubs = (sandbox.directory / ".harmony/glue.py").read_text("utf-8").splitlines()

    with LanguageServer(server, sandbox.directory, settings_of(".harmony/glue.py")) as asked:
        asked.open("features/coins.feature")
        assert asked.undefined == {"features/coins.feature": [11, 12]}
        methods = []
        for line in range(3, 9):
            ((file, place),) = asked.definitions("features/coins.feature", line)
            assert file == ".harmony/glue.py"
            methods.append(next(text for text in stubs[place - 1 :] if "return" in text).rpartition(".")[2])
        assert methods == ["open_it", "pay", "pay_more", "say", "hold", "hold"]
        completed = asked.completions("features/coins.feature", 12, 18)
        assert completed["the '{process}' process pays {coins} coins"] == (
            "the '${1|bank|}' process pays ${2|3|} coins"
        ), completed
        assert "{the or the second} '{process_2}' process pays '{coins_2}' coins( again)" in completed

    # Why there must be such a file: of the steps themselves only plain sentences are understood.
    with LanguageServer(server, sandbox.directory, settings_of("meaning/*.py")) as asked:
        asked.open("features/coins.feature")
        assert {4, 5, 6, 7, 8} <= set(asked.undefined["features/coins.feature"])
