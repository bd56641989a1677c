"""What is generated from a contract, before it has a language."""

from __future__ import annotations

import ctypes
from typing import Literal, Protocol

import pytest
from pydantic import BaseModel

from harmony.errors import ConfigurationError
from harmony.new_driver.languages import LANGUAGES
from harmony.new_driver.rendering import Driver as NewDriver
from harmony.new_driver.rendering import entry_of, render
from harmony.new_driver.shapes import Kind, Member, outline
from harmony.wire.driver_contract import Contract, Driver, Structure
from harmony.wire.verb import verb
from new_drivers.contracts import JUKEBOX


def contract_of(port: type = Driver, **structures: Structure) -> Contract:
    return Contract("Odd", "1.0", port, layout=structures)


def test_verbs_that_all_drivers_have_are_not_to_be_filled_in() -> None:
    names = [verb.name for verb in outline(JUKEBOX).verbs]
    assert names == ["select", "match", "shake", "wait", "refuse", "balk", "stumble", "describe"]


def test_parameters_and_results_keep_their_types() -> None:
    verbs = {verb.name: verb for verb in outline(JUKEBOX).verbs}
    assert {name: str(shape) for name, shape in verbs["match"].params} == {
        "type": "text or null",
        "func": "natural or null",
        "new": "text",
        "default": '[{title: text, notes: [integer, …], loud: flag, key: "major" or "minor"}, …] or null',
        "weight": "number",
        "timeout": "number",
    }
    assert verbs["match"].needs == "coins"
    assert str(verbs["select"].result) == "[text, …]"
    assert verbs["refuse"].result.kind is Kind.NOTHING
    assert [record.record for record in outline(JUKEBOX).records] == ["Tune", "Programme"]


class Spoken(BaseModel):
    word: str


class Heard(BaseModel):
    words: list[Spoken]
    loud: bool


class Parrot(Driver, Protocol):
    @verb
    async def say(self, what: Spoken, times: Literal[1, 2], tone: Literal[-1, 1], *, timeout: float = 1.0) -> Heard:
        """Say it."""
        ...


def test_a_choice_of_numbers_is_a_number_and_what_is_answered_alone_is_a_record_too() -> None:
    seen = outline(contract_of(Parrot))
    kinds = {name: shape.kind for name, shape in seen.verbs[0].params}
    assert (kinds["times"], kinds["tone"]) == (Kind.NATURAL, Kind.INTEGER)
    assert [record.record for record in seen.records] == ["Spoken"]
    assert [record.record for record in seen.results] == ["Heard"]
    assert (
        "type Heard struct"
        in render(NewDriver("parrot", LANGUAGES["go"], "."), contract_of(Parrot), [])["contract/contract.go"]
    )


def test_holes_of_structures_are_filled_and_what_is_not_aligned_is_bytes() -> None:
    slot, tight = outline(JUKEBOX).structures
    assert slot.members == (
        Member("kind", 1, word=True),
        Member("padding_1", 3, word=False),
        Member("coins", 4, word=True),
        Member("padding_8", 1, word=False),
        Member("odd", 8, word=False),
        Member("code", 3, word=False),
        Member("half", 2, word=True),
        Member("padding_22", 2, word=False),
        Member("total", 8, word=True),
        Member("padding_32", 8, word=False),
    )
    # A whole of 12 bytes cannot hold a number that is aligned to 8.
    assert tight.members == (Member("wide", 8, word=False), Member("narrow", 4, word=True))


def test_a_compiler_lays_out_members_as_the_contract_says() -> None:
    words = {1: ctypes.c_uint8, 2: ctypes.c_uint16, 4: ctypes.c_uint32, 8: ctypes.c_uint64}
    for laid in outline(JUKEBOX).structures:
        fields = [(one.name, words[one.size] if one.word else ctypes.c_ubyte * one.size) for one in laid.members]
        made = type(laid.name, (ctypes.Structure,), {"_fields_": fields})
        assert ctypes.sizeof(made) == JUKEBOX.layout[laid.name].size
        for name, (offset, size) in JUKEBOX.layout[laid.name].fields.items():
            assert (getattr(made, name).offset, getattr(made, name).size) == (offset, size)


@pytest.mark.parametrize(
    ("structure", "reason"),
    [
        (Structure(size=8, fields={"a": (0, 8), "b": (4, 4)}), "'b' overlaps"),
        (Structure(size=4, fields={"a": (0, 8)}), "8 bytes in a structure of 4"),
        (Structure(size=8, fields={"no-name": (0, 8)}), "'no-name' is no name"),
        (Structure(size=8, fields={"padding_1": (0, 8)}), "'padding_1' is no name"),
    ],
)
def test_what_no_template_can_write_is_refused(structure: Structure, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        outline(contract_of(thing=structure))


class Node(BaseModel):
    children: list[Node]


class Forest(Driver, Protocol):
    @verb
    async def plant(self, root: Node, *, timeout: float = 5.0) -> None:
        """Plant one."""
        ...


def test_a_record_in_itself_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="'Node' holds itself"):
        outline(contract_of(Forest))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_verb_code_and_field_is_written(language: str) -> None:
    driver = NewDriver("sample", LANGUAGES[language], "drivers/sample")
    files = render(driver, JUKEBOX, ["one", "two", "three"])
    text = "\n".join(files.values())
    own = [verb.name for verb in outline(JUKEBOX).verbs]
    for name in (*own, *JUKEBOX.codes, *JUKEBOX.layout["slot"].fields):
        assert name in text
    assert "@@" not in text
    assert entry_of(driver) in files["README.md"]
    assert "    one\n    two\n    three\n" in files["README.md"]
    assert LANGUAGES[language].verbs in files
    assert all(file.endswith("\n") and not file.endswith("\n\n") for file in files.values())
