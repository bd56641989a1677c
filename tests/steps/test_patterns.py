from __future__ import annotations

import itertools
import time
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from step_definitions.patterns import (
    Pattern,
    Payload,
    chained,
    digest,
    expected_chain,
    first_difference,
    ramp,
    runs_of,
    sizes_of,
)


@given(size=st.integers(0, 2000), sequence=st.integers(1, 1 << 40))
def test_frame_pattern_is_the_formula_of_the_specification(size: int, sequence: int) -> None:
    content = Payload(Pattern.FRAME, size, sequence).content()
    assert content == bytes((index + sequence) % 256 for index in range(size))


@given(size=st.integers(0, 2000))
def test_simple_pattern_does_not_depend_on_the_sequence(size: int) -> None:
    assert Payload(Pattern.SIMPLE, size).content(7) == bytes(index % 256 for index in range(size))


def test_a_recipe_may_leave_the_sequence_open() -> None:
    assert Payload(Pattern.FRAME, 300).content(9) == Payload(Pattern.FRAME, 300, 9).content()


def test_mask_and_repetition() -> None:
    assert Payload.of_text("ab").content() == b"ab"
    assert Payload(Pattern.SIMPLE, 3, mask=0xFF).content() == b"\xff\xfe\xfd"
    assert Payload(Pattern.SIMPLE, 2, repeat=2).content() == b"\x00\x01\x00\x01"


def test_ten_mebibytes_take_milliseconds() -> None:
    begin = time.process_time()
    assert len(ramp(10 << 20, 3)) == 10 << 20
    assert time.process_time() - begin < 1.0


def test_digest_is_the_well_known_one() -> None:
    assert digest(b"123456789") == 0xCBF43926


@given(st.lists(st.integers(1, 600), min_size=1, max_size=20), st.integers(1, 1000))
def test_chain_is_size_sequence_and_bytes_of_each_frame(sizes: list[int], first: int) -> None:
    whole = b"".join(
        size.to_bytes(8, "little") + sequence.to_bytes(8, "little") + ramp(size, sequence)
        for sequence, size in enumerate(sizes, start=first)
    )
    assert expected_chain(sizes, first) == zlib.crc32(whole)


def test_chain_notices_order_size_and_bytes() -> None:
    right = chained(chained(0, 1, b"ab"), 2, b"c")
    assert right not in {
        chained(chained(0, 2, b"c"), 1, b"ab"),
        chained(chained(0, 1, b"a"), 2, b"bc"),
        chained(chained(0, 1, b"ab"), 2, b"d"),
        chained(chained(0, 1, b"ab"), 3, b"c"),
    }


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_first_difference_is_that_of_a_loop(left: bytes, right: bytes) -> None:
    naive = next((index for index, (one, other) in enumerate(zip(left, right, strict=False)) if one != other), None)
    if naive is None and len(left) != len(right):
        naive = min(len(left), len(right))
    assert first_difference(left, right) == naive


@pytest.mark.parametrize("at", [0, 65_535, 65_536, 199_999])
def test_first_difference_across_strides(at: int) -> None:
    left = bytes(200_000)
    right = bytearray(left)
    right[at] = 1
    assert first_difference(left, bytes(right)) == at


@given(st.lists(st.integers(1, 3), max_size=50))
def test_runs_shorten_and_lengthen(sizes: list[int]) -> None:
    runs = runs_of(sizes)
    assert list(sizes_of(runs)) == sizes
    assert all(one[0] != other[0] for one, other in itertools.pairwise(runs))
