"""Which role performs which sentence. Pure: a scenario's text decides everything before anything runs."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from harmony.model import ProcessAction
from harmony.spec.gherkin import Scenario, Step
from harmony.spec.sentence import normalised, requires_processes

SOLE_ROLE: Final = "solo"
"""The role of a scenario that names none: it runs in one process."""

_NAME: Final = r"'(?P<role>[^\W\d][\w .-]*)'"
_ROLE_FORMS: Final = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        rf"(?:the|an?) (?P<instance>second|third|fourth|other|another|new|fresh) {_NAME}",
        rf"another {_NAME}",
        rf"the {_NAME} process\b",
        rf"{_NAME} process\b",
        rf"the {_NAME}",
        _NAME,
    )
)
_END: Final = r"the (?:(?P<{0}>second|third|fourth|other) )?'(?P<{1}>[^\W\d][\w .-]*)'"
_NETWORK: Final = re.compile(
    rf"the network between {_END.format('instance', 'role')} and {_END.format('other_instance', 'other_role')}(?: .*)?",
    re.IGNORECASE,
)
_BEFORE: Final = " (before"
_REPLACING: Final = frozenset({"new", "fresh"})
_WAIT: Final = re.compile(r"(?:i |we )?wait for '(\d+(?:\.\d+)?)' seconds?", re.IGNORECASE)
_CONTROL: Final = re.compile(
    r".*'[^']+'(?: process)? (is killed|crashes|is shut ?down|is frozen|is thawed)", re.IGNORECASE
)
OWN_PATTERNS: Final = (_WAIT.pattern, _CONTROL.pattern, "we run in harmony")
"""What harmony does by itself, as regular expressions."""
_ACTIONS: Final = {
    "is killed": ProcessAction.KILL,
    "crashes": ProcessAction.CRASH,
    "is shut down": ProcessAction.SHUTDOWN,
    "is shutdown": ProcessAction.SHUTDOWN,
    "is frozen": ProcessAction.FREEZE,
    "is thawed": ProcessAction.THAW,
}

OWN_SENTENCES: Final = (
    "wait for 'N' seconds",
    "the 'x' process is killed",
    "the 'x' process crashes",
    "the 'x' process is shut down",
    "the 'x' process is frozen",
    "the 'x' process is thawed",
    "we run in harmony",
)
"""What harmony does by itself, with any keyword and without a step definition."""


class Doing(StrEnum):
    """Who does a step."""

    PERFORM = "perform"
    WAIT = "wait"
    CONTROL = "control"
    NETWORK = "network"
    REQUIRE_PROCESSES = "require-processes"


_FATAL: Final = frozenset({ProcessAction.KILL, ProcessAction.CRASH})


@dataclass(frozen=True, slots=True)
class Target:
    """The actor of a sentence.

    Attributes:
        role: The role it plays, in lower case.
        instance: Empty for the role's own actor, ``second`` for one beside it.
        replaces: Whether a new actor takes the place of the one before.
    """

    role: str
    instance: str = ""
    replaces: bool = False

    @property
    def key(self) -> str:
        """Name of the actor within the scenario: ``writer`` or ``writer#second``."""
        return f"{self.role}#{self.instance}" if self.instance else self.role


def role_of(key: str) -> str:
    """Return the role of an actor by its name: of ``writer``, ``writer#second`` and ``writer (before)``."""
    return key.partition("#")[0].partition(_BEFORE)[0]


def replaced_key(key: str, taken: Collection[str]) -> str:
    """Return a name for an actor that another one replaces, which none of its predecessors has."""
    number = sum(one.startswith(f"{key}{_BEFORE}") for one in taken)
    return f"{key}{_BEFORE}{f' {number + 1}' if number else ''})"


@dataclass(frozen=True, slots=True)
class RoutedStep:
    """A step and who does it.

    Attributes:
        step: The step.
        doing: Whether an actor performs it or harmony itself.
        targets: The actors it goes to.
        broadcast: Whether it goes to all roles because none has been named.
        action: For control steps, what is done to the process.
        seconds: For waits, how long.
    """

    step: Step
    doing: Doing
    targets: tuple[Target, ...]
    broadcast: bool = False
    action: ProcessAction | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class ScenarioPlan:
    """A scenario with every step routed.

    Attributes:
        scenario: The scenario.
        roles: The roles it names, alphabetically; one role ``solo`` if it names none.
        steps: Its steps in order.
    """

    scenario: Scenario
    roles: tuple[str, ...]
    steps: tuple[RoutedStep, ...]

    @property
    def deadly(self) -> bool:
        """Whether it kills a process, whose objects nobody can then release."""
        return any(routed.action in _FATAL for routed in self.steps)

    def actions_of(self, role: str) -> tuple[ProcessAction, ...]:
        """Return what the scenario does to the process of a role."""
        return tuple(
            routed.action
            for routed in self.steps
            if routed.action is not None and any(target.role == role for target in routed.targets)
        )


def role_named_in(sentence: str) -> Target | None:
    """Return the actor that a sentence names, or ``None``.

    First match, whatever the case: ``the 'x' process …``, ``'x' process …``, ``the 'x' …``, ``'x' …``, always at the
    beginning; before these, ``a second 'x' process …`` and ``a new 'x' process …``.
    """
    text = normalised(sentence)
    for form in _ROLE_FORMS:
        found = form.match(text)
        if found is None:
            continue
        instance = (found.groupdict().get("instance") or "").lower()
        if form.pattern.startswith("another"):
            instance = "another"
        role = found["role"].lower()
        return Target(role, replaces=True) if instance in _REPLACING else Target(role, instance)
    return None


def ends_named_in(sentence: str) -> tuple[Target, ...]:
    """Return the two actors between which a sentence disturbs the network; nobody, if it is no such sentence.

    It begins with ``the network between the 'x' and the 'y'``, or ``… the second 'y'``. It is performed in the process
    of harmony, wherever the two are played.
    """
    found = _NETWORK.fullmatch(normalised(sentence))
    if found is None:
        return ()
    return (
        Target(found["role"].lower(), (found["instance"] or "").lower()),
        Target(found["other_role"].lower(), (found["other_instance"] or "").lower()),
    )


def roles_of(scenario: Scenario) -> tuple[str, ...]:
    """Return the roles a scenario names, alphabetically; ``solo`` if none."""
    named = (role_named_in(step.text) for step in scenario.steps)
    return tuple(sorted({target.role for target in named if target is not None})) or (SOLE_ROLE,)


def route(scenario: Scenario) -> ScenarioPlan:
    """Route every step of a scenario.

    A step about the network between two roles goes to neither. A step without a role goes to the one named last; before
    any is named, and in a Background, it goes to all. What a Background names is forgotten after it.
    """
    roles = roles_of(scenario)
    everyone = tuple(Target(role) for role in roles)
    last: Target | None = None
    steps: list[RoutedStep] = []
    for step in scenario.steps:
        if ends_named_in(step.text):
            steps.append(RoutedStep(step, Doing.NETWORK, ()))
            continue
        named = role_named_in(step.text)
        if named is not None and not step.background:
            last = Target(named.role, named.instance)
        targets: Sequence[Target] = (named,) if named else everyone if last is None else (last,)
        steps.append(_routed(step, tuple(targets), broadcast=named is None and last is None))
    return ScenarioPlan(scenario, roles, tuple(steps))


def _routed(step: Step, targets: tuple[Target, ...], *, broadcast: bool) -> RoutedStep:
    text = normalised(step.text)
    wait = _WAIT.fullmatch(text)
    if wait:
        return RoutedStep(step, Doing.WAIT, (), seconds=float(wait[1]))
    control = _CONTROL.fullmatch(text)
    if control:
        return RoutedStep(step, Doing.CONTROL, targets, action=_ACTIONS[control[1].lower()])
    if requires_processes(text):
        return RoutedStep(step, Doing.REQUIRE_PROCESSES, targets)
    return RoutedStep(step, Doing.PERFORM, targets, broadcast=broadcast)


def done_by_harmony(sentence: str) -> bool:
    """Whether harmony itself does a sentence, so that it needs no step definition."""
    text = normalised(sentence)
    return bool(_WAIT.fullmatch(text) or _CONTROL.fullmatch(text) or requires_processes(text))
