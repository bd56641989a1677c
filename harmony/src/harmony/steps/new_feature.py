"""A feature to start from: under the next number, with one scenario that fits what the project has. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harmony.errors import ConfigurationError
from harmony.spec.gherkin import Feature, Scenario, feature_number
from harmony.spec.routing import SOLE_ROLE, roles_of

_FORMS: Final = ("{} ", "{} - ", "Test {}: ", "[{}] ", "{}: ")
"""How a numbered title may begin, where there is none yet to be like."""


@dataclass(frozen=True, slots=True)
class NewFeature:
    """A feature file that is not there yet.

    Attributes:
        name: Of the file.
        text: What it says.
        scenario: The number of its scenario, or its title where scenarios have no numbers.
    """

    name: str
    text: str
    scenario: str


def new_feature(
    title: str,
    features: Sequence[Feature],
    files: Collection[str],
    *,
    numbers: re.Pattern[str] | None,
    roles: Mapping[str, str],
    capabilities: Collection[str] = (),
) -> NewFeature:
    """Return a feature with one scenario: the simplest there is, to be rewritten, or one that needs no step at all.

    Args:
        title: Of the feature and its scenario.
        features: What the project has.
        files: The names of all feature files, those included that are not Gherkin.
        numbers: How a numbered title begins; nothing where scenarios have no numbers.
        roles: The roles that the project declares, and what they mean.
        capabilities: Tags that a platform must claim; a scenario without them is the better one to start from.

    Raises:
        ConfigurationError: The title is none, or nobody knows how numbered titles begin here.
    """
    title = " ".join(title.split())
    if not re.search(r"\w", title):
        raise ConfigurationError(f"{title!r} is no title", hint='write harmony new-feature "What it is about"')
    scenarios = [scenario for feature in features for scenario in feature.scenarios]
    number = _next(scenarios, files)
    taken = {scenario.name for scenario in scenarios}
    name = (
        title
        if title not in taken
        else next(one for count in range(2, len(taken) + 3) if (one := f"{title} ({count})") not in taken)
    )
    begins = f"{number}.1"
    heading = name if numbers is None else f"{_beginning(begins, scenarios, numbers)}{name}"
    named = {role for one in scenarios for role in roles_of(one)} - {SOLE_ROLE}
    known = dict(roles) or dict.fromkeys(sorted(named), "")
    told = [f"{role} ({meaning})" if meaning else role for role, meaning in known.items()]
    model = _model(scenarios, capabilities)
    steps = [str(step) for step in model.steps] if model else _own_steps(known)
    like = f" It is {model.number or repr(model.title)} under another name." if model else ""
    lines = [
        f"Feature: {title}",
        f"  # Roles: {', '.join(told) or 'none yet'}.",
        "  # `harmony steps WORD` finds sentences; `harmony scaffold` writes methods for those without a meaning.",
        "",
        f"  # Put your own sentences here.{like}",
        f"  Scenario: {heading}",
        *(f"    {step}" for step in steps),
        "",
    ]
    return NewFeature(_file_name(title, number, files), "\n".join(lines), begins if numbers is not None else name)


def _next(scenarios: Iterable[Scenario], files: Iterable[str]) -> int:
    of_files = (feature_number(Path(name)) for name in files)
    of_titles = (int(one.number.partition(".")[0]) for one in scenarios if one.number)
    return max([*(one for one in of_files if one is not None), *of_titles], default=0) + 1


def _beginning(number: str, scenarios: Sequence[Scenario], numbers: re.Pattern[str]) -> str:
    """Return a number as titles of this project begin with it."""
    written = [one.title.removesuffix(one.name).replace(one.base_number, "{}", 1) for one in scenarios if one.number]
    for form in (*written[:1], *_FORMS):
        text = form.format(number) if form.count("{}") == 1 else ""
        found = numbers.match(f"{text}Title") if text else None
        if found and found[1] == number:
            return text
    raise ConfigurationError(
        f"no title is known that begins as `number` says: {numbers.pattern!r}",
        hint="write the first feature by hand; the next ones will be like it",
    )


def _model(scenarios: Iterable[Scenario], capabilities: Collection[str]) -> Scenario | None:
    """Return the scenario that is the simplest to start from."""
    fitting = [
        one
        for one in scenarios
        if not one.row and one.steps and not any(step.table or step.doc_string or step.background for step in one.steps)
    ]
    return min(fitting, key=lambda one: (bool(set(one.tags) & set(capabilities)), len(one.steps)), default=None)


def _own_steps(roles: Iterable[str]) -> list[str]:
    """Return sentences that harmony itself performs."""
    return [
        "Given we run in harmony",
        *(f"Then the '{role}' process is shut down" for role in list(roles)[:1] or ["first"]),
    ]


def _file_name(title: str, number: int, files: Collection[str]) -> str:
    """Return a name like those that are there, and that none of them has."""
    numbered = [found for name in sorted(files) if (found := re.match(r"(\d+)([-_. ]?)", name))]
    width, gap = (len(numbered[-1][1]), numbered[-1][2] or "-") if numbered else (2, "-")
    slug = re.sub(r"[\W_]+", "-", title.lower()).strip("-") or "feature"
    before = f"{number:0{width}}{gap}" if numbered or not files else ""
    names = (f"{before}{slug}{count}.feature" for count in ("", *(f"-{one}" for one in range(2, len(files) + 3))))
    return next(name for name in names if name not in files)
