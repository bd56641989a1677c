"""Why a run is red: its red cells by cause, and by who is in all cells of a cause. Pure: results in, groups out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from harmony.model import Verdict
from harmony.verdict.events import CellFinished
from harmony.verdict.tally import combined
from harmony.verdict.verdicts import MEANINGS, is_red

_GRAVITY: Final = {verdict: rank for rank, verdict in enumerate(MEANINGS)}
_VALUES: Final = (
    (re.compile(r"(?<!\w)'[^'\n]*'(?!\w)|\"[^\"\n]*\""), "'…'"),
    (re.compile(r"\b(?:0x[0-9a-fA-F]+|[0-9a-fA-F]*\d[0-9a-fA-F]*)\b|\d+"), "#"),
    (re.compile(r"#(?:[.,:_/-]?#)+"), "#"),
)
_ANOTHER: Final = "(another)"


@dataclass(frozen=True, slots=True)
class Cause:
    """Cells that ended in one way, but for numbers, names and addresses.

    Attributes:
        verdict: How.
        step: The step that did not pass, without its values.
        text: What was said, without values, roles and platforms.
        cells: In the order of scenarios and pairings.
    """

    verdict: Verdict
    step: str
    text: str
    cells: tuple[CellFinished, ...]

    @property
    def first(self) -> CellFinished:
        """The cell to look at."""
        return self.cells[0]


@dataclass(frozen=True, slots=True)
class Blame:
    """Causes that the same ones are always in.

    Attributes:
        who: What all cells have, and not all cells of the run: ``writer=go``, ``go`` in any role, ``scenario 1.1``.
        of: How many cells of the run have it.
        causes: The largest first; what did not run at last.
    """

    who: tuple[str, ...]
    of: int
    causes: tuple[Cause, ...]

    @property
    def cells(self) -> list[CellFinished]:
        """The cells of all causes."""
        return [cell for cause in self.causes for cell in cause.cells]


def blame(results: Iterable[CellFinished]) -> list[Blame]:
    """Return who and what made cells red, the most cells first; nothing of a run without a red cell."""
    every = combined(results)
    traits = {cell.cell: _traits(cell) for cell in every}
    usual = frozenset.intersection(*traits.values()) if traits else frozenset()
    often = Counter(trait for one in traits.values() for trait in one)
    red = Counter(trait for cell in every if is_red(cell.verdict) for trait in traits[cell.cell])
    joined: dict[frozenset[str], list[Cause]] = {}
    for cause in (part for one in causes(every) for part in _parts(one, every, traits, usual)):
        always = frozenset.intersection(*(traits[cell.cell] for cell in cause.cells)) - usual
        # Who is in red cells only explains them all, however the workers have divided them and what each was told.
        ill = [trait for trait in always if red[trait] == often[trait]]
        most = max((often[trait] for trait in ill), default=0)
        who = plainest(frozenset(trait for trait in ill if often[trait] == most))
        # Who is in every cell of a larger cause explains a smaller one, too.
        who = who or next((known for known in joined if known and known <= always), plainest(always))
        joined.setdefault(who, []).append(cause)
    blames = [
        Blame(
            tuple(sorted(who, key=_rank)),
            sum(who <= one for one in traits.values()),
            tuple(sorted(found, key=lambda one: one.verdict is Verdict.NOT_RUN)),
        )
        for who, found in joined.items()
    ]
    return sorted(blames, key=lambda one: -len(one.cells))


def causes(results: Iterable[CellFinished]) -> list[Cause]:
    """Return the red cells by what happened, the most cells first."""
    found: dict[tuple[Verdict, str, str, str], list[CellFinished]] = {}
    for cell in results:
        if is_red(cell.verdict):
            found.setdefault(way(cell), []).append(cell)
    made = [Cause(verdict, step, text, tuple(cells)) for (verdict, _, step, text), cells in found.items()]
    return sorted(made, key=lambda one: (-len(one.cells), _GRAVITY[one.verdict]))


def way(cell: CellFinished) -> tuple[Verdict, str, str, str]:
    """Return what cells have in common that failed the same way: verdict, code, step and text without values."""
    said = cell.said
    own = {word: _ANOTHER for pair in cell.pairing.items() for word in pair}
    return cell.verdict, cell.code, without_values(cell.step), without_values(said, own)


def without_values(text: str, names: dict[str, str] | None = None) -> str:
    """Return a text in which what differs from cell to cell is replaced: quoted words, numbers, addresses, names."""
    for name, instead in (names or {}).items():
        text = re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", instead, text)
    for pattern, instead in _VALUES:
        text = pattern.sub(instead, text)
    return text


def verdicts(cells: Sequence[CellFinished]) -> str:
    """Return how many ended how: ``5 timed-out, 40 not-run``."""
    found = Counter(cell.verdict for cell in cells)
    return ", ".join(f"{found[verdict]} {verdict}" for verdict in MEANINGS if found[verdict])


def players(pairing: Mapping[str, str]) -> frozenset[str]:
    """Return who plays: each platform in its role, ``writer=go``, and in any, ``go``."""
    return frozenset({*pairing.values(), *(f"{role}={platform}" for role, platform in pairing.items())})


def plainest(traits: frozenset[str]) -> frozenset[str]:
    """Return those that say most: a platform in its role, rather than the platform in any."""
    return traits - {trait.partition("=")[2] for trait in traits}


def _parts(
    cause: Cause, every: Sequence[CellFinished], traits: Mapping[str, frozenset[str]], usual: frozenset[str]
) -> list[Cause]:
    """Return a cause once for each of several players who have it in every cell of its scenarios, whoever else plays.

    Two brokers that do the same wrong thing have no player in common. Each must explain cells of its own, and together
    they must explain all: otherwise nobody is meant.
    """
    if any(
        not trait.startswith("scenario ")
        for trait in frozenset.intersection(*(traits[one.cell] for one in cause.cells)) - usual
    ):
        return [cause]
    scenarios = {one.number or one.title for one in cause.cells}
    red = Counter(trait for one in cause.cells for trait in traits[one.cell])
    often = Counter(trait for one in every if (one.number or one.title) in scenarios for trait in traits[one.cell])
    ill = sorted(trait for trait in red if "=" in trait and 1 < red[trait] == often[trait])
    left, found = list(cause.cells), list[Cause]()
    while left and ill:
        trait = max(ill, key=lambda one: sum(one in traits[cell.cell] for cell in left))
        ill.remove(trait)
        mine = tuple(cell for cell in left if trait in traits[cell.cell])
        if mine:
            found.append(Cause(cause.verdict, cause.step, cause.text, mine))
            left = [cell for cell in left if trait not in traits[cell.cell]]
    whole = sum((one.number or one.title) in scenarios for one in every) == len(cause.cells)
    return [cause] if left or whole else found


def _traits(cell: CellFinished) -> frozenset[str]:
    return players(cell.pairing) | {f"scenario {cell.number or cell.title}"}


def _rank(trait: str) -> tuple[bool, str]:
    return trait.startswith("scenario "), trait
