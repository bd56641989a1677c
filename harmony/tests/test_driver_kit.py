"""What `harmony.driver_kit` adds to the rules of the wire, which the drivers of the templates are tested for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from harmony import driver_kit
from new_drivers.talk import Talk, talk
from page_blocks import texts_of

DOCUMENTATION: Final = Path(__file__).parents[1] / "docs" / "driver-kit.md"
DRIVER: Final = """
from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Any, Literal, Optional

from harmony.driver_kit import Misfit, Refused, serve


@dataclass
class Pair:
    key: str
    value: float


class Slot(ctypes.Structure):
    _fields_ = [("kind", ctypes.c_uint8), ("padding_1", ctypes.c_uint8 * 7), ("total", ctypes.c_uint64)]


class Verbs:
    capabilities = ("expiry",)

    def close_all(self) -> None:
        print("closed")

    def pairs(self, pair: Pair) -> dict[str, Any]:
        return {"all": [pair, (pair,)]}

    def add(self, one: int, other: int = 5, *, kind: Literal["sum"] = "sum", maybe: Optional[int] = None) -> int:
        return one + other

    def either(self, value: int | str | None) -> str:
        return type(value).__name__

    def whatever(self, value, found: dict[str, int]) -> object:
        return [value, found]

    def unwritable(self) -> object:
        return object()

    def infinite(self) -> float:
        return float("inf")

    def later(self) -> None:
        raise NotImplementedError("not on this system")

    Pair = Pair

    @property
    def size(self) -> int:
        raise AssertionError

    def _hidden(self) -> None:
        raise AssertionError


if __name__ == "__main__":
    layout = {"slot": Slot, "told": {"size": 4, "fields": {"all": [0, 4]}}}
    serve(Verbs(), name="sample", protocol="1.0", version="2.3", layout=layout)
"""


@pytest.fixture
def driver(tmp_path: Path) -> Any:
    file = tmp_path / "driver.py"
    file.write_text(DRIVER, "utf-8")
    with talk([sys.executable, str(file)], tmp_path) as talking:
        yield talking


def test_the_example_of_the_documentation_is_a_driver(tmp_path: Path) -> None:
    (code,) = texts_of(DOCUMENTATION.read_text("utf-8"), "python")
    file = tmp_path / "driver.py"
    file.write_text(code, "utf-8")
    with talk([sys.executable, str(file)], tmp_path) as driver:
        assert driver.ask("hello")["result"]["capabilities"] == ["expiry"]
        assert driver.ask("set", {"key": "a", "value": "b"})["result"] is None
        assert driver.ask("get", {"key": "a"})["result"] == "b"
        assert driver.ask("get", {"key": "x"})["error"]["data"] == {"code": "missing", "details": {"key": "x"}}
        assert driver.ask("set", {"key": "", "value": "b"})["error"]["code"] == -32602


def test_it_introduces_itself(driver: Talk) -> None:
    answer = driver.ask("hello")["result"]
    assert answer == {
        "protocol": "1.0",
        "language": f"python {sys.version_info.major}.{sys.version_info.minor}",
        "implementation": "sample",
        "version": "2.3",
        "pid": driver.process.pid,
        "capabilities": ["expiry"],
        "layout": {
            "slot": {"size": 16, "fields": {"kind": [0, 1], "total": [8, 8]}},
            "told": {"size": 4, "fields": {"all": [0, 4]}},
        },
    }


@pytest.mark.parametrize(
    ("verb", "params", "result"),
    [
        (
            "pairs",
            {"pair": {"key": "a", "value": 1}},
            {"all": [{"key": "a", "value": 1.0}, [{"key": "a", "value": 1.0}]]},
        ),
        ("add", {"one": 1}, 6),
        ("add", {"one": 1, "other": 2, "kind": "sum", "maybe": None, "unheard_of": 1}, 3),
        ("either", {"value": "x"}, "str"),
        ("either", {"value": 3}, "int"),
        ("either", {"value": None}, "NoneType"),
        ("whatever", {"value": [1, None], "found": {"a": 1}}, [[1, None], {"a": 1}]),
    ],
)
def test_arguments_are_what_annotations_ask_for_and_results_are_plain(
    driver: Talk, verb: str, params: dict[str, Any], result: Any
) -> None:
    assert driver.ask(verb, params)["result"] == result


@pytest.mark.parametrize(
    ("verb", "params", "message"),
    [
        ("pairs", {"pair": {"key": "a"}}, "pair.value is missing"),
        ("pairs", {"pair": 5}, "pair: an object is expected, got 5"),
        ("add", {"one": 1, "kind": "product"}, "kind: Literal['sum'] is expected, got 'product'"),
        ("add", {"one": True}, "one: int is expected, got True"),
        ("add", {"one": 1, "maybe": "x"}, "maybe: int is expected, got 'x'"),
        ("either", {"value": 1.5}, "value: int | str | None is expected, got 1.5"),
        ("whatever", {"value": 1, "found": 5}, "found: dict[str, int] is expected, got 5"),
        ("whatever", {"value": 1, "found": {"a": "x"}}, "found.a: int is expected, got 'x'"),
        ("health", {"timeout": "soon"}, "timeout: float is expected, got 'soon'"),
    ],
)
def test_what_does_not_fit_is_named(driver: Talk, verb: str, params: dict[str, Any], message: str) -> None:
    assert driver.ask(verb, params)["error"] == {"code": -32602, "message": message}


def test_what_cannot_be_written_is_an_error_of_the_driver(driver: Talk) -> None:
    for verb in ("unwritable", "infinite"):
        error = driver.ask(verb)["error"]
        assert (error["code"], "cannot be written as JSON" in error["message"]) == (-32603, True)


@pytest.mark.parametrize("verb", ["_hidden", "close_all", "capabilities", "size", "Pair", "nonsense"])
def test_only_public_methods_are_verbs(driver: Talk, verb: str) -> None:
    assert driver.ask(verb)["error"] == {"code": -32601, "message": f"there is no verb {verb!r}"}


def test_a_verb_may_say_why_it_is_not_there(driver: Talk) -> None:
    assert driver.ask("later")["error"] == {"code": -32601, "message": "not on this system"}


def test_a_coroutine_is_refused_at_the_start() -> None:
    class Hasty:
        def close_all(self) -> None: ...

        async def get(self) -> None: ...

    with pytest.raises(TypeError, match="get is a coroutine: write it without `async`"):
        driver_kit.serve(Hasty(), name="x", protocol="1")


def test_an_annotation_that_names_nothing_is_told_at_the_start() -> None:
    class Misspelt:
        def close_all(self) -> None: ...

        def get(self, key: Txt) -> None: ...  # type: ignore[name-defined]  # noqa: F821

    with pytest.raises(NameError, match="Txt"):
        driver_kit.serve(Misspelt(), name="x", protocol="1")


def test_refusals_keep_their_details() -> None:
    refused = driver_kit.Refused("missing", "no such key", key="a", code=5)
    assert (refused.code, str(refused), refused.details) == ("missing", "no such key", {"key": "a", "code": 5})


def test_it_imports_nothing_but_the_standard_library() -> None:
    program = "import sys, harmony.driver_kit; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    before = subprocess.run(
        [sys.executable, "-c", "import sys; print(*sorted({name.partition('.')[0] for name in sys.modules}))"],
        capture_output=True,
        text=True,
        check=True,
    )
    new = set(done.stdout.split()) - set(before.stdout.split()) - sys.stdlib_module_names
    assert new == {"harmony"}
