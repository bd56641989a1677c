from __future__ import annotations

from pathlib import Path

import pytest

from harmony.config import Settings
from harmony.plan.pairing import PairingRequest, UnknownPairingError, requested
from harmony.plan.platforms import NamedPlatforms, playing, strength_of
from harmony.platform_settings import Platform

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


ROLES = Settings.model_validate(
    {
        "pairings": "pairwise",
        "platforms": {
            "hub": {"command": ["hub"], "plays": ["Broker"]},
            "tin": {"command": ["tin-{version}"], "plays": ["sender"], "versions": ["2.9", "2.10"]},
            "slow": {"command": ["slow"], "opt_in": True},
        },
    }
)


def test_who_is_on_request_plays_where_he_is_named_in_any_way() -> None:
    def names(**more: object) -> list[str]:
        return list(playing(ROLES.platforms, PairingRequest(**more)))  # type: ignore[arg-type]

    assert names() == ["hub", "tin"]
    assert names(words=["hub_tin@2.10"]) == ["hub", "tin", "tin@2.10"]
    assert names(roles={"sender": "slow"}) == ["hub", "tin", "slow"]
    assert names(among={"tin@2.9", "hub"}) == ["hub", "tin", "tin@2.9"]


@pytest.mark.parametrize(
    "request_", [PairingRequest(roles={"sender": "hub"}), PairingRequest(["sender=hub,broker=hub"])]
)
def test_a_role_that_one_does_not_play_is_refused_with_who_does(request_: PairingRequest) -> None:
    with pytest.raises(UnknownPairingError, match="hub does not play the role 'sender': it plays broker") as caught:
        playing(ROLES.platforms, request_)
    assert caught.value.hint == "this role is played by tin, tin@2.9, tin@2.10, slow"


def test_the_command_line_has_the_last_word_on_how_many_pairings() -> None:
    every = ROLES.model_copy(update={"pairings": "every"})
    assert [strength_of(one, few=False, every=False) for one in (ROLES, every)] == [2, 0]
    assert [strength_of(every, few=True, every=False), strength_of(ROLES, few=False, every=True)] == [2, 0]
    with pytest.raises(UnknownPairingError, match="opposites"):
        strength_of(ROLES, few=True, every=True)


def test_what_is_brought_plays_every_role_by_its_own_command_with_the_claims_of_that_name() -> None:
    """A command or a version of the project would be that of another program."""
    roles = {"hub": {"command": ["hub"], "capabilities": ["v5"]}, "ear": {"command": ["ear"]}}
    entry = {
        "command": ["x"],
        "plays": ["hub", "ear"],
        "roles": roles,
        "version": {"command": ["v"]},
        "family": "metal",
    }
    before = Settings.model_validate({"platforms": {"tin": entry}})
    tin = NamedPlatforms.of(["tin=/my/tin"], HERE).added_to(before).platforms["tin"]
    assert (tin.commands, tin.version, tin.plays, tin.family) == ((("/my/tin",),), None, ("hub", "ear"), "metal")
    assert tin.claims("v5", "hub")
    assert not tin.claims("v5", "ear")


def test_a_version_may_be_brought_or_chosen() -> None:
    assert NamedPlatforms.of(["tin@2.10", "tin@mine=./x"], HERE).brought == {"tin@mine": ("/somewhere/else/x",)}
