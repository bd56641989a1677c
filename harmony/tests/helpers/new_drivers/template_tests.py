"""Tests of what `harmony new-driver` writes that hold for any contract: who imports them gives the fixture `case`."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from harmony.errors import UnsupportedError
from harmony.process.child import ProcessSpec
from harmony.run.driver_process import DriverProcess
from harmony.wire.contract_text import json_schema
from harmony.wire.driver import client_of
from harmony.wire.driver_contract import Contract, Driver
from harmony.wire.framing import encode
from harmony.wire.verb import verbs_of
from new_drivers.filled import VERBS as FILLED
from new_drivers.made import Made
from new_drivers.talk import PATIENCE, Talk, talk

END_BOUND: Final = 5.0  # a second is what the contract gives; a busy machine takes longer to notice
OWN: Final = set(verbs_of(Driver))


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
        common = client_of(Driver, driver)
        identity = await common.hello(timeout=5.0)
        assert (identity.pid, identity.protocol, identity.capabilities) == (driver.pid, contract.version, ())
        assert {name: found.fields for name, found in identity.layout.items()} == {
            name: structure.fields for name, structure in contract.layout.items()
        }
        assert await common.health()
        assert (await common.dump()).requests == ()
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


def written_as_the_language_is(language: str, formatter: tuple[str, ...], made: Made) -> None:
    """Check what is made with a tool of the language."""
    if shutil.which(formatter[0]) is None:
        pytest.skip(f"there is no {formatter[0]}")
    endings = {"python": ".py", "go": ".go", "rust": ".rs", "cpp": "pp"}
    files = sorted(str(file) for file in made.directory.rglob(f"*{endings[language]}"))
    assert len(files) >= 2
    done = subprocess.run([*formatter, *files], cwd=made.directory, capture_output=True, text=True, check=False)
    told = done.stdout + done.stderr
    assert done.returncode == 0, told
    assert formatter[0] != "gofmt" or not told, told
