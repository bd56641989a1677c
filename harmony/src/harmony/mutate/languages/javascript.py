"""JavaScript and TypeScript."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from harmony.mutate.language import Language

_SKIPPED: Final = frozenset(
    {
        "comment",
        "export_clause",
        "formal_parameters",
        "hash_bang_line",
        "import_statement",
        "regex",
        "string",
        "template_string",
    }
)
JAVASCRIPT: Final = Language(
    name="JavaScript",
    module="tree_sitter_javascript",
    suffixes=(".js", ".mjs", ".cjs", ".jsx"),
    infix=frozenset({"binary_expression", "augmented_assignment_expression", "update_expression"}),
    unary=frozenset({"unary_expression"}),
    conditions={
        "if_statement": "condition",
        "while_statement": "condition",
        "do_statement": "condition",
        "for_statement": "condition",
        "ternary_expression": "condition",
    },
    unasked=frozenset({"empty_statement"}),
    branches=frozenset({"if_statement"}),
    statements=frozenset({"expression_statement", "throw_statement"}),
    blocks=frozenset({"else_clause", "program", "statement_block", "switch_case", "switch_default"}),
    functions={
        "function_declaration": "return_type",
        "function_expression": "return_type",
        "method_definition": "return_type",
        "arrow_function": "return_type",
        "generator_function_declaration": "",
        "generator_function": "",
    },
    void=frozenset({"", ": void", ": Promise<void>"}),
    zeros=(
        (": boolean", "false"),
        (": number", "0"),
        (": bigint", "0n"),
        (": string", '""'),
        (r": void|: Promise<void>|: asserts .*|: .* is .*", ""),
        (".*", "undefined"),
    ),
    calls=frozenset({"call_expression"}),
    arguments=frozenset({"arguments"}),
    numbers=frozenset({"number"}),
    skipped=_SKIPPED,
    empty=";",
    ordered_calls=((r"Atomics\.load", "{0}[{1}]"), (r"Atomics\.store", "{0}[{1}] = {2}")),
    locks={"lock": "unlock", "acquire": "release"},
)
TYPESCRIPT: Final = replace(
    JAVASCRIPT,
    name="TypeScript",
    module="tree_sitter_typescript",
    grammar="language_typescript",
    suffixes=(".ts", ".mts", ".cts"),
    skipped=_SKIPPED
    | {
        "abstract_method_signature",
        "ambient_declaration",
        "decorator",
        "enum_declaration",
        "interface_declaration",
        "type_alias_declaration",
        "type_annotation",
        "type_arguments",
    },
)
TSX: Final = replace(TYPESCRIPT, grammar="language_tsx", suffixes=(".tsx",))
