"""What `harmony new-driver` writes, in each language: it builds, introduces itself, and keeps the rules of the wire."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from harmony.errors import UnsupportedError
from harmony.new_driver.languages import LANGUAGES
from harmony.process.child import ProcessSpec
from harmony.process.this_system import SYSTEM
from harmony.run.driver_process import DriverProcess
from harmony.wire.contract_text import json_schema
from harmony.wire.driver import Driver
from harmony.wire.driver_contract import Contract, HandshakeError, Structure
from harmony.wire.framing import encode
from new_driver.contracts import JUKEBOX
from new_driver.filled import VERBS as FILLED
from new_driver.filled import fill_in
from new_driver.made import Made, made_once, make
from new_driver.talk import PATIENCE, Talk, talk

END_BOUND: Final = 5.0  # a second is what the contract gives; a busy machine takes longer to notice
OWN: Final = set(Driver)
Builds = Callable[[str], Made]


@pytest.fixture
def builds(tmp_path_factory: pytest.TempPathFactory) -> Builds:
    """Return what gives the driver of a language, with some verbs filled in."""
    return lambda language: made_once(language, JUKEBOX, tmp_path_factory, fill_in)


@pytest.fixture(params=LANGUAGES)
def case(request: pytest.FixtureRequest, builds: Builds) -> tuple[Made, Contract]:
    return builds(request.param), JUKEBOX


@pytest.fixture(params=LANGUAGES)
def filled(request: pytest.FixtureRequest, builds: Builds) -> Iterator[Talk]:
    """A driver in which some verbs do something."""
    made = builds(request.param)
    with talk(made.command, made.root) as driver:
        yield driver


def spec(made: Made) -> ProcessSpec:
    return ProcessSpec("sample", made.command, cwd=made.root)


def sample(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Any:
    """Return a value that a schema allows."""
    if "$ref" in schema:
        return sample(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    if "anyOf" in schema:
        return sample(schema["anyOf"][0], schemas)
    if "enum" in schema:
        return schema["enum"][0]
    match schema["type"]:
        case "object":
            return {key: sample(part, schemas) for key, part in schema.get("properties", {}).items()}
        case "array":
            return [sample(schema["items"], schemas)]
        case kind:
            return {"string": 'é\n"\\\U0001f600', "integer": 1, "number": 2, "boolean": True, "null": None}[kind]


def params_of(contract: Contract, verb: str) -> dict[str, Any]:
    schemas = json_schema(contract)["$defs"]
    found: dict[str, Any] = sample(schemas[f"{verb}.params"], schemas)
    return found


def own_verbs(contract: Contract) -> list[str]:
    """Return the verbs that are still to be filled in."""
    return [verb for verb in contract.verbs if verb not in OWN and verb not in FILLED]


@pytest.mark.asyncio
async def test_it_introduces_itself_and_every_verb_is_to_be_filled_in(case: tuple[Made, Contract]) -> None:
    made, contract = case
    driver = await DriverProcess.begin(spec(made), contract, strict=True, patience=PATIENCE)
    try:
        identity = await driver.hello(timeout=5.0)
        assert (identity.pid, identity.protocol, identity.capabilities) == (driver.pid, contract.version, ())
        assert {name: found.fields for name, found in identity.layout.items()} == {
            name: structure.fields for name, structure in contract.layout.items()
        }
        assert await driver.health()
        assert (await driver.dump()).requests == ()
        for verb in own_verbs(contract):
            with pytest.raises(UnsupportedError, match=rf"{verb} is not implemented yet"):
                await driver.call(verb, params_of(contract, verb), 5.0)
        with pytest.raises(UnsupportedError, match=r"there is no verb .?nonsense"):
            await driver.call("nonsense", {}, 5.0)
        assert not driver.oddities
    finally:
        await driver.end()


def test_wrong_parameters_are_refused_by_name(case: tuple[Made, Contract]) -> None:
    made, contract = case
    with talk(made.command, made.root) as driver:
        for verb in OWN:
            error = driver.ask(verb, {"timeout": "soon"})["error"]
            assert (error["code"], "timeout" in error["message"]) == (-32602, True)
        for verb in own_verbs(contract):
            right = params_of(contract, verb)
            assert driver.ask(verb, right)["error"]["code"] == -32601
            assert driver.ask(verb, {**right, "unheard_of": 1})["error"]["code"] == -32601
            for key in right:
                less = {name: value for name, value in right.items() if name != key}
                driver.send({"jsonrpc": "2.0", "id": 1, "method": verb, "params": [less]})
                error = driver.next()["error"]
                assert (error["code"], key in error["message"]) == (-32602, True), (verb, key, error)
                if isinstance(right[key], int | float) or (isinstance(right[key], dict) and right[key]):
                    error = driver.ask(verb, {**right, key: "text"})["error"]
                    assert (error["code"], key in error["message"]) == (-32602, True), (verb, key, error)


def refuses_parts(made: Made, contract: Contract, wrong: Sequence[tuple[str, dict[str, Any]]]) -> None:
    """Check that parameters are refused by name, each with the rest as it should be."""
    with talk(made.command, made.root) as driver:
        for verb, part in wrong:
            error = driver.ask(verb, {**params_of(contract, verb), **part})["error"]
            assert error["code"] == -32602, (verb, part, error)
            assert next(iter(part)) in error["message"]


def lets_through(made: Made, contract: Contract, verb: str, part: dict[str, Any]) -> None:
    """Check that parameters are taken, by a verb that is still to be filled in."""
    with talk(made.command, made.root) as driver:
        assert driver.ask(verb, {**params_of(contract, verb), **part})["error"]["code"] == -32601


def test_parts_of_parameters_are_checked_too(case: tuple[Made, Contract]) -> None:
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("select", {"programme": {"first": {}, "others": []}}),
        ("match", {"func": "x"}),
        ("match", {"type": 5}),
        ("shake", {"how": {}}),
    ]
    refuses_parts(*case, wrong)
    lets_through(*case, "match", {"type": None})


def test_bad_messages_are_answered_and_it_goes_on(case: tuple[Made, Contract]) -> None:
    made, _ = case
    deep = b"[" * 100_000
    with talk(made.command, made.root) as driver:
        for body in (
            b"nonsense",
            b"",
            b"{",
            b'{"a":1}x',
            b'{"a":1}\x00x',
            b"\xff",
            b'"\\ud800"x',
            b"NaN",
            b"[1,]",
            deep,
            b"01",
            b'{"a" 1}',
        ):
            driver.write(encode(body))
            answer = driver.next()
            assert (answer["id"], answer["error"]["code"]) == (None, -32700), body
        for document, identity in (
            (b'[{"jsonrpc":"2.0","id":1,"method":"health"}]', None),
            (b'{"jsonrpc":"2.0","id":7}', 7),
            (b'{"jsonrpc":"2.0","id":"x","method":5}', "x"),
            (b'{"id":8,"method":"health"}', 8),
            (b'{"jsonrpc":"2.0","id":{},"method":"health"}', None),
            (b"17", None),
        ):
            driver.write(encode(document))
            answer = driver.next()
            assert (answer["id"], answer["error"]["code"]) == (identity, -32600), document
        wrong_params: tuple[Any, ...] = ([{}, {}], [5], "text")
        for params in wrong_params:
            driver.send({"jsonrpc": "2.0", "id": 1, "method": "health", "params": params})
            assert driver.next()["id"] == 1
        assert driver.ask("health")["result"] is True


def test_names_of_requests_come_back_as_they_were(case: tuple[Made, Contract]) -> None:
    made, _ = case
    with talk(made.command, made.root) as driver:
        for identity in ("text", 'é\u2028"\\\n\x01\U0001f600', "", 0, -5, 9_007_199_254_740_991):
            assert driver.ask("health", identity=identity) == {"jsonrpc": "2.0", "id": identity, "result": True}


def test_it_reads_messages_however_they_come(case: tuple[Made, Contract]) -> None:
    made, _ = case
    body = b'{"jsonrpc":"2.0","id":1,"method":"health","params":[{"timeout":1}]}'
    with talk(made.command, made.root) as driver:
        driver.write(b"".join(encode(body.replace(b'"id":1', b'"id":%d' % number)) for number in range(5)))
        assert sorted(driver.next()["id"] for _ in range(5)) == list(range(5))
        for byte in encode(body):
            driver.write(bytes([byte]))
        assert driver.next()["result"] is True
        driver.write(b"CONTENT-length:%d\nContent-Type: x/y; charset=utf-8\n\n%b" % (len(body), body))
        assert driver.next()["result"] is True
        driver.write(encode(body.replace(b"[{", b"{").replace(b"}]", b"}")))
        assert driver.next()["result"] is True
        driver.write(encode(b'{"jsonrpc":"2.0","id":1,"method":"health"}'))
        assert driver.next()["error"]["code"] == -32602
        long = b'{"jsonrpc":"2.0","id":2,"method":"health","params":[{"timeout":1,"x":"%b"}]}' % (b"y" * 300_000)
        driver.write(encode(long))
        assert driver.next()["id"] == 2


def test_what_is_no_message_is_answered_once_and_the_next_header_counts(case: tuple[Made, Contract]) -> None:
    made, _ = case
    body = b'{"jsonrpc":"2.0","id":1,"method":"health","params":[{"timeout":1}]}'
    with talk(made.command, made.root) as driver:
        for garbage in (
            b"nonsense\r\n",
            b"%b\n" % (b"x" * 50_000),
            b"Content-Length: 999999999\r\n\r\n" + body,
            b"Content-Length: 99999999999999999999999999\r\n\r\n",
            b"Content-Length: many\r\n\r\n",
            b"Content-Length: -5\r\n\r\n",
            b"Content-Type: x/y\r\n\r\n",
        ):
            driver.write(garbage + encode(body))
            answer = driver.next()
            assert (answer["id"], answer["error"]["code"]) == (None, -32700), garbage
            assert driver.next() == {"jsonrpc": "2.0", "id": 1, "result": True}, garbage


def ended(driver: Talk) -> int:
    since = time.monotonic()
    status = driver.process.wait(PATIENCE)
    assert time.monotonic() - since < END_BOUND
    assert not Path(f"/dev/shm/mono.{driver.process.pid}").exists(), "Mono has left something behind"
    return status


def test_it_ends_with_stdin_and_on_sigterm(case: tuple[Made, Contract]) -> None:
    made, _ = case
    for close in (True, False):
        with talk(made.command, made.root) as driver:
            assert driver.ask("health")["result"] is True
            if close:
                driver.close()
            else:
                driver.process.send_signal(signal.SIGTERM)
            assert ended(driver) == 0


def test_a_verb_that_waits_holds_up_no_other_and_is_told_by_dump(filled: Talk) -> None:
    for identity in ("long", 1):
        filled.send({"jsonrpc": "2.0", "id": identity, "method": "wait", "params": [{"seconds": 60, "timeout": 90}]})
    filled.send({"jsonrpc": "2.0", "id": 2, "method": "wait", "params": [{"seconds": 0.05, "timeout": 9}]})
    filled.send({"jsonrpc": "2.0", "id": 3, "method": "health", "params": [{"timeout": 5.0}]})
    answers = [filled.next() for _ in range(2)]
    assert sorted(answers, key=lambda answer: answer["id"]) == [
        {"jsonrpc": "2.0", "id": identity, "result": True} for identity in (2, 3)
    ]
    answer = filled.ask("dump", identity=4)["result"]
    assert JUKEBOX.verbs["dump"].problems(answer, strict=True) == []
    assert {(request["id"], request["verb"]) for request in answer["requests"]} == {("long", "wait"), (1, "wait")}
    assert all(0.04 < request["seconds"] < PATIENCE for request in answer["requests"])
    assert answer["threads"]


@pytest.mark.parametrize("close", [True, False], ids=["stdin", "SIGTERM"])
def test_it_ends_while_verbs_wait(filled: Talk, close: bool) -> None:
    for identity in range(3):
        filled.send({"jsonrpc": "2.0", "id": identity, "method": "wait", "params": [{"seconds": 60, "timeout": 90}]})
    assert filled.ask("health", identity=3)["result"] is True
    filled.close() if close else filled.process.send_signal(signal.SIGTERM)
    assert ended(filled) == 0


def test_what_is_filled_in_answers_refuses_and_fails(filled: Talk) -> None:
    error = filled.ask("refuse")["error"]
    assert error == {
        "code": -32000,
        "message": "it is stuck; shake it",
        "data": {"code": "jammed", "details": {"coin": 5, "where": "slot"}},
    }
    assert JUKEBOX.error_problems(error["code"], error["data"], strict=True) == []
    assert filled.ask("balk")["error"] == {"code": -32602, "message": "coin: too thin"}
    assert filled.ask("stumble")["error"]["code"] == -32603
    tune = {"title": "Für \U0001f600", "notes": [3, -7, 2**53 - 1], "loud": True, "key": "minor", "more": None}
    for times, shown in ((None, -1), (0, 0), (2**40, 2**40)):
        answer = filled.ask("describe", {"tune": tune, "times": times})
        assert answer["result"] == [3, -7, 2**53 - 1, shown, 5]


@pytest.mark.promise("orphans")
@pytest.mark.parametrize("language", [name for name in LANGUAGES if name != "node"])
def test_the_death_of_the_parent_ends_it_whoever_holds_its_pipes(language: str, builds: Builds) -> None:
    """Node has no way to ask for it, as the README of such a driver says."""
    made = builds(language)
    program = "import subprocess, sys, time\nprint(subprocess.Popen(sys.argv[1:]).pid, flush=True)\ntime.sleep(600)"
    inside, outside = os.pipe()
    with subprocess.Popen(
        [sys.executable, "-c", program, *made.command], cwd=made.root, stdin=inside, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        child = SYSTEM.watch(int(parent.stdout.readline()))
        try:
            os.write(outside, encode(b'{"jsonrpc":"2.0","id":1,"method":"health","params":[{"timeout":1}]}'))
            assert parent.stdout.readline().startswith(b"Content-Length")  # it has asked for the signal by now
            parent.kill()
            assert child.ended(PATIENCE), "it outlives its parent"
        finally:
            child.close()
            for descriptor in (inside, outside):
                os.close(descriptor)


ORDERED: Final = Contract(
    name="Ordered",
    version="1",
    verbs=JUKEBOX.verbs,
    codes=JUKEBOX.codes,
    layout={"reel": Structure(size=16, fields={"winding_pos": (0, 8), "playing_pos": (8, 8)})},
)
SWAPPED: Final = ("winding_pos", "playing_pos")


def spellings(name: str) -> tuple[str, str]:
    return name, "".join(word.capitalize() for word in name.split("_"))


def swap_fields(made: Made) -> None:
    """Change the places of two fields wherever the driver spells them."""
    first, second = (spellings(name) for name in SWAPPED)
    other = dict(zip((*first, *second), (*second, *first), strict=True))
    changed = 0
    for file in made.directory.rglob("*"):
        if file.is_file():
            text = file.read_text("utf-8")
            new = re.sub(r"\b(" + "|".join(other) + r")\b", lambda found: other[found[1]], text)
            file.write_text(new, "utf-8")
            changed += new != text
    assert changed == 1


@pytest.mark.asyncio
@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_wrong_order_of_fields_is_refused_by_name(language: str, tmp_path: Path) -> None:
    made = make(language, ORDERED, tmp_path)
    swap_fields(made)
    made.build()
    with pytest.raises(HandshakeError) as caught:
        await DriverProcess.begin(spec(made), ORDERED, patience=PATIENCE)
    assert "reel.winding_pos is at offset 8, expected 0" in caught.value.message
    assert "reel.playing_pos is at offset 0, expected 8" in caught.value.message


FORMATTERS: Final = pytest.mark.parametrize(
    ("language", "formatter"),
    [
        ("python", (sys.executable, "-m", "ruff", "format", "--isolated", "--check", "--line-length", "120")),
        ("python", (sys.executable, "-m", "ruff", "check", "--isolated", "--ignore", "F401")),
        ("go", ("gofmt", "-d")),
        ("rust", ("rustfmt", "--edition", "2021", "--check")),
        ("cpp", ("clang-format", "--dry-run", "-Werror")),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0].rpartition("/")[2],
)


@FORMATTERS
def test_it_is_written_as_the_language_is(language: str, formatter: tuple[str, ...], tmp_path: Path) -> None:
    written_as_the_language_is(language, formatter, make(language, JUKEBOX, tmp_path))


def written_as_the_language_is(language: str, formatter: tuple[str, ...], made: Made) -> None:
    """Check what is made with a tool of the language."""
    if shutil.which(formatter[0]) is None:
        pytest.skip(f"there is no {formatter[0]}")
    endings = {"python": ".py", "go": ".go", "rust": ".rs", "cpp": "pp"}
    files = sorted(str(file) for file in made.directory.rglob(f"*{endings[language]}"))
    assert len(files) >= 3
    done = subprocess.run([*formatter, *files], cwd=made.directory, capture_output=True, text=True, check=False)
    told = done.stdout + done.stderr
    assert done.returncode == 0, told
    assert formatter[0] != "gofmt" or not told, told
