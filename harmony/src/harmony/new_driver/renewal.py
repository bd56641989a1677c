"""A driver that is there is brought up to the contract of today, but for the file of its verbs. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from harmony.errors import ConfigurationError
from harmony.new_driver.language import Language
from harmony.new_driver.languages import LANGUAGES
from harmony.new_driver.remembered import recalled
from harmony.new_driver.rendering import Driver, contract_file, is_generated, render
from harmony.new_driver.shapes import outline
from harmony.new_driver.signature import is_as_made
from harmony.wire.driver_contract import Contract


@dataclass(frozen=True)
class Renewal:
    """What is to be done for a driver, and what its author has to do.

    Attributes:
        files: Those that are to be written, by their path.
        edited: Those of them that somebody has changed since they were generated.
        missing: Verbs of the contract that the author's file has not got, each with its stub.
        unknown: Verbs of the author's file that the contract has not got, as the language spells them.
        changed: Verbs of the author's file that were others when its driver was generated: as they were, and are.
    """

    files: Mapping[str, str]
    edited: tuple[str, ...]
    missing: Mapping[str, str]
    unknown: tuple[str, ...]
    changed: tuple[tuple[str, str], ...]


def language_of(has: Callable[[str], bool], where: str) -> Language:
    """Return the language of the driver in a folder.

    Args:
        has: Whether a file is in it.
        where: The folder, for a person.

    Raises:
        ConfigurationError: There is none, or more than one.
    """
    found = [language for language in LANGUAGES.values() if has(language.verbs)]
    if len(found) == 1:
        return found[0]
    if found:
        names = " and ".join(language.verbs for language in found)
        raise ConfigurationError(f"{where} has {names}", hint="say with --language which of them is the driver")
    expected = ", ".join(language.verbs for language in LANGUAGES.values())
    raise ConfigurationError(
        f"there is no driver in {where}: none of {expected}",
        hint="name its folder with --directory, or leave --renew to write a new one",
    )


def renewal(driver: Driver, contract: Contract, read: Callable[[str], str | None]) -> Renewal:
    """Compare a driver with what would be generated now.

    Args:
        driver: Which.
        contract: What it speaks.
        read: Returns the text of a file of its folder, None if it is not there.

    Raises:
        ConfigurationError: The contract has something that no template can write.
    """
    language = driver.language
    made = render(driver, contract, [])
    files = {path: text for path, text in made.items() if is_generated(path, language) and read(path) != text}
    edited = tuple(path for path in files if not is_as_made(read(path) or files[path]))
    # What lies beside it where it is shared is nobody's: it comes with the first driver.
    files |= {path: made[path] for path in driver.beside if read(path) is None}
    declared = re.compile(language.declared, re.MULTILINE)
    stubs = {verb.name: language.stub(verb) for verb in outline(contract).verbs}
    known = {match[1]: name for name, stub in stubs.items() for match in declared.finditer(stub)}
    has = declared.findall(read(language.verbs) or "")
    missing = {name: stubs[name] for spelled, name in known.items() if spelled not in has}
    place = contract_file(made)
    before, now = recalled(read(place) or ""), recalled(made[place])
    both = [(before[name], now[name]) for name in now if name in before and name not in missing]
    return Renewal(
        files,
        edited,
        missing,
        unknown=tuple(sorted(set(has) - set(known))),
        changed=tuple((old, new) for old, new in both if old != new),
    )
