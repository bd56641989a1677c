"""What a step attaches: finds a byte that is lost on its way, a bound that does not hold, a word of others believed."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from harmony.attachments import LARGEST, MOST, ROOM, Attachment, Attachments, read_all
from harmony.text import LONGEST, jsonable


def content(one: Attachment) -> bytes:
    body = "".join(one.body)
    return base64.b64decode(body) if one.encoding == "base64" else body.encode()


@pytest.mark.parametrize(
    ("given", "kind", "raw"),
    [
        ("ab ✓ " * LONGEST, "text/plain", b"ab \xe2\x9c\x93 " * LONGEST),
        ("a\r\nb\x1b[2J\u202e", "text/plain", b"a\r\nb\x1b[2J\xe2\x80\xae"),
        ("half \ud800", "text/plain", b"half \xed\xa0\x80"),
        (b"\x89PNG\xff" * LONGEST, "application/octet-stream", b"\x89PNG\xff" * LONGEST),
        ({"a": [1, None]}, "application/json", b'{\n  "a": [\n    1,\n    null\n  ]\n}'),
        ("", "text/plain", b""),
    ],
    ids=["text", "unseen", "surrogate", "bytes", "json", "empty"],
)
def test_every_byte_arrives(given: object, kind: str, raw: bytes) -> None:
    """Also over a pipe and in a file, where a long text is cut and an unseen character spelled out."""
    one = Attachment.of("a name", given, "")
    assert (one.media_type, one.size, content(one)) == (kind, len(raw), raw)
    assert read_all(jsonable([one.told])) == (one,)


def test_what_is_too_much_is_told_without_its_body() -> None:
    kept = Attachments()
    large = Attachment.of("large", b"x" * (LARGEST + 1))
    assert (large.size, large.body, str(large)) == (
        LARGEST + 1,
        (),
        "large (application/octet-stream, 1,048,577 bytes, left out)",
    )
    assert read_all([large.told]) == (large,)
    some = Attachment.of("some", b"x" * LARGEST)
    assert all(kept.add(some) for _ in range(MOST))
    assert not kept.add(some)
    taken = kept.take()
    assert sum(len(content(one)) for one in taken) == ROOM
    assert (len(taken), kept.take()) == (MOST, ())


@pytest.mark.parametrize(
    ("name", "kind"), [(" ", ""), ("a", "png"), ("a", "image/png\nX: y"), ("a", "text/html;<script>"), ("a", "/")]
)
def test_what_has_no_name_or_no_kind_is_refused(name: str, kind: str) -> None:
    with pytest.raises(ValueError, match=r"name|media type"):
        Attachment.of(name, "text", kind)


@pytest.mark.parametrize(
    "told",
    [
        "text",
        [1],
        [{"name": 1, "body": ""}],
        [{"name": "a", "body": [1]}],
        [{"name": "a", "body": "%", "encoding": "base64"}],
        [{"name": "a", "body": "b", "mediaType": "nothing"}],
        {"name": "a"},
    ],
)
def test_what_is_no_attachment_stays_a_word_of_others(told: Any) -> None:
    assert read_all(told) is None


def test_a_worker_of_others_writes_it_as_it_likes() -> None:
    (one,) = read_all([{"Name": "a", "MediaType": "Text/Plain", "Body": "b", "size": -1}]) or ()
    assert one == Attachment("a", "text/plain", 1, "text", ("b",))
