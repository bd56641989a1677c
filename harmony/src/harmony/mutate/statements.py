"""Faults in statements: statement, return, lock. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from harmony.mutate.spot import Change, Spot

_TRIVIAL: Final = r"\(void\)|_\s*=|super\b|['\"]"
"""Statements without effect, or that must stand where they stand."""
_EMPTY_VALUES: Final = frozenset({"0", "NULL", "nullptr", "nil", "null", "None", "undefined", "default", "{}", "false"})


def statement(spot: Spot) -> Iterator[Change]:
    """Give a statement that is deleted."""
    if spot.kind in spot.language.statements and spot.in_block() and _is_deletable(spot) and not spot.alone():
        yield spot.change("statement", spot.language.empty)


def missing_return(spot: Spot) -> Iterator[Change]:
    """Give a return from within that is missing: the last one of a function is what compilers ask for."""
    if spot.kind not in spot.language.returns:
        return
    whole = spot.up if spot.up and spot.up.kind in spot.language.statements else spot
    if whole.in_block() and not whole.alone() and not _ends_function(whole):
        yield whole.change("return", spot.language.empty)


def early_return(spot: Spot) -> Iterator[Change]:
    """Give a function without result that returns at once."""
    language = spot.language
    if spot.kind not in language.functions or spot.result() not in language.void:
        return
    statements = _body(spot)
    if statements and statements[0].matches("['\"rfb]*[\"']"):
        statements = statements[1:]
    if len(statements) < 2 or any(_gives(one) for one in spot.own()):
        return
    first = statements[0].node
    line = spot.between(spot.source.rfind(b"\n", 0, first.start_byte) + 1, first.start_byte)
    stop = spot.source.find(b"\n", first.start_byte, first.end_byte)
    end = first.end_byte if stop < 0 else stop
    apart = f"\n{line}" if not line.strip() else " " if language.early.endswith(";") else "; "
    yield Change("return", first.start_byte, end, f"{language.early}{apart}{spot.between(first.start_byte, end)}")


def other_value(spot: Spot) -> Iterator[Change]:
    """Give a return whose value is none: of a truth the other one, else the zero of the result's type."""
    language = spot.language
    if spot.kind in language.returns:
        values, function = spot.named, spot.function()
        if len(values) == 1 and values[0].kind == "expression_list":
            values = values[0].named
    elif language.tail and spot.kind in language.functions:
        body = _body(spot)
        values, function = body[-1:], spot
        if not body or body[-1].kind in language.kept | language.skipped or not _is_expression(body[-1]):
            return
    else:
        return
    types = _types(function) if function else []
    for at, value in enumerate(values):
        text = value.text
        if text in language.truths:
            yield value.change("return", language.truths[text])
        elif len(types) == len(values) and text not in _EMPTY_VALUES and "string" not in value.kind:
            zero = language.zero(types[at])
            if zero and zero != text:
                yield value.change("return", zero)


def lock(spot: Spot) -> Iterator[Change]:
    """Give a lock that is not taken: a pair of calls, a declaration, a statement or a word."""
    language = spot.language
    if spot.kind in language.functions:
        yield from _pairs(spot)
    elif spot.kind in language.guards and re.fullmatch(language.guards[spot.kind], spot.text, re.DOTALL):
        yield spot.change("lock", language.empty)
    elif spot.kind in language.guarded:
        body = spot.field("body") or spot.named[-1]
        head = spot.between(spot.node.start_byte, body.node.start_byte).rstrip()
        if re.fullmatch(language.guarded[spot.kind], head):
            end = spot.node.start_byte + len(head.encode())
            yield Change("lock", spot.node.start_byte, end, language.unguarded)


def modifier(spot: Spot) -> Iterator[Change]:
    """Give a word of a declaration that is missing."""
    if spot.kind in spot.language.modifiers and spot.up and spot.up.kind.startswith("modifier"):
        yield spot.change(spot.language.modifiers[spot.kind], "")


def _pairs(function: Spot) -> Iterator[Change]:
    calls = [(one, called) for one in function.own() if (called := _locking(one))]
    for at, (first, (receiver, name)) in enumerate(calls):
        unlock = function.language.unlocking(name)
        if unlock is None:
            continue
        dropped = [first]
        for other, (whose, what) in calls[at + 1 :]:
            if whose != receiver:
                continue
            if what == name:
                break
            if what == unlock:
                dropped.append(other)
        if len(dropped) > 1:
            start, end = first.node.start_byte, dropped[-1].node.end_byte
            ends = [start, *(edge for one in dropped for edge in (one.node.start_byte, one.node.end_byte))][1:]
            kept = [function.between(*edge) for edge in zip(ends[1::2], ends[2::2], strict=False)]
            yield Change("lock", start, end, function.language.empty.join(["", *kept, ""]))


def _locking(spot: Spot) -> tuple[str, str] | None:
    """Return what a statement locks or unlocks, and the name of the call."""
    language = spot.language
    if not language.locks or spot.kind not in language.statements or len(spot.named) != 1:
        return None
    call = spot.named[0]
    if call.kind == "await" and call.named:
        call = call.named[0]
    if call.kind not in language.calls:
        return None
    callee = call.callee()
    receiver, _, name = callee.rpartition(".") if "." in callee else callee.rpartition("->")
    known = language.unlocking(name) or any(re.fullmatch(_shape(one), name) for one in language.locks.values())
    return (f"{receiver}({','.join(one.text for one in call.given())})", name) if known else None


def _shape(template: str) -> str:
    """Return the pattern of names that a template of `Language.locks` makes."""
    return re.sub(r"\\\d", r"\\w*", template)


def _is_deletable(spot: Spot) -> bool:
    language = spot.language
    inner = spot.named[0] if spot.named else None
    if spot.matches(_TRIVIAL) or _locking(spot):
        return False
    if inner is None:
        return not spot.matches(";")
    if inner.kind in language.kept or inner.kind in language.returns:
        return False
    if language.tail and not spot.text.endswith(";"):
        return False
    return not (inner.kind in language.declaring and _declares(inner))


def _declares(assignment: Spot) -> bool:
    """Whether this is the first assignment to a name in its function, or one of a class or module."""
    left = assignment.field("left")
    function = assignment.function()
    if assignment.field("type") or function is None:
        return True
    if left is None or left.kind in {"attribute", "subscript"}:
        return False
    block = next((one for one in assignment.ways() if one.kind in {"class_definition", "function_definition"}), None)
    if block is None or block.kind == "class_definition":
        return True
    before = (
        one.field("left")
        for one in function.own()
        if one.kind in assignment.language.declaring and one.node.start_byte < assignment.node.start_byte
    )
    return not any(one and one.text == left.text for one in before)


def _body(function: Spot) -> list[Spot]:
    """Return the statements of a function."""
    body = function.field("body")
    if body is None or body.kind not in function.language.blocks:
        return []
    inner = body.named
    return inner[0].named if len(inner) == 1 and inner[0].kind in function.language.blocks - {"block"} else inner


def _ends_function(spot: Spot) -> bool:
    """Whether it is the last statement of its function."""
    function = spot.function()
    body = _body(function) if function else []
    return bool(body) and body[-1].node == spot.node


def _gives(spot: Spot) -> bool:
    """Whether it is a return with a value, or makes its function a generator."""
    return (spot.kind in spot.language.returns and bool(spot.named)) or spot.kind in {"yield", "yield_expression"}


def _is_expression(spot: Spot) -> bool:
    return not spot.kind.endswith(("_statement", "_declaration", "_item", "label"))


def _types(function: Spot) -> list[str]:
    """Return the types of the results of a function; none if nobody knows."""
    told = function.language.functions[function.kind]
    result = function.field(told) if told else None
    if result and result.kind == "parameter_list":
        types: list[str] = []
        for one in result.named:
            kind = one.field("type")
            names = len(one.node.children_by_field_name("name"))
            types += [kind.text if kind else ""] * max(1, names)
        return types
    text = function.result()
    return [] if text is None else [text]
