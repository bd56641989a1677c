"""The words a person says to choose scenarios: a number, a feature, a pattern, a name."""

from __future__ import annotations

import difflib
import fnmatch
import re
from collections.abc import Iterable, Sequence
from typing import Final

from harmony.errors import NothingSelectedError, UnknownSelectionError
from harmony.spec.gherkin import Scenario

_NUMBER: Final = re.compile(r"\d+(\.\d+)*")


def select(scenarios: Sequence[Scenario], words: Iterable[str]) -> list[Scenario]:
    """Return the scenarios that any of the words names, in their order.

    A word is a scenario's number (``1.1``; for an outline all rows, or ``5.6.2`` for one), a feature's number (``4``),
    a pattern over numbers (``13.*``), or part of the name of a feature, its file or a scenario
    (``BasicCommunication``). What a scenario is called in full names nothing else.

    Raises:
        UnknownSelectionError: A word names nothing; the nearest numbers or names are listed.
    """
    chosen: set[str] = set()
    for word in words:
        exactly = [scenario for scenario in scenarios if scenario.id == word]
        found = exactly or [scenario for scenario in scenarios if _names(word, scenario)]
        if not found:
            raise UnknownSelectionError(f"no scenario is called {word!r}", hint=_nearest(word, scenarios))
        chosen.update(_key(scenario) for scenario in found)
    return [scenario for scenario in scenarios if _key(scenario) in chosen]


def require_some(chosen: Sequence[Scenario], opt_in: Iterable[str], asked_for: Iterable[str]) -> list[Scenario]:
    """Return the chosen scenarios that may run: those with an opt-in tag only if it was asked for.

    Raises:
        NothingSelectedError: None is left.
    """
    asked = set(asked_for)
    closed = [tag for tag in opt_in if tag not in asked]
    kept = [scenario for scenario in chosen if not any(tag in scenario.tags for tag in closed)]
    if not kept:
        tags = sorted({tag for scenario in chosen for tag in scenario.tags if tag in closed})
        options = " ".join(f"--with-tag {tag}" for tag in tags)
        raise NothingSelectedError(
            "nothing is selected, and nothing is no success",
            hint=f"what was named runs only on request: add {options}" if tags else "widen the selection",
        )
    return kept


def _names(word: str, scenario: Scenario) -> bool:
    if _NUMBER.fullmatch(word):
        feature = scenario.base_number.partition(".")[0]
        return word in {scenario.number, scenario.base_number} or ("." not in word and word.lstrip("0") == feature)
    if scenario.number and (
        fnmatch.fnmatchcase(scenario.number, word) or fnmatch.fnmatchcase(scenario.base_number, word)
    ):
        return True
    squashed = "" if any(sign in word for sign in "*?[") else _squashed(word)
    return bool(squashed) and any(
        squashed in _squashed(name) for name in (scenario.id, scenario.feature, scenario.place.file.stem)
    )


def _squashed(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


def _key(scenario: Scenario) -> str:
    return f"{scenario.place}"


def _nearest(word: str, scenarios: Sequence[Scenario]) -> str:
    if _NUMBER.match(word):
        numbers = list(dict.fromkeys(scenario.base_number for scenario in scenarios if scenario.base_number))
        wanted = _version(word)
        near = sorted(numbers, key=lambda number: _distance(_version(number), wanted))[:5]
        return f"the nearest are {', '.join(sorted(near, key=_version))}" if near else "no scenario has a number"
    names = {_squashed(name): name for scenario in scenarios for name in (scenario.feature, scenario.name)}
    close = difflib.get_close_matches(_squashed(word), names, n=3, cutoff=0.3)
    return "the nearest are " + ", ".join(repr(names[name]) for name in close) if close else "see `harmony steps`"


def _version(number: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", number))


def _distance(left: tuple[int, ...], right: tuple[int, ...]) -> tuple[int, ...]:
    length = max(len(left), len(right))
    one, other = left + (0,) * (length - len(left)), right + (0,) * (length - len(right))
    return tuple(abs(a - b) for a, b in zip(one, other, strict=True))
