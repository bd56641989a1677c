"""Topics and the filters that match them."""

from __future__ import annotations


def valid(name: str) -> bool:
    """Return whether a filter is one: wildcards have a level of their own, and ``#`` the last."""
    levels = name.split("/")
    if name.startswith("$share/") and (len(levels) < 3 or not levels[1] or set("+#") & set(levels[1])):
        return False
    return (
        bool(name)
        and "#" not in "/".join(levels[:-1])
        and all(level in {"+", "#"} or not set("+#") & set(level) for level in levels)
    )


def shared(name: str) -> tuple[str, str]:
    """Return the share of a filter, empty if it is none, and what it matches."""
    if name.startswith("$share/"):
        _, share, rest = name.split("/", 2)
        return share, rest
    return "", name


def matches(name: str, topic: str) -> bool:
    """Return whether a filter, of no share, matches a topic."""
    levels, names = name.split("/"), topic.split("/")
    if topic.startswith("$") and levels[0] in {"+", "#"}:
        return False
    for place, level in enumerate(levels):
        if level == "#":
            return True  # the parent, too: there may be no level left
        if place >= len(names) or level not in {"+", names[place]}:
            return False
    return len(levels) == len(names)
