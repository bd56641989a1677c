"""What a browser asks: who is told nothing."""

from __future__ import annotations

from http import HTTPStatus

import pytest

from harmony.live.requests import Request


def head(line: str, *headers: str) -> bytes:
    return "\r\n".join((line, *headers, "", "")).encode("latin-1")


@pytest.mark.parametrize(
    ("line", "host", "status"),
    [
        ("GET /secret/ HTTP/1.1", "127.0.0.1:80", HTTPStatus.OK),
        ("GET /secret/events?x=1 HTTP/1.1", "localhost:4000", HTTPStatus.OK),
        ("GET /secret HTTP/1.1", "LOCALHOST", HTTPStatus.OK),
        ("GET / HTTP/1.1", "127.0.0.1:80", HTTPStatus.FORBIDDEN),
        ("GET /secre/ HTTP/1.1", "127.0.0.1:80", HTTPStatus.FORBIDDEN),
        ("GET /secret\xe9/ HTTP/1.1", "127.0.0.1:80", HTTPStatus.FORBIDDEN),
        ("GET //secret/ HTTP/1.1", "127.0.0.1:80", HTTPStatus.FORBIDDEN),
        ("GET /secret/ HTTP/1.1", "evil.example:80", HTTPStatus.FORBIDDEN),
        ("GET /secret/ HTTP/1.1", "127.0.0.1.evil.example", HTTPStatus.FORBIDDEN),
        ("GET /secret/ HTTP/1.1", "127.0.0.1@evil.example", HTTPStatus.FORBIDDEN),
        ("GET /secret/ HTTP/1.1", "", HTTPStatus.FORBIDDEN),
        ("POST /secret/ HTTP/1.1", "127.0.0.1:80", HTTPStatus.METHOD_NOT_ALLOWED),
        ("GET /secret/../etc/passwd HTTP/1.1", "127.0.0.1:80", HTTPStatus.NOT_FOUND),
    ],
)
def test_only_who_knows_the_token_and_calls_this_machine_by_its_name_is_told(
    line: str, host: str, status: HTTPStatus
) -> None:
    assert Request.of(head(line, f"Host: {host}")).asks_for("secret")[0] is status


@pytest.mark.parametrize(("last", "seen"), [("7", 7), ("", 0), ("-7", 0), ("x", 0), ("9" * 5000, 0), ("\u0667", 0)])
def test_who_comes_again_says_what_it_has_seen(last: str, seen: int) -> None:
    given = f"Last-Event-ID: {last}".encode().decode("latin-1")
    assert Request.of(head("GET /secret/events HTTP/1.1", "Host: localhost", given)).seen == seen


@pytest.mark.parametrize(
    "text",
    [head("GET"), head("GET / x HTTP/1.1"), head("GET http://[/ HTTP/1.1"), head("GET / HTTP/1.1", *["A: b"] * 200)],
)
def test_what_is_no_request_is_said_to_be_none(text: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Request.of(text)
