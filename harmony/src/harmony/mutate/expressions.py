"""Faults in expressions: comparison, boundary, arithmetic, condition, constant, arguments, order. Pure."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Final

from harmony.mutate.spot import Change, Spot

_COMPARISONS: Final = {
    "==": "!=",
    "!=": "==",
    "===": "!==",
    "!==": "===",
    "<": ">",
    ">": "<",
    "<=": ">=",
    ">=": "<=",
}
_BOUNDARIES: Final = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}
_COUNTING: Final = {"++": "--", "--": "++"}
_ARITHMETIC: Final = {
    "+": "-",
    "-": "+",
    "*": "/",
    "/": "*",
    "//": "*",
    "%": "*",
    "<<": ">>",
    ">>": "<<",
    ">>>": "<<",
    "&": "|",
    "|": "&",
    "^": "&",
    "&^": "&",
}
_CONNECTIVES: Final = {"&&": "||", "||": "&&"}
_OPERATORS: Final = (
    ("comparison", _COMPARISONS),
    ("boundary", _BOUNDARIES),
    ("arithmetic", _COUNTING | _ARITHMETIC | {f"{one}=": f"{other}=" for one, other in _ARITHMETIC.items()}),
    ("condition", _CONNECTIVES),
)
_COMPLEMENTS: Final = frozenset({"==", "!=", "===", "!==", "is", "is not", "in", "not in"})
"""Comparisons whose fault is their negation, which needs no second fault."""
_NUMBER: Final = re.compile(r"(-?)(?:(0[xX])([0-9a-fA-F_']+)|(0[bB])([01_']+)|(0[oO])([0-7_']+)|([0-9][0-9_']*))(.*)")
_BASES: Final = {"x": (16, "x"), "b": (2, "b"), "o": (8, "o")}


def comparison(spot: Spot) -> Iterator[Change]:
    """Give faults of operators between operands: comparison, boundary, arithmetic, connective."""
    language = spot.language
    if spot.kind not in language.infix:
        return
    for one in spot.below:
        sign = one.kind
        if spot.kind in language.unary and sign not in _COUNTING:
            continue
        if sign in language.words:
            operator, after = language.words[sign]
            yield one.change(operator, after)
        for operator, replaced in _OPERATORS:
            if sign in replaced and not (sign in {"+", "+="} and _has_text(spot)):
                yield one.change(operator, replaced[sign])


def unary(spot: Spot) -> Iterator[Change]:
    """Give faults that leave out a sign or a negation before an operand."""
    if spot.kind not in spot.language.unary or len(spot.below) != 2:
        return
    sign, operand = spot.below
    if operand.kind in spot.language.numbers:
        return
    if sign.kind == spot.language.nots and not _is_condition(spot.wrapped()):
        yield spot.change("condition", operand.text)
    elif sign.kind in {"-", "~"}:
        yield spot.change("arithmetic", operand.text)


def condition(spot: Spot) -> Iterator[Change]:
    """Give a condition that is negated, and one that never holds."""
    language = spot.language
    asked = spot.field(language.conditions[spot.kind]) if spot.kind in language.conditions else None
    if asked is None:
        return
    inner = asked.bare()
    if not inner.node.is_named or inner.kind in language.unasked or inner.text in language.truths:
        return
    if any(one.kind in language.unasked for one in inner.own()):
        return
    text = inner.text
    if inner.kind in language.unary and inner.below[0].kind == language.nots:
        yield inner.change("condition", inner.below[-1].text)
    elif not _is_complemented(inner):
        yield inner.change("condition", language.no.format(text))
    yield inner.change("condition", language.never.format(text))


def constant(spot: Spot) -> Iterator[Change]:
    """Give a number that is one more, and a truth that is none."""
    language = spot.language
    if spot.kind in language.numbers:
        after = increased(spot.text)
        if after and not _is_field(spot):
            yield spot.change("constant", after)
    elif not spot.named and spot.text in language.truths and spot.node.is_named and not _is_returned(spot):
        yield spot.change("constant", language.truths[spot.text])


def arguments(spot: Spot) -> Iterator[Change]:
    """Give two neighbours among the arguments that are names and change places."""
    if spot.kind not in spot.language.calls:
        return
    given = [_inner(one) for one in spot.given()]
    for left, right in itertools.pairwise(given):
        if left.kind == right.kind == "identifier" and left.text != right.text:
            start, end = left.node.start_byte, right.node.end_byte
            between = spot.between(left.node.end_byte, right.node.start_byte)
            yield Change("arguments", start, end, f"{right.text}{between}{left.text}")


def order(spot: Spot) -> Iterator[Change]:
    """Give a memory order that is loosened."""
    language = spot.language
    if language.orders and spot.node.is_named and (loose := language.orders.get(spot.text)):
        # A fence without an order is none: it is deleted as a statement, and some libraries refuse one.
        if not (spot.up and spot.up.text in language.orders) and not any(_is_fence(one) for one in spot.ways()):
            yield spot.change("order", loose)
    elif spot.kind in language.calls:
        for pattern, template in language.ordered_calls:
            if re.fullmatch(pattern, spot.callee()):
                given = [_inner(one).text for one in spot.given()]
                if len(given) >= template.count("{"):
                    yield spot.change("order", template.format(*given))


def increased(number: str) -> str:
    """Return the literal of a number that is one more, in its base and with its suffix; empty if that is not clear."""
    found = _NUMBER.fullmatch(number)
    if not found:
        return ""
    sign, *digits, decimal, rest = found.groups()
    for mark, of_base in zip(digits[::2], digits[1::2], strict=True):
        if mark:
            base, style = _BASES[mark[1].lower()]
            width = len(of_base) if of_base.startswith("0") else 0
            return f"{sign}{mark}{int(_plain(of_base), base) + 1:0{width}{style}}{rest}"
    plain = _plain(decimal)
    if len(plain) > 1 and plain.startswith("0"):
        octal = not rest and set(plain) <= set("01234567")
        return f"{sign}0{int(plain, 8) + 1:o}" if octal else ""
    return f"{sign}{int(plain) + 1}{rest}"


def _plain(digits: str) -> str:
    return digits.replace("_", "").replace("'", "")


def _inner(argument: Spot) -> Spot:
    """Return what is given: in C# it stands in a node of its own, after ``ref`` or not."""
    return argument.named[-1] if argument.kind == "argument" and argument.named else argument


def _has_text(spot: Spot) -> bool:
    """Whether an operand is a text."""
    return any(
        "string" in one.kind or (one.kind in spot.language.infix | spot.language.wrappers and _has_text(one))
        for one in spot.named
    )


def _is_complemented(spot: Spot) -> bool:
    return (
        spot.kind in spot.language.infix
        and len(spot.named) == 2
        and any(one.kind in _COMPLEMENTS for one in spot.below)
    )


def _is_condition(spot: Spot) -> bool:
    up = spot.up
    if up is None or up.kind not in spot.language.conditions:
        return False
    asked = up.field(spot.language.conditions[up.kind])
    return asked is not None and asked.node == spot.node


def _is_returned(spot: Spot) -> bool:
    """Whether it is the value of a return, whose faults have a class of their own."""
    around = spot.wrapped().up
    if around and around.kind == "expression_list":
        around = around.up
    return around is not None and around.kind in spot.language.returns


def _is_field(spot: Spot) -> bool:
    """Whether it is the number of a field, as tuples have it."""
    field = spot.up.field("field") if spot.up else None
    return field is not None and field.node == spot.node


def _is_fence(spot: Spot) -> bool:
    return spot.kind in spot.language.calls and "fence" in spot.callee()
