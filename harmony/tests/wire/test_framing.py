"""Framing: whatever comes, what is whole is found, what is not is named, and memory stays bounded."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmony.wire.framing import Fault, FaultKind, Frame, FrameDecoder, encode

documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def decode(data: bytes, chunk: int = 0, **limits: int) -> list[Frame | Fault]:
    decoder = FrameDecoder(**limits)
    size = chunk or max(1, len(data))
    return [item for start in range(0, len(data), size) for item in decoder.feed(data[start : start + size])]


def bodies(items: list[Frame | Fault]) -> list[bytes]:
    return [item.body for item in items if isinstance(item, Frame)]


def kinds(items: list[Frame | Fault]) -> list[FaultKind]:
    return [item.kind for item in items if isinstance(item, Fault)]


@given(st.lists(documents, max_size=5), st.integers(1, 40), st.booleans())
def test_every_document_survives_any_chunking(values: list[Any], chunk: int, spread: bool) -> None:
    texts = [json.dumps(value, ensure_ascii=False, indent=1 if spread else None).encode() for value in values]
    items = decode(b"".join(encode(text) for text in texts), chunk)
    assert bodies(items) == texts
    assert not kinds(items)


@given(st.binary(max_size=400), st.integers(1, 50))
def test_no_bytes_raise_and_a_good_message_after_them_is_found(rubbish: bytes, chunk: int) -> None:
    # A header of the rubbish itself may announce up to all of what follows; the second message is then the found one.
    good = encode(b'{"good":1}')
    items = decode(rubbish + b"\n" + good + good, chunk)
    assert b'{"good":1}' in bodies(items)


@pytest.mark.parametrize("chunk", [0, 1, 7])
@pytest.mark.parametrize(
    "header",
    [
        b"Content-Length: 2\r\n\r\n",
        b"content-length:2\r\n\r\n",
        b"CONTENT-LENGTH : 2 \n\n",
        b"Content-Type: application/vscode-jsonrpc; charset=utf-8\r\nContent-Length: 2\r\n\r\n",
        b"Content-Length: 2\nX-Other: yes\n\n",
        b"\r\n\r\nContent-Length: 2\r\n\r\n",
        b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n",
    ],
)
def test_generous_in_what_it_takes(header: bytes, chunk: int) -> None:
    items = decode(header + b"{}" + encode(b"[]"), chunk)
    assert bodies(items) == [b"{}", b"[]"]
    assert not kinds(items)


@pytest.mark.parametrize("chunk", [0, 1, 5])
@pytest.mark.parametrize(
    ("broken", "kind"),
    [
        (b"hello\r\n", FaultKind.GARBAGE),
        (b'{"jsonrpc":"2.0","id":1,"method":"health"}\n', FaultKind.GARBAGE),
        (b'remains":[]}', FaultKind.GARBAGE),
        (b"hello", FaultKind.GARBAGE),
        (b"Content-Length: abc\r\n\r\n{}", FaultKind.LENGTH),
        (b"Content-Length: -5\r\n\r\n{}", FaultKind.LENGTH),
        (b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", FaultKind.LENGTH),
        (b"Content-Length:\r\n\r\n", FaultKind.LENGTH),
        (b"Content-Type: text\r\n\r\n{}", FaultKind.LENGTH),
        (b"Content-Length: 2147483648\r\n\r\n{}", FaultKind.TOO_LARGE),
        (b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n{}", FaultKind.TOO_LARGE),
        (b"X: " + b"a" * 9000 + b"\r\n\r\n", FaultKind.GARBAGE),
        (b"Content-Length: 900\r\n\r\n{}", FaultKind.OVERLAP),
        (b"\xff\xfe\x00\r\n\r\n", FaultKind.GARBAGE),
    ],
)
def test_a_broken_message_is_one_fault_and_the_next_is_read(broken: bytes, kind: FaultKind, chunk: int) -> None:
    items = decode(broken + encode(b'{"id":1}') + encode(b'{"id":2}'), chunk)
    assert kinds(items) == [kind]
    assert bodies(items) == [b'{"id":1}', b'{"id":2}']


@pytest.mark.parametrize("chunk", [0, 1])
def test_too_long_a_length_spoils_one_message_only(chunk: int) -> None:
    """Wherever it ends in the next message: the one is an error, the other is read."""
    first, second, third = b'{"id":1}', encode(b'{"id":22}'), encode(b'{"id":333}')
    for more in range(1, len(second)):
        items = decode(b"Content-Length: %d\r\n\r\n%b" % (len(first) + more, first) + second + third, chunk)
        assert bodies(items)[-2:] == [b'{"id":22}', b'{"id":333}'], more
        assert len(items) == 3, more


def test_the_answer_to_a_broken_message_waits_for_no_other() -> None:
    assert bodies(decode(b"Content-Length: 9\r\n\r\n" + b'{"id":1}C')) == [b'{"id":1}C']
    assert bodies(decode(b"Content-Length: 3\r\n\r\nabc" + encode(b"{}"))) == [b"abc", b"{}"]


def test_too_short_a_length_spoils_one_message_only() -> None:
    items = decode(b'Content-Length: 4\r\n\r\n{"id":1}' + encode(b'{"id":2}'))
    assert bodies(items) == [b'{"id', b'{"id":2}']


def test_a_length_is_limited_by_what_was_asked_for() -> None:
    assert kinds(decode(encode(b"x" * 11), max_message=10)) == [FaultKind.TOO_LARGE]
    assert bodies(decode(encode(b"x" * 10), max_message=10)) == [b"x" * 10]


@pytest.mark.parametrize("flood", [b"a" * 65536, b"\n" * 65536, b"Content-Length: 99999999999\r\n\r\n" + b"x" * 65536])
def test_a_flood_of_rubbish_is_not_kept(flood: bytes) -> None:
    decoder = FrameDecoder()
    faults = sum(len(list(decoder.feed(flood))) for _ in range(200))
    assert len(decoder._buffer) < 70_000
    assert faults <= 200


def test_the_end_in_the_middle_is_named() -> None:
    decoder = FrameDecoder()
    assert not list(decoder.feed(b"Content-Length: 10\r\n\r\n{}"))
    assert decoder.pending == "2 of the 10 bytes it announced"
    fault = decoder.finish()
    assert fault is not None
    assert fault.kind is FaultKind.TRUNCATED
    assert FrameDecoder().finish() is None
