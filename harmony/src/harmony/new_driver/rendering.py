"""Templates and a contract become the files of a driver. Pure, but for reading the templates of this package."""

from __future__ import annotations

import posixpath
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import PurePosixPath
from string import Template
from typing import Any, Final

from harmony.new_driver.language import Language
from harmony.new_driver.remembered import remembered
from harmony.new_driver.shapes import outline
from harmony.new_driver.signature import is_code, signed
from harmony.wire.driver_contract import Contract

_SUFFIX: Final = ".in"
_EMPTY_LINES: Final = re.compile(r"\n{3,}")
_NOTHING_IN_BRACES: Final = re.compile(r"\{\n\s*\n *\}")


class Place(Template):
    """``@@name`` is a place; the languages have uses of their own for a single dollar."""

    delimiter = "@@"
    idpattern = "[a-z_]+"


@dataclass(frozen=True)
class Driver:
    """One to be made.

    Attributes:
        name: Of the platform.
        language: In which it is written.
        directory: Its folder, as commands in the project's directory name it.
        shared: The folder of what is generated, where several drivers share that; none where it has its own.
    """

    name: str
    language: Language
    directory: str
    shared: str = ""

    @property
    def contract(self) -> str:
        """The folder of what is generated."""
        return self.shared or posixpath.normpath(posixpath.join(self.directory, self.language.generated))

    @property
    def way(self) -> str:
        """The path from its folder to that of what is generated."""
        return posixpath.relpath(self.contract, self.directory)

    @property
    def beside(self) -> Mapping[str, str]:
        """What the folder holds beside what is generated, where several drivers share it."""
        extra = (self.language.shared or {}) if self.shared else {}
        return {posixpath.join(self.way, path): text for path, text in extra.items()}

    def place(self, path: str) -> str:
        """Return where a file of the templates goes, from its folder."""
        if not self.shared or not is_generated(path, self.language):
            return path
        return posixpath.normpath(posixpath.join(self.way, posixpath.relpath(path, self.language.generated or ".")))


def render(driver: Driver, contract: Contract, commands: Sequence[str], verbs: str | None = None) -> dict[str, str]:
    """Return the files of a driver, by their path in its folder. Those that can be renewed are signed.

    Args:
        driver: Which.
        contract: What it will speak.
        commands: Those that come next.
        verbs: What stands in the file of its verbs, instead of stubs.

    Raises:
        ConfigurationError: The contract has something that no template can write.
    """
    language = driver.language
    seen = outline(contract)
    values = {
        **language.fragments(seen),
        **language.reaching(driver.way, bool(driver.shared)),
        "lay": _lay(language) if seen.structures else "",
        "name": driver.name,
        "title": contract.name,
        "version": contract.version,
        "language": language.title,
        "commands": "\n".join(f"    {command}" for command in commands),
        "verbs_file": language.verbs,
        "tools": ", ".join(f"`{tool}` (of Debian: {package})" for tool, package in language.requires.items())
        or "nothing beside Python",
        "entry": entry_of(driver).rstrip(),
        "note": textwrap.fill(language.note, 120, break_long_words=False, break_on_hyphens=False),
        "ignored": "\n".join(language.ignored),
    }
    templates = files("harmony.new_driver") / "templates"
    found = {
        "README.md": (templates / f"README.md{_SUFFIX}").read_text("utf-8"),
        **dict(templates_below(templates / language.name)),
    }
    if language.ignored:
        found[".gitignore"] = "@@ignored"
    made = {driver.place(path): _tidy(path, Place(text).substitute(values)) for path, text in sorted(found.items())}
    made |= driver.beside
    gap = "\n\n" if language.verbs.endswith(".py") else "\n"
    made[contract_file(made)] += gap + remembered(seen.verbs, _sign(language))
    if verbs is not None:
        made[language.verbs] = verbs
    return {path: signed(path, text) if is_generated(path, language) else text for path, text in made.items()}


def is_generated(path: str, language: Language) -> bool:
    """Return whether a file of a driver can be renewed: code, but for the verbs. How it is built is its author's."""
    return is_code(path) and path != language.verbs


def contract_file(paths: Iterable[str]) -> str:
    """Return which of the files of a driver says what the contract says."""
    return next(path for path in paths if PurePosixPath(path).stem.lower() == "contract")


def contract_place(driver: Driver) -> str:
    """Return where the file lies, from the folder of a driver, that says what the contract says."""
    templates = files("harmony.new_driver") / "templates" / driver.language.name
    return driver.place(contract_file(path for path, _ in templates_below(templates)))


def platform_of(driver: Driver) -> dict[str, Any]:
    """Return the platform that a driver becomes."""

    def filled(words: Sequence[str]) -> list[str]:
        places = {"{directory}": driver.directory, "{contract}": driver.contract}
        return [_once(re.sub(r"\{\w+\}", lambda name: places.get(name[0], name[0]), word)) for word in words]

    language = driver.language
    built = {"build": filled(language.build), "sources": filled(language.sources)} if language.build else {}
    requires = {"requires": dict(language.requires)} if language.requires else {}
    return {"contract": "driver", "command": filled(language.command), **built, **requires, "capabilities": []}


def _once(word: str) -> str:
    """Return a search path with each of its folders once."""
    return ":".join(dict.fromkeys(word.split(":")))


def entry_of(driver: Driver) -> str:
    """Return the platform's part of ``harmony.toml``."""
    import tomlkit  # noqa: PLC0415 - few commands need it

    platform = platform_of(driver)
    if "requires" in platform:
        requires = tomlkit.inline_table()
        requires.update(platform["requires"])
        platform["requires"] = requires
    return tomlkit.dumps({"platforms": {driver.name: platform}})


def next_commands(driver: Driver, scenario: str) -> tuple[str, str, str]:
    """Return the three commands that come next.

    Args:
        driver: Which.
        scenario: The first to be played.
    """
    name = driver.name
    return f"harmony build {name}", f"harmony doctor {name}", f"pytest --pairing {name} --scenario {scenario}"


def templates_below(folder: Traversable, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield the templates in a folder: the path of what each becomes, and its text."""
    for item in folder.iterdir():
        if item.is_dir():
            yield from templates_below(item, f"{path}{item.name}/")
        elif item.name.endswith(_SUFFIX):
            yield path + item.name.removesuffix(_SUFFIX), item.read_text("utf-8")


def _sign(language: Language) -> str:
    return "#" if language.verbs.endswith(".py") else "//"


def _lay(language: Language) -> str:
    text = "Lay these structures, and no others, over shared bytes: `hello` tells how each field has been placed."
    return f"{_sign(language)} {text}"


def _tidy(path: str, text: str) -> str:
    """Leave no gap where a contract has nothing to write."""
    most = 3 if path.endswith(".py") else 2
    text = _NOTHING_IN_BRACES.sub("{}", text)
    return _EMPTY_LINES.sub(lambda gap: gap[0][:most], text).strip("\n") + "\n"
