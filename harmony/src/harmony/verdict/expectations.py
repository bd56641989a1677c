"""What is known to fail, in one TOML file; the only place that reads it. Pure: read, match, judge, rewrite.

An entry excuses; so it must be true. One that matches no cell, has begun to pass, or has expired is red. A leak comes
and goes: an entry for leaks excuses them where they occur, and is red only if none of a whole run does.
"""

from __future__ import annotations

import datetime as dt
import fnmatch
import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal, Self

import pydantic
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from harmony import patterns
from harmony.errors import ConfigurationError, Place
from harmony.model import Phase, Verdict
from harmony.plan.cells import Cell
from harmony.plan.pairing import Pairing
from harmony.platform_settings import base_name
from harmony.spec.gherkin import Scenario
from harmony.state import read_whole
from harmony.suggestion import did_you_mean, what_is_wrong
from harmony.verdict.events import CellFinished
from harmony.verdict.verdicts import FAILING

if TYPE_CHECKING:
    from tomlkit import TOMLDocument
    from tomlkit.items import Table

EXPECTATIONS_FILE: Final = "expectations.toml"
_TABLE: Final = "expect"
_LONGEST_MESSAGE: Final = 160
_INTRODUCTION: Final = (
    "# Cells that are known to fail. `harmony expect --update` rewrites this file after a full run.\n"
)

_Text = Annotated[str, StringConstraints(min_length=1)]


class Expectation(BaseModel):
    """One entry. What it does not name, it does not ask for; together the named fields choose cells.

    Attributes:
        scenario: Number, pattern over numbers, or title: `13.4`, `13.*`.
        role: A role; with `platform`, the role that this platform plays.
        platform: A platform that takes part, in any of its versions (``mochi``) or in one (``mochi@2.7.8``).
        pairing: `python_cpp` or `reader=python,writer=cpp`.
        verdict: How it ends; any failing verdict if absent.
        message: Text that the error contains.
        pattern: Regular expression that is found in the error.
        phase: `leaks`: only what a cell leaves behind; one that leaves nothing passes.
        issue: Where it is worked on.
        reason: Why it fails, for whoever reads the file.
        expires: The last day on which it excuses anything.
        sometimes: Whether its cells pass at times, or with some partners: one that passes is not red then.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    scenario: _Text | None = None
    role: _Text | None = None
    platform: _Text | None = None
    pairing: _Text | None = None
    verdict: Verdict | None = None
    message: _Text | None = None
    pattern: _Text | None = None
    phase: Literal[Phase.LEAKS] | None = None
    issue: _Text | None = None
    reason: _Text | None = None
    expires: dt.date | None = None
    sometimes: bool = False
    place: Place | None = Field(default=None, exclude=True, repr=False)

    @pydantic.model_validator(mode="after")
    def _says_enough(self) -> Self:
        if not (self.scenario or self.role or self.platform or self.pairing):
            raise ValueError("it names no cell: give scenario, role, platform or pairing")
        if not (self.issue or self.reason):
            raise ValueError("it does not say why: give issue or reason")
        if self.sometimes and self.expires is None:
            raise ValueError("with sometimes nobody sees when it is true no more: give expires")
        if self.verdict is not None and self.verdict not in FAILING:
            raise ValueError(f"only a failing verdict can be expected: {', '.join(sorted(FAILING))}")
        return self

    @pydantic.field_validator("pattern")
    @classmethod
    def _compiles(cls, value: str | None) -> str | None:
        try:
            patterns.check(value or "")
        except patterns.PatternError as error:
            raise ValueError(str(error)) from None
        return value

    def chooses(self, names: Iterable[str], pairing: Pairing) -> bool:
        """Return whether it speaks of a cell, given what its scenario is called and who plays."""
        return self.has_players(pairing) and self.has_scenario(names)

    def has_scenario(self, names: Iterable[str]) -> bool:
        """Return whether it speaks of a scenario, given what that is called."""
        return self.scenario is None or any(fnmatch.fnmatchcase(name, self.scenario) for name in names)

    def has_players(self, pairing: Pairing) -> bool:
        """Return whether it speaks of who plays."""
        players = [platform for role, platform in pairing.assigned if self.role is None or role == self.role]
        return (
            bool(players)
            and (self.platform is None or any(self.platform in {one, base_name(one)} for one in players))
            and (self.pairing is None or self.pairing in _called(pairing))
        )

    def describes(self, verdict: Verdict, error: str, phase: Phase | None) -> bool:
        """Return whether a cell has failed in the way it says.

        Raises:
            PatternError: Its pattern does not come to an end.
        """
        return (
            self.verdict in {None, verdict}
            and self.phase in {None, phase}
            and (self.message is None or self.message in error)
            and (self.pattern is None or patterns.found(self.pattern, error) is not None)
        )

    def expired(self, today: dt.date) -> bool:
        """Return whether its last day is over."""
        return self.expires is not None and today > self.expires

    def __str__(self) -> str:
        """Return its place and what it names."""
        named = ", ".join(
            f"{key} = {json.dumps(value, ensure_ascii=False)}"
            for key, value in self.model_dump(include={"scenario", "role", "platform", "pairing", "phase"}).items()
            if value is not None
        )
        return f"{self.place}: {named}" if self.place else named


def _called(pairing: Pairing) -> set[str]:
    """Return what an entry may call a pairing: with versions or without."""
    plain = Pairing(tuple((role, base_name(platform)) for role, platform in pairing.assigned))
    return {pairing.word, str(pairing), plain.word, str(plain)}


_KEYS: Final = tuple(name for name in Expectation.model_fields if name != "place")
_HINT: Final = f"each entry is an [[{_TABLE}]] table with some of these: {', '.join(_KEYS)}"


@dataclass(frozen=True, slots=True)
class Expectations:
    """The entries of one file.

    Attributes:
        file: The file.
        entries: In its order.
        text: Its text.
        begins: The lines, from 0, at which the entries begin, the comments right above them included.
    """

    file: Path
    entries: tuple[Expectation, ...] = ()
    text: str = ""
    begins: tuple[int, ...] = ()

    def judge(
        self, cell: Cell, verdict: Verdict, error: str, today: dt.date, phase: Phase | None = None
    ) -> tuple[Verdict, str]:
        """Return the verdict of a cell in the light of what is expected, and what to say about it."""
        valid = self.about(cell, today)
        always = _always(valid)
        if verdict is Verdict.PASSED and always:
            return Verdict.UNEXPECTED_PASS, f"passes, though expected to fail: remove {always}"
        if verdict not in FAILING:
            return verdict, ""
        said = f"expected to fail, but not like this: {always}" if always else ""
        for entry in valid:
            try:
                if entry.describes(verdict, error, phase):
                    return Verdict.KNOWN_FAILURE, f"known: {entry.issue or entry.reason} ({entry.place})"
            except patterns.PatternError as endless:
                said = f"{entry}: {endless}"
        return verdict, said

    def expect_failure(self, cell: Cell, today: dt.date) -> bool:
        """Return whether a cell that passes is none of what is expected."""
        return _always(self.about(cell, today)) is not None

    def about(self, cell: Cell, today: dt.date) -> list[Expectation]:
        """Return the entries that speak of a cell and have not expired."""
        names = names_of(cell.scenario)
        chosen = [entry for entry in self.entries if entry.chooses(names, cell.pairing)]
        return [entry for entry in chosen if not entry.expired(today)]

    def problems(self, possible: Iterable[Cell], today: dt.date) -> list[str]:
        """Return what is wrong with the entries themselves.

        Args:
            possible: Every cell there could be, not only those that run now.
            today: The day of the run.
        """
        found = [
            f"{entry}: expired on {entry.expires}: look again, and renew or remove it"
            for entry in self.entries
            if entry.expired(today)
        ]
        return found + [f"{entry}: {why}: correct or remove it" for entry, why in self.unmatched(possible)]

    def unmatched(self, possible: Iterable[Cell]) -> list[tuple[Expectation, str]]:
        """Return the entries that speak of no cell, each with the name in it that there is not.

        Args:
            possible: Every cell there could be.
        """
        if not self.entries:
            return []
        pairings: dict[tuple[str, ...], list[Pairing]] = {}
        for cell in possible:
            pairings.setdefault(names_of(cell.scenario), []).append(cell.pairing)
        reasons = ((entry, why_unmatched(entry, pairings)) for entry in self.entries)
        return [(entry, why) for entry, why in reasons if why]

    def idle(self, results: Sequence[CellFinished], today: dt.date) -> list[str]:
        """Return the entries that excuse nothing in a whole run though their cells ran: stale ones.

        A cell that passes is red by itself and not repeated here.
        """
        found: list[str] = []
        for entry in self.entries:
            met = [result for result in results if _met(entry, result)]
            if met and not entry.expired(today) and not any(_excused(entry, one) or _passes(entry, one) for one in met):
                seen = ", ".join(sorted({result.verdict.value for result in met}))
                found.append(f"{entry}: stale: it excuses nothing, its cells are {seen}")
        return found

    def updated(self, results: Sequence[CellFinished], possible: Iterable[Cell], today: dt.date) -> str:
        """Return the text of a file that says what a whole run has seen.

        True entries stay as they are, with their comments, and so do those whose cells did not run. Stale, unmatched
        and expired ones go. What failed without an entry gets one.
        """
        gone = {id(entry) for entry, _ in self.unmatched(possible)}
        excused: set[str] = set()
        for entry in self.entries:
            met = [result for result in results if _met(entry, result)]
            known = [result for result in met if _excused(entry, result)]
            passing = any(_passes(entry, result) for result in met)
            if entry.expired(today) or passing or (met and not known):
                gone.add(id(entry))
            elif id(entry) not in gone:
                excused.update(result.cell for result in known)
        lines = re.split(r"(?<=\n)", self.text)
        head, *blocks = ("".join(lines[slice(*ends)]) for ends in itertools.pairwise([0, *self.begins, len(lines)]))
        kept = [block for entry, block in zip(self.entries, blocks, strict=True) if id(entry) not in gone]
        added = [
            _entry_of(result, today)
            for result in results
            if result.cell not in excused
            and result.verdict is not Verdict.DEVIATES
            and (result.found or result.verdict) in FAILING
        ]
        body = "".join([head or _INTRODUCTION, *kept]).rstrip("\n")
        return "\n\n".join([body, *added]) + "\n"


def read_expectations(file: Path) -> Expectations:
    """Read the file; none is an empty one.

    Raises:
        ConfigurationError: It is not TOML, or an entry is wrong.
    """
    if not file.exists():
        return Expectations(file)
    import tomlkit.exceptions  # noqa: PLC0415 - most runs expect no failure
    import tomlkit.items  # noqa: PLC0415

    try:
        text = read_whole(file)
        document = tomlkit.parse(text)
    except (OSError, UnicodeDecodeError, tomlkit.exceptions.TOMLKitError) as error:
        raise ConfigurationError(f"{file}: {error}", hint=_HINT) from error
    unknown = sorted(set(document) - {_TABLE})
    if unknown:
        near = did_you_mean(unknown[0], [_TABLE])
        raise ConfigurationError(f"{file}: unknown: {', '.join(unknown)}; {near}", hint=_HINT)
    if not isinstance(document.setdefault(_TABLE, tomlkit.aot()), tomlkit.items.AoT):
        raise ConfigurationError(f"{file}: {_TABLE} is no list of [[{_TABLE}]] tables", hint=_HINT)
    problems: list[str] = []
    entries: list[Expectation] = []
    begins: list[int] = []
    for line, comments, table in _tables(document):
        place = Place(file, line)
        begins.append(line - 1 - comments)
        try:
            entries.append(Expectation.model_validate({**table.unwrap(), "place": place}))
        except pydantic.ValidationError as error:
            for item in error.errors():
                parts = (str(place), ".".join(map(str, item["loc"])), what_is_wrong(item, _KEYS))
                problems.append(": ".join(filter(None, parts)))
    if problems:
        raise ConfigurationError("\n".join(problems), hint=_HINT)
    return Expectations(file, tuple(entries), text, tuple(begins))


def why_unmatched(entry: Expectation, pairings: Mapping[tuple[str, ...], Sequence[Pairing]]) -> str:
    """Return why an entry speaks of no cell; nothing if it speaks of one.

    Args:
        entry: The entry.
        pairings: Who can play each scenario, by what the scenario may be called.
    """
    said = "matches no cell: "
    chosen = [there for names, there in pairings.items() if entry.has_scenario(names)]
    if not chosen:
        known = [name for names in pairings for name in names]
        return f"{said}there is no scenario {entry.scenario!r}; " + did_you_mean(
            entry.scenario or "", known, "`harmony scenarios` lists them"
        )
    if any(entry.has_players(one) for one in itertools.chain(*chosen)):
        return ""
    assigned = {role_and_platform for one in itertools.chain(*chosen) for role_and_platform in one.assigned}
    where = f"in scenario {entry.scenario!r}" if entry.scenario else "in any scenario"
    roles = sorted({role for role, _ in assigned})
    if entry.role and entry.role not in roles:
        return f"{said}there is no role {entry.role!r} {where}; {did_you_mean(entry.role, roles)}"
    players = sorted({one for role, one in assigned if entry.role in {None, role}})
    if entry.platform and entry.platform not in {*players, *map(base_name, players)}:
        played = f"plays {entry.role}" if entry.role else "plays"
        return f"{said}no platform {entry.platform!r} {played} {where}; {did_you_mean(entry.platform, players)}"
    words = sorted({one.word for one in itertools.chain(*chosen)})
    return f"{said}nobody plays so {where}; {did_you_mean(entry.pairing or '', words, 'see `harmony run --help`')}"


def _always(entries: Iterable[Expectation]) -> Expectation | None:
    """Return the first entry by which cells fail whenever they run."""
    return next((entry for entry in entries if entry.phase is None and not entry.sometimes), None)


def names_of(scenario: Scenario) -> tuple[str, ...]:
    """Return what an entry may call a scenario."""
    return tuple(name for name in (scenario.number, scenario.base_number, scenario.title) if name)


def _met(entry: Expectation, result: CellFinished) -> bool:
    base = re.match(r"\d+\.\d+", result.number)
    names = [name for name in (result.number, base[0] if base else "", result.title) if name]
    return entry.chooses(names, Pairing.of(result.pairing))


def _excused(entry: Expectation, result: CellFinished) -> bool:
    found = result.found or result.verdict
    return result.verdict is Verdict.KNOWN_FAILURE and entry.describes(found, result.error, result.phase)


def _passes(entry: Expectation, result: CellFinished) -> bool:
    return entry.sometimes or (entry.phase is None and result.verdict is Verdict.UNEXPECTED_PASS)


def _tables(document: TOMLDocument) -> Iterator[tuple[int, int, Table]]:
    """Yield each entry with its line and the number of comments right above it."""
    from tomlkit.items import Comment  # noqa: PLC0415

    # tomlkit counts a comment to what stands before it.
    before = [item for key, item in document.body if key is None]
    text = "".join(item.as_string() for item in before)
    line = 1
    for table in document[_TABLE].body:
        line += text.count("\n")
        comments = itertools.takewhile(lambda item: isinstance(item, Comment), reversed(before))
        yield line, len(list(comments)), table
        before = [item for _, item in table.value.body]
        text = f"\n{table.as_string()}"


def _entry_of(result: CellFinished, today: dt.date) -> str:
    import tomlkit  # noqa: PLC0415

    leaks = result.phase is Phase.LEAKS
    fields = {
        "scenario": result.number or _literal(result.title),
        "pairing": str(Pairing.of(result.pairing)),
        "verdict": (result.found or result.verdict).value,
        # What is left has another name in each run.
        "message": "" if leaks else result.error.partition("\n")[0][:_LONGEST_MESSAGE].strip(),
        "phase": Phase.LEAKS.value if leaks else "",
        "reason": f"recorded on {today} by harmony expect --update",
    }
    return tomlkit.dumps({_TABLE: [{key: value for key, value in fields.items() if value}]}).rstrip("\n")


def _literal(title: str) -> str:
    return re.sub(r"([*?\[])", r"[\1]", title)
