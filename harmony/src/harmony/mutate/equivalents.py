"""``mutants.toml``: faults that were judged to change nothing, each with a reason. Pure."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from typing import Final, Self

import pydantic
import tomlkit

from harmony.errors import ConfigurationError
from harmony.mutate.fault import Fault
from harmony.suggestion import what_is_wrong

MUTANTS_FILE: Final = "mutants.toml"
"""Its name, in the project's root."""
_MOST_TOLD: Final = 5


class Equivalent(pydantic.BaseModel):
    """A fault without effect.

    It is known by what it does to which line, so that it holds wherever the line goes, and no longer than the line.

    Attributes:
        platform: In whose sources.
        file: Its file.
        text: The line, stripped.
        operator: The class of the fault.
        before: What it replaces.
        after: What stands there then.
        reason: Why nobody can see it.
        name: Which of several faults that are alike, in lines that are alike.
    """

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")

    platform: str
    file: str
    text: str
    operator: str
    before: str
    after: str
    reason: str = pydantic.Field(min_length=1)
    name: str = ""

    def fits(self, fault: Fault) -> bool:
        """Whether it speaks of a fault."""
        told = (self.file, self.text, self.operator, self.before, self.after)
        same = told == (fault.file, fault.text, fault.operator, fault.before, fault.after)
        return same and self.name in {"", fault.name}

    def __str__(self) -> str:
        """Return it for a person."""
        return f"{self.platform}: {self.file}: {self.operator} {self.before!r} -> {self.after!r} in {self.text!r}"


class Equivalents:
    """All of them.

    Args:
        entries: In the order of the file.
        where: The file.
    """

    def __init__(self, entries: Iterable[Equivalent] = (), where: str = MUTANTS_FILE) -> None:
        self._entries = tuple(entries)
        self._where = where

    @classmethod
    def read(cls, text: str, where: str = MUTANTS_FILE) -> Self:
        """Return what a file says.

        Raises:
            ConfigurationError: It says something impossible.
        """
        try:
            told = _File.model_validate(tomllib.loads(text))
        except tomllib.TOMLDecodeError as error:
            raise ConfigurationError(f"{where}: {error}", hint="correct the line") from error
        except pydantic.ValidationError as error:
            detail = error.errors()[0]
            place = ".".join(str(one) for one in detail["loc"])
            wrong = what_is_wrong(detail, Equivalent.model_fields)
            raise ConfigurationError(f"{where}: {place}: {wrong}", hint=f"an entry: {', '.join(_KEYS)}") from error
        return cls(told.equivalent, where)

    def reasons(self, platform: str, faults: Iterable[Fault]) -> Mapping[str, str]:
        """Return the reason of each equivalent, by the name of its fault.

        Args:
            platform: Whose.
            faults: All of its sources, not of a sample.

        Raises:
            ConfigurationError: An entry fits no fault, or more than one.
        """
        known = list(faults)
        entries = [one for one in self._entries if one.platform == platform]
        found = [(one, [fault for fault in known if one.fits(fault)]) for one in entries]
        stale = [str(one) for one, fitting in found if not fitting]
        if stale:
            raise ConfigurationError(
                f"{self._where}: {len(stale)} stale: {_some(stale)}",
                hint="the line has changed: remove the entry, or judge the fault of the line as it is now",
            )
        for one, fitting in found:
            if len(fitting) > 1:
                places = [f"{fault.name} (line {fault.line})" for fault in fitting]
                raise ConfigurationError(
                    f"{self._where}: {one}: fits {len(fitting)} faults: {_some(places)}", hint="add the `name` of one"
                )
        return {fitting[0].name: one.reason for one, fitting in found}


def entry(platform: str, fault: Fault, source: bytes, reason: str) -> str:
    """Return the entry that judges a fault equivalent, to be written into the file.

    Args:
        platform: Whose.
        fault: Which.
        source: The content of its file: where lines are alike, or parts of the line, it needs its name.
        reason: Why nobody can see it.
    """
    made = Equivalent(
        platform=platform,
        file=fault.file,
        text=fault.text,
        operator=fault.operator,
        before=fault.before,
        after=fault.after,
        reason=reason,
    )
    table = tomlkit.table()
    for key in _KEYS:
        table[key] = getattr(made, key)
    lines = [line.strip() for line in source.decode("utf-8", "replace").split("\n")]
    if lines.count(fault.text) > 1 or fault.text.count(fault.before) > 1:
        table["name"] = fault.name
    tables = tomlkit.aot()
    tables.append(table)
    document = tomlkit.document()
    document["equivalent"] = tables
    return tomlkit.dumps(document)


class _File(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid")

    equivalent: list[Equivalent] = []


_KEYS: Final = tuple(key for key in Equivalent.model_fields if key != "name")


def _some(told: list[str]) -> str:
    more = f", and {len(told) - _MOST_TOLD} more" if len(told) > _MOST_TOLD else ""
    return f"{'; '.join(told[:_MOST_TOLD])}{more}"
