from __future__ import annotations

import pytest
from hypothesis import given, strategies

from harmony.verdict.comparison import MismatchError, expect_equal, first_difference


def test_equal_values_pass() -> None:
    expect_equal(1, 1, "number")
    expect_equal(b"abc", bytearray(b"abc"), "bytes")
    expect_equal(memoryview(b"abc"), b"abc", "bytes")


def test_bytes_show_sizes_and_the_first_differing_offset_and_no_megabyte() -> None:
    expected, seen = bytes(2**20), bytearray(2**20)
    seen[777_777] = 0xEE
    with pytest.raises(MismatchError) as caught:
        expect_equal(expected, seen, "frame data")
    text = str(caught.value)
    assert "frame data" in text
    assert text.count("1048576 bytes") == 2
    assert "first difference at offset 777777" in text
    assert "[00]" in text
    assert "[ee]" in text
    assert len(text) < 500
    assert caught.value.offset == 777_777


def test_a_shorter_value_differs_at_its_end() -> None:
    with pytest.raises(MismatchError) as caught:
        expect_equal(b"abcd", b"ab", "data")
    assert caught.value.offset == 2
    assert "2 bytes" in str(caught.value)


def test_other_values_are_shortened() -> None:
    with pytest.raises(MismatchError) as caught:
        expect_equal("x" * 10_000, "y", "text")
    assert len(str(caught.value)) < 500


@given(strategies.binary(min_size=1, max_size=20_000), strategies.data())
def test_the_first_difference_is_the_first(data: bytes, draw: strategies.DataObject) -> None:
    offset = draw.draw(strategies.integers(0, len(data) - 1))
    other = bytearray(data)
    other[offset] ^= 1
    if offset + 1 < len(other):
        other[-1] ^= 0x80
    assert first_difference(data, other) == offset
    assert first_difference(data, data) == len(data)
