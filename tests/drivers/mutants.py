"""Drivers with one thing wrong: the checks of `tests/drivers/exchange.py` find each, in every language.

The test module of a language says what is changed, and by which check it is found::

    @GO.needs_tools
    class TestBroken(Broken):
        language = GO
        swapped = Swapped("layout.go", ("writerPID …", "readerPID …"), offsets={"writer_pid": 88, "reader_pid": 80})
        mutants = (Mutant("a wrap marker is not counted", Change("ring.go", "count++", ""), found_by=…),)
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Final

import pytest

from harmony import HandshakeError
from step_definitions.child_driver import ChildDriver
from step_definitions.port import DriverError
from tests.drivers.exchange import Exchange
from tests.drivers.language import Language
from tests.drivers.subject import Subject, playing

ATTEMPTS: Final = 5  # what shows in a race alone may be lost once; the driver as it is never shows it


@dataclass(frozen=True)
class Change:
    """A text that stands once in a file of the sources, and what is to stand there."""

    file: str
    old: str
    new: str


@dataclass(frozen=True)
class Mutant:
    """What is wrong, the change that makes it so, the check that finds it, and what that is given."""

    flaw: str
    change: Change
    found_by: Callable[..., None]
    given: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Swapped:
    """Two fields that follow each other in a file, and where they are when the second comes first.

    Attributes:
        file: Where they are declared.
        fields: The lines, without what is between them.
        offsets: Where each field of the control block is then, by its name in the contract.
    """

    file: str
    fields: tuple[str, str]
    offsets: Mapping[str, int]


class Workshop:
    """A copy of the sources with one change at a time: only what the change touches is built again."""

    def __init__(self, copy: Language) -> None:
        self._copy = copy
        self._undo: Callable[[], object] = lambda: None

    def with_change(self, change: Change) -> Language:
        """Build the driver with a change and without the one before it."""
        self._undo()
        file = self._copy.folder / change.file
        text = file.read_text(encoding="utf-8")
        self._undo = lambda: file.write_text(text, encoding="utf-8")
        assert text.count(change.old) == 1, f"{change.file} has changed: look for {change.old!r}"
        file.write_text(text.replace(change.old, change.new), encoding="utf-8")
        self._copy.run(*self._copy.build)
        return self._copy


def handshake_of(language: Language) -> str:
    """Start a driver that is refused at once, and return why."""

    async def meet() -> None:
        driver = await ChildDriver.launch(language.words)
        await driver.end()

    with pytest.raises(HandshakeError) as caught:
        asyncio.run(meet())
    return str(caught.value)


@pytest.mark.nightly
class Broken(Subject):
    """The mutants of a language."""

    swapped: ClassVar[Swapped]
    mutants: ClassVar[Sequence[Mutant]]

    @classmethod
    def pytest_generate_tests(cls, metafunc: pytest.Metafunc) -> None:
        """Make a test of each mutant."""
        if "mutant" in metafunc.fixturenames:
            metafunc.parametrize("mutant", cls.mutants, ids=[mutant.flaw for mutant in cls.mutants])

    @pytest.fixture(scope="class")
    @classmethod
    def workshop(cls, tmp_path_factory: pytest.TempPathFactory) -> Workshop:
        """What builds the mutants."""
        return Workshop(cls.language.copied(tmp_path_factory.mktemp("mutants")))

    def test_fields_in_a_wrong_order_are_refused_by_name(self, workshop: Workshop) -> None:
        first, second = (re.escape(line) for line in self.swapped.fields)
        text = (self.language.folder / self.swapped.file).read_text(encoding="utf-8")
        found = re.search(rf"({first})(\s+)({second})", text)
        assert found, f"{self.swapped.file} has changed: look for {self.swapped.fields}"
        said = handshake_of(workshop.with_change(Change(self.swapped.file, found[0], found[3] + found[2] + found[1])))
        (one, there), (other, here) = self.swapped.offsets.items()
        assert f"oieb.{one} is at offset {there}, expected {here}" in said
        assert f"oieb.{other} is at offset {here}, expected {there}" in said

    def test_a_mutant_is_found(self, mutant: Mutant, workshop: Workshop, name: str) -> None:
        changed = workshop.with_change(mutant.change)
        with pytest.raises((AssertionError, DriverError)):
            for attempt in range(ATTEMPTS):
                mutant.found_by(Exchange(), **mutant.given, play=playing(changed, f"{name}_{attempt}"))
