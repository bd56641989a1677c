"""Whatever bytes stand in the segment: a specific error or a result; no crash, no hang, no byte outside of it."""

from __future__ import annotations

import ctypes
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.library.hostile import FIELDS, PAGE, Call, Case, interesting, make, u64
from tests.library.processes import Parent
from tests.library.trials import FindingError, Trials, guarded
from zerobuffer import Reader

PAYLOAD = PAGE - 128 - 64


class Drawn:
    """Choices of Hypothesis."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw

    def integer(self, least: int, most: int) -> int:
        return self._draw(st.integers(least, most))


@st.composite
def cases(draw: st.DrawFn) -> Case:
    return make(Drawn(draw))


@st.composite
def values(draw: st.DrawFn) -> int:
    return interesting(Drawn(draw), draw(st.sampled_from([PAYLOAD, 64, 128, 1])))


@pytest.fixture(scope="module")
def guard(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return guarded(tmp_path_factory.mktemp("guard"))


@pytest.fixture
def trials(name: str, guard: dict[str, str]) -> Iterator[Trials]:
    with Trials(name, guard) as made:
        yield made


thorough = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


# ---- anything ------------------------------------------------------------------------------------------------------


@thorough
@given(case=cases())
def test_anything_at_any_moment(case: Case, trials: Trials) -> None:
    assert len(trials.attempt(case)) == len(case["calls"])


USE: list[Call] = [["state"], ["get_metadata"], ["read"], ["read"], ["touch"], ["write", 100], ["read_many", 9]]
MOMENTS: dict[str, list[Call]] = {
    "before a writer connects": [["corrupt"], ["reconnect"], *USE, ["release"], ["write", 2000]],
    "while both are connected": [["corrupt"], *USE, ["acquire", 300, 1], ["set_metadata", 9], ["write_many", 5, 99]],
    "while a frame is held": [["read"], ["corrupt"], ["touch"], ["release"], *USE, ["reconnect"], ["read"]],
}


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("field", FIELDS)
@settings(parent=thorough, max_examples=12)
@given(value=values())
def test_any_value_in_any_field(field: str, moment: str, value: int, trials: Trials) -> None:
    offset, size = FIELDS[field]
    wrong: Call = ["poke", offset, u64(value)[: 2 * size]]
    calls = [wrong if call == ["corrupt"] else call for call in MOMENTS[moment]]
    case = Case(metadata=64, payload=PAYLOAD, frames=[100, 200, 300], calls=calls)
    assert len(trials.attempt(case)) == len(calls)


@pytest.mark.parametrize("moment", MOMENTS)
@settings(parent=thorough, max_examples=40)
@given(seed=st.integers(0, 1 << 30), begin=st.sampled_from([0, 8, 40, 96, 128, 192]))
def test_nothing_but_noise(moment: str, seed: int, begin: int, trials: Trials) -> None:
    calls = [["noise", begin, seed] if call == ["corrupt"] else call for call in MOMENTS[moment]]
    case = Case(metadata=64, payload=PAYLOAD, frames=[100, 200, 300], calls=calls)
    assert len(trials.attempt(case)) == len(calls)


# ---- the specific errors -------------------------------------------------------------------------------------------

FIRST_HEADER = 128 + 64


def outcome(trials: Trials, *calls: Call) -> str:
    """What the last of the calls ends in, upon a buffer of three frames."""
    return trials.attempt(Case(metadata=64, payload=PAYLOAD, frames=[100, 200, 300], calls=list(calls)))[-1]


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("oieb_size", 0, "invalid_oieb"),
        ("oieb_size", 127, "invalid_oieb"),
        ("oieb_size", 129, "invalid_oieb"),
        ("version", 0x0002, "version_mismatch"),
        ("version", 0x0100, "version_mismatch"),
        ("version", 0xFF01, "ok"),
        ("metadata_size", 0, "invalid_oieb"),
        ("metadata_size", 63, "invalid_oieb"),
        ("metadata_size", 128, "invalid_oieb"),
        ("metadata_size", -64, "invalid_oieb"),
        ("payload_size", 0, "invalid_oieb"),
        ("payload_size", PAYLOAD - 64, "invalid_oieb"),
        ("payload_size", PAYLOAD + 64, "invalid_oieb"),
        ("payload_size", 1 << 63, "invalid_oieb"),
        ("payload_free_bytes", PAYLOAD + 1, "invalid_oieb"),
        ("payload_write_pos", PAYLOAD + 1, "invalid_oieb"),
        ("payload_write_pos", -1, "invalid_oieb"),
        ("payload_read_pos", PAYLOAD + 1, "invalid_oieb"),
        ("reader_pid", 0, "reader_dead"),
        ("reader_pid", 1 << 40, "ok"),  # a pid unknown here is no proof of death while the reader's lock is held
        ("writer_pid", 1, "writer_exists"),
        ("writer_pid", 1 << 40, "ok"),
    ],
)
def test_a_writer_that_connects_says_what_is_wrong(field: str, value: int, code: str, trials: Trials) -> None:
    offset, size = FIELDS[field]
    leave: Call = ["poke", FIELDS["writer_pid"][0], u64(0)]
    assert outcome(trials, ["read_many", 9], leave, ["poke", offset, u64(value)[: 2 * size]], ["reconnect"]) == code


@pytest.mark.parametrize(
    ("offset", "value", "code"),
    [
        (FIRST_HEADER, 0, "invalid_frame_size"),
        (FIRST_HEADER, PAYLOAD - 16, "ok"),
        (FIRST_HEADER, PAYLOAD - 15, "invalid_frame_size"),
        (FIRST_HEADER, PAYLOAD, "invalid_frame_size"),
        (FIRST_HEADER, -1, "invalid_frame_size"),
        (FIRST_HEADER, -16, "invalid_frame_size"),
        (FIRST_HEADER + 8, 0, "sequence_error"),
        (FIRST_HEADER + 8, 2, "sequence_error"),
        (FIRST_HEADER + 8, -1, "sequence_error"),
        (FIELDS["payload_read_pos"][0], PAYLOAD + 1, "invalid_oieb"),
    ],
)
def test_a_reader_says_what_is_wrong(offset: int, value: int, code: str, trials: Trials) -> None:
    assert outcome(trials, ["poke", offset, u64(value)], ["read"]) == code


def test_a_marker_that_leads_to_itself_is_an_error(trials: Trials) -> None:
    nothing: list[Call] = [["poke", FIRST_HEADER, u64(0)], ["poke", FIRST_HEADER + 8, u64(0)]]
    assert outcome(trials, *nothing, ["read"]) == "invalid_frame_size"


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("payload_write_pos", PAYLOAD + 1, "invalid_oieb"),
        ("payload_free_bytes", PAYLOAD + 1, "invalid_oieb"),
        ("payload_free_bytes", -1, "invalid_oieb"),
        ("payload_free_bytes", 0, "invalid_oieb"),  # not what our writer left there
        ("committed", 0, "ok"),  # it has its own copy of what only it writes
        ("released", 1, "invalid_oieb"),
        ("reader_pid", 0, "reader_dead"),
        ("reader_pid", (1 << 32) + 1, "ok"),
    ],
)
def test_a_writer_at_work_says_what_is_wrong(field: str, value: int, code: str, trials: Trials) -> None:
    assert outcome(trials, ["poke", FIELDS[field][0], u64(value)], ["write", 10]) == code


@pytest.mark.parametrize(
    ("written", "length", "code"),
    [
        (0, 5, "no_metadata"),
        (8, 0, "invalid_oieb"),
        (65, 57, "invalid_oieb"),
        (13, 6, "invalid_oieb"),
        (13, -1, "invalid_oieb"),
        (-1, -9, "invalid_oieb"),
        (64, 56, "ok"),
    ],
)
def test_metadata_that_cannot_be_is_an_error(written: int, length: int, code: str, trials: Trials) -> None:
    wrong: list[Call] = [["poke", 24, u64(written)], ["poke", 128, u64(length)]]
    assert outcome(trials, *wrong, ["get_metadata"]) == code


def test_a_frame_keeps_its_size_whatever_becomes_of_its_header(trials: Trials) -> None:
    calls: list[Call] = [["read"], ["poke", FIRST_HEADER, u64(-1)], ["touch"], ["release"], ["read"], ["touch"]]
    case = Case(metadata=64, payload=PAYLOAD, frames=[100, 200, 300], calls=calls)
    assert trials.attempt(case) == ["ok"] * 6


def test_tokens_without_frames_are_an_error_and_no_loop(trials: Trials) -> None:
    assert outcome(trials, ["read"], ["read"], ["read"], ["token", 3], ["read"]) in {
        "invalid_frame_size",
        "sequence_error",
    }


# ---- what these tests would notice ---------------------------------------------------------------------------------


def crash(parent: Parent, name: str) -> None:
    """A library that looks where nothing is."""
    parent.hear()
    ctypes.string_at(8, 1)
    parent.say(name)


def look_beside(parent: Parent, name: str) -> None:
    """A library that looks at one byte beside its mapping: `after` or before it."""
    after = parent.hear()
    with Reader(name) as reader:
        assert reader.config.segment_size > 0
        mapping = next(line for line in Path("/proc/self/maps").read_text().splitlines() if line.endswith(name))
        begin, _, end = mapping.split()[0].partition("-")
        ctypes.string_at(int(end, 16) if after else int(begin, 16) - 1, 1)
    parent.say([])


def hang(parent: Parent, name: str) -> None:
    """A library that never returns."""
    parent.hear()
    time.sleep(1000)
    parent.say(name)


def raise_another_error(parent: Parent, name: str) -> None:
    """A library that raises what is none of its errors."""
    parent.hear()
    parent.say({"unexpected": f"ValueError: {name}"})


@pytest.mark.leaks_on_purpose
def test_a_crash_is_a_finding(name: str, guard: dict[str, str]) -> None:
    with Trials(name, guard, crash) as trials, pytest.raises(FindingError, match=f"status -{signal.SIGSEGV:d}"):
        trials.attempt("now")


@pytest.mark.parametrize("after", [False, True])
def test_a_look_beside_the_mapping_is_a_finding(after: bool, name: str, guard: dict[str, str]) -> None:
    with Trials(name, guard, look_beside) as trials, pytest.raises(FindingError, match=f"status -{signal.SIGSEGV:d}"):
        trials.attempt(after)
    Reader(name).close()  # what the crash left is replaced, and removed


def test_a_hang_is_a_finding(name: str, guard: dict[str, str]) -> None:
    with Trials(name, guard, hang) as trials, pytest.raises(FindingError, match="said nothing in time"):
        trials.attempt("now", deadline=0.5)


def test_an_error_that_is_not_the_librarys_is_a_finding(name: str, guard: dict[str, str]) -> None:
    with Trials(name, guard, raise_another_error) as trials, pytest.raises(FindingError, match="ValueError"):
        trials.attempt("now")


def test_without_anything_wrong_everything_works(trials: Trials) -> None:
    calls: list[Call] = [["read"], ["read"], ["read"], ["touch"], ["read"], ["set_metadata", 9], ["get_metadata"]]
    case = Case(metadata=64, payload=PAYLOAD, frames=[100, 200, 300], calls=calls)
    assert trials.attempt(case) == ["ok", "ok", "ok", "ok", "timeout", "ok", "ok"]
