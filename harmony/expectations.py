"""What is known to fail, in one TOML file. Pure: read, match, judge, rewrite.

An entry excuses; so it must be true. One that matches no cell, has begun to pass, or has expired is red.
"""

from __future__ import annotations

import datetime as dt
import fnmatch
import json
import re
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Final

import pydantic
from pydantic import BaseModel, ConfigDict, Field

from harmony.actor import Verdict
from harmony.errors import ConfigurationError
from harmony.events import CellFinished
from harmony.pairing import Pairing
from harmony.planning import Cell

EXPECTATIONS_FILE: Final = "expectations.toml"
FAILING: Final = frozenset({Verdict.FAILED, Verdict.ERRORED, Verdict.CRASHED, Verdict.TIMED_OUT, Verdict.FLAKY})


class Expectation(BaseModel):
    """One entry. What it does not name, it does not ask for; together the named fields choose cells.

    Attributes:
        scenario: Number or pattern over numbers: `13.4`, `13.*`.
        role: A role that `platform` plays; any if absent.
        platform: A platform that takes part.
        pairing: `python_cpp` or `reader=python,writer=cpp`.
        verdict: How it ends; any failing verdict if absent.
        message: Regular expression found in the error.
        issue: Where it is worked on.
        expires: The last day on which it excuses anything.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    scenario: Annotated[str, Field(min_length=1)]
    role: str = ""
    platform: str = ""
    pairing: str = ""
    verdict: Verdict | None = None
    message: str = ""
    issue: str = ""
    expires: dt.date | None = None

    @pydantic.field_validator("verdict")
    @classmethod
    def _failing(cls, value: Verdict | None) -> Verdict | None:
        if value is not None and value not in FAILING:
            raise ValueError(f"only a failing verdict can be expected: {', '.join(sorted(FAILING))}")
        return value

    @pydantic.field_validator("message")
    @classmethod
    def _pattern(cls, value: str) -> str:
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"no regular expression: {error}") from None
        return value

    def chooses(self, number: str, pairing: Pairing) -> bool:
        """Return whether it speaks of this cell."""
        players = [platform for role, platform in pairing.assigned if not self.role or role == self.role]
        return (
            fnmatch.fnmatchcase(number, self.scenario)
            and (not self.pairing or self.pairing in {pairing.word, str(pairing)})
            and bool(players)
            and (not self.platform or self.platform in players)
        )

    def expired(self, today: dt.date) -> bool:
        """Return whether its last day is over."""
        return self.expires is not None and today > self.expires

    def __str__(self) -> str:
        """Return it as a person would name it."""
        named = self.model_dump(exclude_defaults=True, mode="json")
        return ", ".join(f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in named.items())


def read_expectations(file: Path) -> list[Expectation]:
    """Read the file; none is an empty one.

    Raises:
        ConfigurationError: It is not TOML, or an entry is wrong.
    """
    if not file.exists():
        return []
    hint = "each entry is an [[expect]] table; docs/matrix.md lists its fields"
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
        unknown = sorted(set(document) - {"expect"})
        if unknown:
            raise ConfigurationError(f"{file}: unknown {', '.join(unknown)}", hint=hint)
        return [Expectation.model_validate(entry) for entry in document.get("expect", [])]
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"{file}: {error}", hint=hint) from error
    except pydantic.ValidationError as error:
        lines = [f"{file}: {'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()]
        raise ConfigurationError("\n".join(lines), hint=hint) from error


def problems(expectations: Sequence[Expectation], cells: Iterable[Cell], today: dt.date) -> list[str]:
    """Return what is wrong with the entries themselves: unmatched and expired ones.

    Args:
        expectations: The entries.
        cells: Every cell there could be, not only those that run now.
        today: The day of the run.
    """
    every = list(cells)
    found = [f"expired: {entry}" for entry in expectations if entry.expired(today)]
    return found + [
        f"matches no cell: {entry}"
        for entry in expectations
        if not any(entry.chooses(cell.scenario.number, cell.pairing) for cell in every)
    ]


def judge(
    expectations: Sequence[Expectation], cell: Cell, verdict: Verdict, error: str, today: dt.date
) -> tuple[Verdict, str]:
    """Return the verdict of a cell in the light of what is expected, and what to say about it."""
    entries = [
        entry
        for entry in expectations
        if entry.chooses(cell.scenario.number, cell.pairing) and not entry.expired(today)
    ]
    if not entries:
        return verdict, ""
    if verdict is Verdict.PASSED:
        said = f"passes, though it is expected to fail ({entries[0]}): remove the entry"
        return Verdict.UNEXPECTED_PASS, said
    if verdict not in FAILING:
        return verdict, ""
    for entry in entries:
        if (entry.verdict in {None, verdict}) and re.search(entry.message, error):
            return Verdict.KNOWN_FAILURE, f"known: {entry.issue or entry}"
    return verdict, f"it is expected to fail, but differently: {entries[0]}"


def updated(expectations: Sequence[Expectation], results: Sequence[CellFinished]) -> list[Expectation]:
    """Return entries that say what a full run has seen: true ones kept, stale ones dropped, new failures added."""
    kept: list[Expectation] = []
    excused: set[str] = set()
    for entry in expectations:
        met = [
            result
            for result in results
            if entry.chooses(result.number, Pairing.of(result.pairing)) and result.verdict is Verdict.KNOWN_FAILURE
        ]
        passing = any(
            entry.chooses(result.number, Pairing.of(result.pairing)) and result.verdict is Verdict.UNEXPECTED_PASS
            for result in results
        )
        if met and not passing:
            kept.append(entry)
            excused.update(result.cell for result in met)
    added = [
        Expectation(
            scenario=result.number,
            pairing=str(Pairing.of(result.pairing)),
            verdict=Verdict.FAILED if result.verdict is Verdict.KNOWN_FAILURE else result.verdict,
            message=re.escape(result.error.partition("\n")[0][:120]),
        )
        for result in sorted(results, key=lambda result: result.cell)
        if result.cell not in excused and result.verdict in FAILING
    ]
    return kept + added


def dump(expectations: Sequence[Expectation]) -> str:
    """Return the file."""
    parts = ["# Cells that are known to fail. `harmony expect --update` rewrites this file after a full run."]
    for entry in expectations:
        lines = ["[[expect]]"]
        for key, value in entry.model_dump(exclude_defaults=True, mode="json").items():
            text = str(value) if key == "expires" else json.dumps(value, ensure_ascii=False)
            lines.append(f"{key} = {text}")
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"
