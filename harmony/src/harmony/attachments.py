"""What a step attaches to what comes of it: a text, a picture, any bytes; each bounded, as are all together. Pure."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, Self

from harmony.text import shown, visible

LARGEST: Final = 1 << 20
"""Bytes of one; of a larger one it is told that it was there."""
ROOM: Final = 4 << 20
"""Bytes of all that a role attaches in a scenario."""
MOST: Final = 50
_PIECE: Final = 16_000
"""Characters; what crosses a pipe, or stands in a file, has no longer text."""
_LONGEST_NAME: Final = 200
_MEDIA_TYPE: Final = re.compile(r"[\w!#$&^.+-]{1,80}/[\w!#$&^.+-]{1,80}(?: ?; ?[\w-]{1,40}=[\w.-]{1,80})?", re.ASCII)
Encoding = Literal["text", "base64"]


@dataclass(frozen=True, slots=True)
class Attachment:
    """One thing that is attached.

    Attributes:
        name: What it is called, such as a file.
        media_type: What it is, such as ``image/png``.
        size: How many bytes it has.
        encoding: How the body is written: ``text`` as it is, where every character of it is seen; or ``base64``.
        body: It, in pieces; none of what had no room.
    """

    name: str
    media_type: str
    size: int
    encoding: Encoding = "text"
    body: tuple[str, ...] = ()

    @classmethod
    def of(cls, name: str, content: object, media_type: str = "") -> Self:
        """Return what a step has given.

        Args:
            name: What it is called.
            content: A text, bytes, or what becomes JSON.
            media_type: What it is; by the kind of the content if absent.

        Raises:
            ValueError: It has no name, or the media type is none.
        """
        if isinstance(content, str):
            raw, usual = content.encode(errors="surrogatepass"), "text/plain"
        elif isinstance(content, (bytes, bytearray, memoryview)):
            raw, usual = bytes(content), "application/octet-stream"
        else:
            raw = json.dumps(content, ensure_ascii=False, indent=2, default=str).encode(errors="surrogatepass")
            usual = "application/json"
        kind = media_type or usual
        if not name.strip():
            raise ValueError("what is attached has a name")
        if not _MEDIA_TYPE.fullmatch(kind):
            raise ValueError(f"{kind!r} is no media type: write one such as text/plain or image/png")
        told = shown(" ".join(name.split()), _LONGEST_NAME)
        encoding, body = _written(raw) if len(raw) <= LARGEST else ("text", "")
        return cls(told, kind.lower(), len(raw), encoding, _pieces(body))

    @classmethod
    def read(cls, told: Any) -> Self:
        """Return what somebody else has told, who may be wrong.

        Raises:
            ValueError: It is none.
        """
        fields = {str(key).replace("_", "").lower(): value for key, value in told.items()} if _is_map(told) else {}
        name, kind, body = fields.get("name"), fields.get("mediatype") or "", fields.get("body", "")
        whole = "".join(body) if isinstance(body, list) and all(isinstance(one, str) for one in body) else body
        if not isinstance(name, str) or not isinstance(kind, str) or not isinstance(whole, str):
            raise ValueError("an attachment has a name, a mediaType and a body")  # noqa: TRY004 - as all others here
        content = base64.b64decode(whole, validate=True) if fields.get("encoding") == "base64" else whole
        found, size = cls.of(name, content, kind), fields.get("size")
        return replace(found, size=size) if isinstance(size, int) and size > 0 and not whole else found

    @property
    def told(self) -> dict[str, Any]:
        """It as JSON, which `read` takes."""
        body = {"encoding": self.encoding, "body": list(self.body)}
        return {"name": self.name, "mediaType": self.media_type, "size": self.size, **body}

    def __str__(self) -> str:
        """Return what it is, without what is in it."""
        return (
            f"{self.name} ({self.media_type}, {self.size:,} bytes{'' if self.body or not self.size else ', left out'})"
        )


class Attachments:
    """What one role attaches in a scenario, as far as there is room."""

    def __init__(self) -> None:
        self._new: list[Attachment] = []
        self._number = 0
        self._room = ROOM

    def add(self, one: Attachment) -> bool:
        """Take one, without its body where that has no room; return whether it is taken at all."""
        self._number += 1
        if self._number > MOST:
            return False
        taken = one.size if one.body else 0
        fits = taken <= self._room
        self._room -= taken if fits else 0
        self._new.append(one if fits else replace(one, body=()))
        return True

    def take(self) -> tuple[Attachment, ...]:
        """Return those that have come since this was asked last."""
        taken, self._new = tuple(self._new), []
        return taken


def read_all(told: Any) -> tuple[Attachment, ...] | None:
    """Return what a worker has attached; nothing if that is of no such form."""
    if not isinstance(told, list):
        return None
    found = Attachments()
    try:
        for one in told:
            found.add(Attachment.read(one))
    except ValueError:
        return None
    return found.take()


def _is_map(value: Any) -> bool:
    return isinstance(value, dict)


def _written(raw: bytes) -> tuple[Encoding, str]:
    """Return how bytes are written: as text only if nobody changes that on its way."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = None
    if text is not None and visible(text) == text:
        return "text", text
    return "base64", base64.b64encode(raw).decode()


def _pieces(text: str) -> tuple[str, ...]:
    return tuple(text[at : at + _PIECE] for at in range(0, len(text), _PIECE))
