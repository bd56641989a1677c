"""Names and sizes are judged before anything is opened."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from tests.library.data import Fields, objects, segment
from zerobuffer import BufferConfig, DuplexClient, DuplexServer, InvalidNameError, Reader, Writer, names
from zerobuffer.ownership import remove_stale

WRONG = {
    "": "empty",
    "a/b": "'/'",
    "/a": "'/'",
    "..": "'..'",
    "a..b": "'..'",
    ".": "'.'",
    "a b": "' '",
    "a\n": r"'\\n'",
    "a\0b": r"'\\x00'",
    "größe": "'ö'",
    "a\x7f": "'\\\\x7f'",
    "a:b": "':'",
    "x" * 246: "246 bytes",
}


@pytest.mark.parametrize("wrong", WRONG, ids=repr)
@pytest.mark.parametrize("use", [Reader, Writer, remove_stale, names.validate_name], ids=lambda use: use.__name__)
def test_wrong_name_is_refused_before_anything_is_opened(
    wrong: str, use: Callable[[str], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    def opened(*_: object, **__: object) -> int:
        pytest.fail("a file was opened")

    monkeypatch.setattr(os, "open", opened)
    with pytest.raises(InvalidNameError, match=WRONG[wrong]) as caught:
        use(wrong)
    assert caught.value.code == "invalid_name"


@pytest.mark.parametrize("wrong", [5, None, b"bytes"])
def test_name_is_text(wrong: object) -> None:
    with pytest.raises((InvalidNameError, TypeError)):
        Reader(wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("use", [DuplexServer, DuplexClient])
def test_wrong_channel_name_is_refused(use: Callable[[str], object]) -> None:
    for wrong in ("", "a/b", "x" * 240):
        with pytest.raises(InvalidNameError):
            use(wrong or "/")


def test_longest_name_works(name: str) -> None:
    longest = name + "n" * (names.LONGEST_NAME - len(name))
    with Reader(longest, BufferConfig(0, 64)) as reader, Writer(longest) as writer:
        writer.write_frame(b"x")
        reader.read_frame(1).release()
        assert len(objects(longest)) == 3
    assert objects(longest) == []


@pytest.mark.parametrize("odd", ["-", "a.b", ".hidden", "-rf", "A-Z_0.9"])
def test_odd_but_legal_names(name: str, odd: str) -> None:
    with Reader(f"{name}{odd}", BufferConfig(0, 64)), Writer(f"{name}{odd}"):
        pass


# ---- sizes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "got"), [((1, 100), (64, 128)), ((0, 64), (0, 64)), ((65, 1000), (128, 1024)), ((64, 1), (64, 64))]
)
def test_sizes_are_rounded_up(name: str, asked: tuple[int, int], got: tuple[int, int]) -> None:
    with Reader(name, BufferConfig(*asked)):
        fields = Fields.of(name)
        assert (fields.metadata_size, fields.payload_size) == got
        assert fields.free == got[1]
        assert segment(name).stat().st_size == 128 + sum(got) == BufferConfig(*asked).segment_size


def test_default_sizes(name: str) -> None:
    with Reader(name) as reader:
        assert (Fields.of(name).metadata_size, Fields.of(name).payload_size) == (1024, 10240)
        assert reader.config == BufferConfig()


@pytest.mark.parametrize(
    "values",
    [
        {"metadata_size": -1},
        {"payload_size": 0},
        {"payload_size": -5},
        {"payload_size": 1 << 62},
        {"payload_size": 1.5},
        {"metadata_size": True},
        {"payload_size": "10"},
        {"mode": 0o1777},
        {"mode": 0o755},
        {"mode": 0o400},
    ],
    ids=str,
)
def test_wrong_configuration_is_refused(values: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=f"BufferConfig.{next(iter(values))}"):
        BufferConfig(**values)
