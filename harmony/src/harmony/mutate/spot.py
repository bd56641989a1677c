"""A node of a syntax tree, with the way that leads to it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node

    from harmony.mutate.language import Language


@dataclass(frozen=True, slots=True)
class Change:
    """What a fault replaces.

    Attributes:
        operator: Its class.
        start: The first byte.
        end: The one behind the last.
        after: What stands there then.
    """

    operator: str
    start: int
    end: int
    after: str


@dataclass(frozen=True, slots=True)
class Spot:
    """A node, and what it stands in.

    Attributes:
        node: The node.
        up: What it stands in; nothing at the top.
        source: The whole file.
        language: Its language.
    """

    node: Node
    up: Spot | None
    source: bytes
    language: Language

    @property
    def kind(self) -> str:
        """The kind of the node."""
        return self.node.type

    @property
    def text(self) -> str:
        """What stands there."""
        return self.between(self.node.start_byte, self.node.end_byte)

    @property
    def below(self) -> list[Spot]:
        """What stands in it, from the left."""
        return [Spot(one, self, self.source, self.language) for one in self.node.children]

    @property
    def named(self) -> list[Spot]:
        """What stands in it and has a name in the grammar, but comments."""
        return [one for one in self.below if one.node.is_named and "comment" not in one.kind]

    def field(self, name: str) -> Spot | None:
        """Return the child of a field, or of a place if the name is a number."""
        if name.isdigit():
            return self.named[int(name)] if int(name) < len(self.named) else None
        node = self.node.child_by_field_name(name)
        return None if node is None else Spot(node, self, self.source, self.language)

    def between(self, start: int, end: int) -> str:
        """Return what stands in the file between two bytes."""
        return self.source[start:end].decode()

    def change(self, operator: str, after: str) -> Change:
        """Return a fault that replaces the whole node."""
        return Change(operator, self.node.start_byte, self.node.end_byte, after)

    def bare(self) -> Spot:
        """Return the expression within parentheses."""
        spot = self
        while spot.kind in self.language.wrappers:
            inner = spot.field("value") or (spot.named[0] if len(spot.named) == 1 else None)
            if inner is None:
                return spot
            spot = inner
        return spot

    def wrapped(self) -> Spot:
        """Return the outermost parentheses around an expression, or itself."""
        spot = self
        while spot.up and spot.up.kind in self.language.wrappers:
            spot = spot.up
        return spot

    def ways(self) -> Iterator[Spot]:
        """Give what it stands in, from the nearest on."""
        spot = self.up
        while spot:
            yield spot
            spot = spot.up

    def function(self) -> Spot | None:
        """Return the function in which it stands."""
        return next((one for one in self.ways() if one.kind in self.language.functions), None)

    def own(self) -> Iterator[Spot]:
        """Give all that stands in it, in order, but what stands in functions within."""
        waiting = self.below[::-1]
        while waiting:
            spot = waiting.pop()
            yield spot
            if spot.kind not in self.language.functions:
                waiting += spot.below[::-1]

    def result(self) -> str | None:
        """Return the type of the result of this function; empty if there is none, None if nobody knows."""
        name = self.language.functions[self.kind]
        if not name:
            return None
        told = self.field(name)
        if told is None:
            return ""
        text = told.text
        inner = self.field("declarator")
        while inner and (inner.kind.endswith(("pointer_declarator", "reference_declarator"))):
            text += "*" if "pointer" in inner.kind else "&"
            inner = inner.field("declarator") or (inner.named[-1] if inner.named else None)
        return text

    def callee(self) -> str:
        """Return what this call calls, as it is written."""
        listed = next((one for one in self.below if one.kind in self.language.arguments), None)
        end = listed.node.start_byte if listed else self.node.end_byte
        return self.between(self.node.start_byte, end).strip()

    def given(self) -> list[Spot]:
        """Return the arguments of this call."""
        listed = next((one for one in self.below if one.kind in self.language.arguments), None)
        return listed.named if listed else []

    def in_block(self) -> bool:
        """Whether it stands where a statement may be missing."""
        if self.up is None:
            return False
        branches = [self.up.node.child_by_field_name(name) for name in ("body", "consequence", "alternative")]
        return self.up.kind in self.language.blocks or self.node in branches

    def alone(self) -> bool:
        """Whether it is all that a condition decides: without it, the condition might as well never hold."""
        spot = self
        while spot.up and spot.up.kind in self.language.blocks and len(spot.up.named) == 1:
            spot = spot.up
        if not spot.up or spot.up.kind not in self.language.branches:
            return False
        return spot.up.field("alternative") is None

    def matches(self, pattern: str) -> bool:
        """Whether a pattern fits the beginning of what stands there."""
        return re.compile(pattern.encode()).match(self.source, self.node.start_byte, self.node.end_byte) is not None
