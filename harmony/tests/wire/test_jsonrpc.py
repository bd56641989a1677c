"""JSON-RPC 2.0: each wrong message gets the code that the specification names."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmony.wire import jsonrpc
from harmony.wire.jsonrpc import (
    ErrorResponse,
    Malformed,
    Notification,
    Request,
    Response,
    RpcError,
    decode,
    encode,
    first_object,
)


@pytest.mark.parametrize(
    ("body", "code", "identity"),
    [
        (b"", -32700, None),
        (b"{", -32700, None),
        (b'{"jsonrpc":"2.0","id":1,"method":"health"', -32700, None),
        (b"\xff\xfe{}", -32700, None),
        (b'{"a":"\xc3\x28"}', -32700, None),
        (b'{"jsonrpc":"2.0","id":1,"method":"x","params":[NaN]}', -32700, None),
        (b"[" * 100 + b"]" * 100, -32700, None),
        (b'{"a":' * 5000 + b"1" + b"}" * 5000, -32700, None),
        (b"[" * 1_000_000, -32700, None),
        (b"[]", -32600, None),
        (b'[{"jsonrpc":"2.0","id":1,"method":"health"}]', -32600, None),
        (b"1", -32600, None),
        (b"null", -32600, None),
        (b'"health"', -32600, None),
        (b"{}", -32600, None),
        (b'{"jsonrpc":"2.0","id":7}', -32600, 7),
        (b'{"jsonrpc":"1.0","id":7,"method":"health"}', -32600, 7),
        (b'{"id":"a","method":"health"}', -32600, "a"),
        (b'{"jsonrpc":"2.0","id":7,"method":5}', -32600, 7),
        (b'{"jsonrpc":"2.0","id":7,"method":"health","params":5}', -32600, 7),
        (b'{"jsonrpc":"2.0","id":7,"method":"health","params":"x"}', -32600, 7),
        (b'{"jsonrpc":"2.0","id":true,"method":"health"}', -32600, None),
        (b'{"jsonrpc":"2.0","id":{},"method":"health"}', -32600, None),
        (b'{"jsonrpc":"2.0","id":1.5,"method":"health"}', -32600, None),
        (b'{"jsonrpc":"2.0","id":1,"error":"x"}', -32600, 1),
    ],
)
def test_what_is_wrong_gets_its_code(body: bytes, code: int, identity: int | str | None) -> None:
    found = decode(body)
    assert isinstance(found, Malformed)
    assert (found.error.code, found.error.id) == (code, identity)


def test_brackets_in_strings_are_no_depth() -> None:
    text = "[{" * 500
    found = decode(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "x", "params": [text, '\\"' + text]}).encode())
    assert isinstance(found, Request)


@pytest.mark.parametrize(
    "message",
    [
        Request(1, "health", []),
        Request("a", "x", {"b": [1, None, "ü\ud800"]}),
        Notification("x", [1]),
        Response(3, None),
        Response(None, {"a": 1.5}),
        ErrorResponse(None, -32700, "Parse error", {"at": 3}),
        ErrorResponse(4, -32601, "Method not found"),
    ],
)
def test_messages_survive_the_wire_as_ascii(message: jsonrpc.Message) -> None:
    data = encode(message)
    assert data.isascii()
    assert decode(data) == message


@given(st.binary(max_size=200))
def test_no_bytes_raise(data: bytes) -> None:
    assert decode(data) is not None


@pytest.mark.parametrize(
    ("params", "expected"), [(None, {}), ([], {}), ([{"a": 1}], {"a": 1}), ({"a": 1}, {"a": 1}), ({}, {})]
)
def test_both_forms_of_parameters(params: Any, expected: Any) -> None:
    assert first_object(params) == expected


@pytest.mark.parametrize("params", [[1], ["x"], [{}, {}], [[]], [None]])
def test_other_parameters_are_invalid(params: Any) -> None:
    with pytest.raises(RpcError) as caught:
        first_object(params)
    assert caught.value.code == jsonrpc.INVALID_PARAMS
