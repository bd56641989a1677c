from __future__ import annotations

from pathlib import Path

import pytest

from harmony.config import Platform, Settings
from harmony.plan.pairing import PairingRequest, UnknownPairingError, requested
from harmony.plan.platforms import NamedPlatforms

HERE = Path("/somewhere/else")
GO = Platform(
    command=("bin/go",),
    contract="steps",
    build=("make",),
    sources=("*.go",),
    requires={"go": "golang"},
    directory=Path("go"),
    capabilities=frozenset({"duplex"}),
    environment={"A": "1"},
)


def settings(contract: str = "steps.port:CONTRACT") -> Settings:
    return Settings.model_validate(
        {"driver": {"contract": contract}, "platforms": {"go": GO, "tin": {"command": ["tin"]}}}
    )


def test_what_is_brought_starts_where_it_was_named() -> None:
    named = NamedPlatforms.of(["mine=build/run --fast ./data 'a b' x/y", "tool=sh"], HERE)
    assert named.brought["mine"] == (f"{HERE}/build/run", "--fast", f"{HERE}/data", "a b", "x/y")
    assert named.brought["tool"] == ("sh",)


@pytest.mark.parametrize("entry", ["", "=x", "mine=", "mine= ", "a b", "mine='x"])
def test_what_names_no_platform_is_refused(entry: str) -> None:
    with pytest.raises(UnknownPairingError):
        NamedPlatforms.of([entry], HERE)


def test_a_platform_of_that_name_keeps_its_claims_and_loses_its_build() -> None:
    """What was built from other sources would be refused in place of the program that was brought."""
    go = NamedPlatforms.of(["go=/my/go"], HERE).added_to(settings()).platforms["go"]
    assert (go.command, go.contract, go.capabilities, go.environment) == (
        ("/my/go",),
        "driver",
        {"duplex"},
        {"A": "1"},
    )
    assert (go.build, go.sources, go.requires, go.directory) == ((), (), {}, Path())


def test_without_a_contract_it_is_a_step_worker() -> None:
    assert NamedPlatforms.of(["mine=/x"], HERE).added_to(settings("")).platforms["mine"].contract == "steps"


def test_what_is_chosen_must_be_there() -> None:
    with pytest.raises(UnknownPairingError, match="did you mean 'tin'"):
        NamedPlatforms.of(["tim"], HERE).added_to(settings())
    assert NamedPlatforms.of(["mine", "mine=/x"], HERE).added_to(settings())


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ((), "go_go go_tin tin_go tin_tin mine_mine go_mine mine_go mine_tin tin_mine"),
        (("go",), "go_go"),
        (("go", "tin"), "go_go go_tin tin_go tin_tin"),
        (("mine=/x",), "mine_mine go_mine mine_go mine_tin tin_mine"),
        (("mine=/x", "go"), "mine_mine go_mine mine_go"),
        (("mine=/x", "mine"), "mine_mine"),
    ],
)
def test_which_pairings_are_meant(entries: tuple[str, ...], words: str) -> None:
    named = NamedPlatforms.of(entries, HERE)
    request = PairingRequest(among=named.chosen, featuring=tuple(named.brought))
    found = [pairing.word for pairing in requested(["reader", "writer"], ["go", "mine", "tin"], request)]
    assert sorted(found) == sorted(words.split())


def test_only_what_can_play_is_built() -> None:
    platforms = ["a", "b", "c"]
    assert PairingRequest().possible(platforms) == {"a", "b", "c"}
    assert PairingRequest(words=["a_b"]).possible(platforms) == {"a", "b"}
    assert PairingRequest(among={"c"}).possible(platforms) == {"c"}
    assert PairingRequest(featuring=("c",)).possible(platforms) == {"a", "b", "c"}
    assert PairingRequest(roles={"x": "b"}).possible(platforms) == {"a", "b", "c"}
