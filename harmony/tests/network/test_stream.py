"""Finds bytes that are lost, doubled or put in another order where a stream is cut into packets."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from harmony.network.stream import LARGEST_PACKET, Stream


def counted(data: bytes, sender: str) -> tuple[int, str] | None:
    """Split what begins with its length in two bytes; as soon as that is known, if the packet is not whole."""
    if len(data) < 2:
        return None
    size = 2 + int.from_bytes(data[:2])
    return size, f"{sender} {size} {data[2:size].hex()}"


SIZES = st.lists(st.one_of(st.integers(0, 9), st.integers(4000, 4200), st.just(20_000)), max_size=12)


@settings(max_examples=30, deadline=None)
@given(SIZES, st.lists(st.integers(1, 6000), min_size=1, max_size=9), st.booleans())
def test_however_bytes_come_they_go_on_as_they_are(sizes: list[int], steps: list[int], whole: bool) -> None:
    packets = [size.to_bytes(2) + bytes([number]) * size for number, size in enumerate(sizes)]
    rest, stream, passed, seen = b"".join(packets), Stream("x", counted), b"", []
    turn = 0
    while rest:
        size = steps[turn % len(steps)]
        turn += 1
        stream.take(rest[:size])
        rest = rest[size:]
        for piece in stream.pieces(lambda: whole):
            passed += piece.data
            if piece.packet:
                seen.append((piece.packet, piece.text))
            assert piece.whole or not whole
    assert stream.end() is None
    assert passed == b"".join(packets)
    assert [packet for packet, _ in seen] == packets
    assert [text.split()[1] for _, text in seen] == [str(len(packet)) for packet in packets]


def test_what_never_became_a_packet_goes_on_at_the_end() -> None:
    stream = Stream("x", counted)
    stream.take(b"\0\5ab")
    assert [piece.data for piece in stream.pieces(lambda: False)] == [b"\0\5ab"]
    stream.take(b"c")
    assert list(stream.pieces(lambda: True)) == []
    rest = stream.end()
    assert rest is not None
    assert (rest.data, rest.packet) == (b"c", b"\0\5abc")
    assert rest.text == "no whole packet, 5 bytes: 00 05 61 62 63  |..abc|"


def test_a_packet_without_end_passes_unread() -> None:
    stream = Stream("x", lambda data, sender: None)
    stream.take(bytes(LARGEST_PACKET + 1))
    (piece,) = stream.pieces(lambda: True)
    assert len(piece.data) == LARGEST_PACKET + 1
    assert piece.text.startswith("a packet of more than")
    stream.take(b"and more")
    assert [piece.text for piece in stream.pieces(lambda: True)] == [
        "8 bytes: 61 6e 64 20 6d 6f 72 65  |and more|",
    ]


def test_words_of_others_stay_in_their_line() -> None:
    stream = Stream("x", lambda data, sender: (len(data), f"\x1b[31m{data.decode()}"))
    stream.take(b"a\n    b" * 999)
    (piece,) = stream.pieces(lambda: False)
    assert piece.text.startswith(r"\x1b[31ma\n    ba\n")
    assert len(piece.text) <= 200


def test_a_packet_of_no_bytes_is_none() -> None:
    stream = Stream("x", lambda data, sender: (0, "nothing"))
    stream.take(b"abc")
    assert [piece.data for piece in stream.pieces(lambda: True)] == [b"abc"]
