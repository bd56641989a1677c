"""What the finder must know of a language: kinds of nodes of its grammar, and words of its own. A table, no code."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Final

from harmony.errors import ConfigurationError

if TYPE_CHECKING:
    import tree_sitter

NO_KINDS: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """A language, by the kinds of nodes that its grammar makes.

    Attributes:
        name: For a person.
        module: The package of its grammar.
        grammar: The function of that package that gives it.
        suffixes: Of its files.
        infix: An operator between operands, also one that assigns; and what counts up or down.
        words: Operators of this language alone, with the class of the fault and what they become.
        unary: An operator before its operand.
        conditions: What asks something, and the field with the question, or the place of that child.
        branches: Those of them that do something, or not.
        wrappers: What stands around an expression and is none.
        unasked: Questions that are no expressions, such as ``let`` in Rust.
        statements: What can be deleted.
        kept: What can be no statement to be deleted, and no result of a function to be replaced, as it is more.
        blocks: What holds statements.
        declaring: Assignments whose first one is a declaration.
        returns: A return.
        functions: Functions, and the field with the type of the result; without a name nobody knows it.
        void: Types of functions without a result.
        tail: Whether the last expression of a function is its result.
        zeros: Expression for types of results, by pattern; the groups of the pattern are filled in.
        calls: Calls.
        arguments: Lists of arguments.
        numbers: Literals of numbers.
        truths: Literals and what they become.
        skipped: What holds no faults: imports, texts, types, annotations.
        unseen: Statements that hold none, by pattern.
        empty: What stands for a deleted statement.
        early: A return without a value, as a statement before others.
        no: How a condition is negated.
        never: How it never holds, and is still evaluated by the compiler.
        nots: The operator of negation.
        orders: Names of memory orders, and of the loosened one.
        ordered_calls: Calls that imply an order, by pattern of what is called; and the same without.
        locks: Names that lock, by pattern; and of those that unlock.
        guards: Declarations that hold a lock while they are in scope, and the pattern of their text.
        guarded: Statements that hold a lock while their body runs, and the pattern of what stands before it.
        unguarded: What stands there when they hold none.
        modifiers: Words of a declaration that lock or order, and the class of the fault without them.
    """

    name: str
    module: str
    grammar: str = "language"
    suffixes: Sequence[str]
    infix: frozenset[str]
    words: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    unary: frozenset[str]
    conditions: Mapping[str, str]
    branches: frozenset[str]
    wrappers: frozenset[str] = frozenset({"parenthesized_expression"})
    unasked: frozenset[str] = NO_KINDS
    statements: frozenset[str]
    kept: frozenset[str] = NO_KINDS
    blocks: frozenset[str]
    declaring: frozenset[str] = NO_KINDS
    returns: frozenset[str] = frozenset({"return_statement"})
    functions: Mapping[str, str]
    void: frozenset[str]
    tail: bool = False
    zeros: Sequence[tuple[str, str]] = ()
    calls: frozenset[str]
    arguments: frozenset[str]
    numbers: frozenset[str]
    truths: Mapping[str, str] = field(default_factory=lambda: {"true": "false", "false": "true"})
    skipped: frozenset[str]
    unseen: str = "(?!)"
    empty: str = ""
    early: str = "return;"
    no: str = "!({})"
    never: str = "false && ({})"
    nots: str = "!"
    orders: Mapping[str, str] = field(default_factory=dict)
    ordered_calls: Sequence[tuple[str, str]] = ()
    locks: Mapping[str, str] = field(default_factory=dict)
    guards: Mapping[str, str] = field(default_factory=dict)
    guarded: Mapping[str, str] = field(default_factory=dict)
    unguarded: str = ""
    modifiers: Mapping[str, str] = field(default_factory=dict)

    def parser(self) -> tree_sitter.Parser:
        """Return what reads it.

        Raises:
            ConfigurationError: Its grammar is not installed.
        """
        try:
            import tree_sitter  # noqa: PLC0415 - nothing else needs it

            grammar = getattr(import_module(self.module), self.grammar)
        except ImportError as missing:
            raise ConfigurationError(
                f"harmony mutate takes tree-sitter and its grammar of {self.name} ({self.module.replace('_', '-')})",
                hint="pip install 'harmony-conformance[mutate]'",
            ) from missing
        return tree_sitter.Parser(tree_sitter.Language(grammar()))

    def zero(self, result: str) -> str | None:
        """Return the expression for a type of which a function without thought returns the value."""
        for pattern, zero in self.zeros:
            if found := re.fullmatch(pattern, result):
                return found.expand(zero)
        return None

    def unlocking(self, name: str) -> str | None:
        """Return the name of what unlocks what this name locks."""
        for pattern, unlock in self.locks.items():
            if found := re.fullmatch(pattern, name):
                return found.expand(unlock)
        return None
