"""Pairings: which platform plays which role. Pure.

Roles are ordered alphabetically, so `python_cpp` is reader=python, writer=cpp, and client=python, server=cpp.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from harmony.errors import ExitCode, HarmonyError


class UnknownPairingError(HarmonyError):
    """Words that should name platforms do not.

    Way out: join platforms of the project file with `_`, in alphabetical order of their roles, or write
    `role=platform`.
    """

    code = "unknown_pairing"
    exit_code = ExitCode.USAGE


@dataclass(frozen=True, slots=True, order=True)
class Pairing:
    """A platform for each role of a scenario.

    Attributes:
        assigned: Role and platform, by role in alphabetical order.
    """

    assigned: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, platforms: Mapping[str, str]) -> Pairing:
        """Return the pairing of a mapping from role to platform."""
        return cls(tuple(sorted(platforms.items())))

    @property
    def platforms(self) -> dict[str, str]:
        """Platform by role."""
        return dict(self.assigned)

    @property
    def word(self) -> str:
        """The short name: `python_cpp`."""
        return "_".join(platform for _, platform in self.assigned)

    def __str__(self) -> str:
        """Return the long name: `reader=python,writer=cpp`."""
        return ",".join(f"{role}={platform}" for role, platform in self.assigned)


@dataclass(frozen=True, slots=True)
class PairingRequest:
    """What was asked for; everything if nothing was.

    Attributes:
        words: Pairings: `python_cpp`, `python`, or `reader=python,writer=cpp`.
        roles: Platforms that certain roles must have.
        strength: How many roles' platforms must all meet: 2 for each two platforms in each two roles, 1 for each
            platform in each role; 0 for every pairing.
        among: The platforms that alone play; all if there are none.
        featuring: Platforms of which one must play; any may if there are none.
    """

    words: Sequence[str] = ()
    roles: Mapping[str, str] = field(default_factory=dict)
    strength: int = 0
    among: Collection[str] = ()
    featuring: Collection[str] = ()

    def named(self, platforms: Iterable[str]) -> set[str]:
        """Return the platforms that are asked for by name.

        Raises:
            UnknownPairingError: A word names no platforms.
        """
        known = list(platforms)
        named = {*self.roles.values(), *self.among, *self.featuring}
        for word in self.words:
            named |= set(parse_roles([word], known).values() if "=" in word else split_word(word, known))
        return named

    def possible(self, platforms: Iterable[str]) -> set[str]:
        """Return the platforms that can play in what is asked for.

        Raises:
            UnknownPairingError: A word names no platforms.
        """
        known = set(platforms)
        worded = PairingRequest(self.words).named(known) if self.words else known
        return worded & set(self.among or known)


CanPlay = Callable[[str, str], bool]
"""Whether a platform can play a role."""


def any_role(platform: str, role: str) -> bool:
    """Whether a platform of which nothing else is known plays a role: it does."""
    del platform, role
    return True


def every_pairing(roles: Sequence[str], platforms: Sequence[str], can_play: CanPlay = any_role) -> list[Pairing]:
    """Return all platforms for all roles that they can play: of M platforms and N roles up to M^N pairings."""
    ordered = sorted(roles)
    players = ([name for name in sorted(platforms) if can_play(name, role)] for role in ordered)
    return [Pairing(tuple(zip(ordered, chosen, strict=True))) for chosen in itertools.product(*players)]


def pairwise(pairings: Sequence[Pairing]) -> list[Pairing]:
    """Return fewer pairings that still have each pair of assignments which all of them together have.

    Greedy and deterministic: the next one is always the first that brings the most new pairs.
    """
    return list(_covering(tuple(pairings), 2))


def each_once(pairings: Sequence[Pairing], turn: int) -> list[Pairing]:
    """Return few pairings that still have each platform in each role.

    Args:
        pairings: All of them.
        turn: Where to begin, so that another scenario has other partners meet.
    """
    begin = turn % len(pairings) if pairings else 0
    return list(_covering((*pairings[begin:], *pairings[:begin]), 1))


@functools.lru_cache(maxsize=256)
def _covering(pairings: tuple[Pairing, ...], size: int) -> tuple[Pairing, ...]:
    missing = {some for pairing in pairings for some in itertools.combinations(pairing.assigned, size)}
    if not missing:
        return pairings
    chosen: list[Pairing] = []
    left = list(pairings)
    while missing:
        best = max(left, key=lambda pairing: len(missing & set(itertools.combinations(pairing.assigned, size))))
        missing -= set(itertools.combinations(best.assigned, size))
        left.remove(best)
        chosen.append(best)
    return tuple(sorted(chosen))


def split_word(word: str, platforms: Iterable[str]) -> tuple[str, ...]:
    """Return the platforms that a word such as `python_cpp` names; a platform's own name may have underscores.

    Raises:
        UnknownPairingError: It names something else.
    """
    known = sorted(platforms)
    found = _split(word, known)
    if found is None:
        raise UnknownPairingError(f"{word!r} names no pairing", hint=f"join platforms with _: {', '.join(known)}")
    return found


def word_names(pairing: Pairing, platforms: Iterable[str]) -> bool:
    """Whether the word of a pairing names just that one: where `a_b` is a platform, it names no reader=a,writer=b."""
    return split_word(pairing.word, platforms) == tuple(platform for _, platform in pairing.assigned)


def parse_roles(entries: Iterable[str], platforms: Iterable[str]) -> dict[str, str]:
    """Read `reader=python` entries, also several joined with commas.

    Raises:
        UnknownPairingError: One is not of this form, or names an unknown platform.
    """
    known = set(platforms)
    roles: dict[str, str] = {}
    for entry in itertools.chain.from_iterable(text.split(",") for text in entries):
        role, equals, platform = (part.strip() for part in entry.partition("="))
        if not (role and equals) or platform not in known:
            hint = f"write ROLE=PLATFORM with a platform of harmony.toml: {', '.join(sorted(known))}"
            raise UnknownPairingError(f"{entry!r} names no role and platform", hint=hint)
        roles[role.lower()] = platform
    return roles


def requested(
    roles: Sequence[str],
    platforms: Sequence[str],
    request: PairingRequest,
    can_play: CanPlay = any_role,
    turn: int = 0,
) -> list[Pairing]:
    """Return the pairings of a scenario's roles that were asked for; none if the words do not fit its roles.

    A single platform goes for all roles that it can play; whoever can plays the others. A scenario with one role runs
    once on each of the platforms of a longer word.

    Args:
        roles: Of the scenario.
        platforms: All that there are.
        request: What was asked for.
        can_play: Tells who plays what.
        turn: Differs from scenario to scenario; see `each_once`.

    Raises:
        UnknownPairingError: A word names no platforms.
    """
    among = [name for name in platforms if not request.among or name in request.among]
    possible = every_pairing(roles, among, can_play)
    if request.words:
        fitting = [_fitting(word, roles, platforms, can_play) for word in request.words]
        possible = [pairing for pairing in possible if any(fits(pairing) for fits in fitting)]
    fixed = dict(request.roles)
    kept = [
        pairing
        for pairing in possible
        if all(platform == fixed.get(role, platform) for role, platform in pairing.assigned)
        and (not fixed or fixed.keys() & pairing.platforms.keys())
        and (not request.featuring or set(request.featuring) & set(pairing.platforms.values()))
    ]
    if request.strength == 1:
        return each_once(kept, turn)
    return pairwise(kept) if request.strength else kept


def _fitting(word: str, roles: Sequence[str], platforms: Sequence[str], can_play: CanPlay) -> Callable[[Pairing], bool]:
    """Return what tells whether a word means a pairing of these roles."""
    if "=" in word:
        named = Pairing.of(parse_roles([word], platforms))
        return lambda pairing: pairing == named
    chosen = split_word(word, platforms)
    if len(chosen) == 1:
        own = [role for role in roles if can_play(chosen[0], role)]
        return lambda pairing: bool(own) and all(pairing.platforms[role] == chosen[0] for role in own)
    if len(roles) == 1:
        return lambda pairing: pairing.assigned[0][1] in chosen
    return lambda pairing: tuple(platform for _, platform in pairing.assigned) == chosen


def _split(word: str, known: Sequence[str]) -> tuple[str, ...] | None:
    if word in known:
        return (word,)
    for platform in known:
        rest = word.removeprefix(f"{platform}_")
        if rest != word and (found := _split(rest, known)) is not None:
            return (platform, *found)
    return None
