"""Go."""

from __future__ import annotations

from typing import Final

from harmony.mutate.language import Language

GO: Final = Language(
    name="Go",
    module="tree_sitter_go",
    suffixes=(".go",),
    infix=frozenset({"binary_expression", "assignment_statement", "inc_statement", "dec_statement"}),
    unary=frozenset({"unary_expression"}),
    conditions={"if_statement": "condition", "for_clause": "condition", "for_statement": "0"},
    branches=frozenset({"if_statement"}),
    unasked=frozenset({"block", "for_clause", "range_clause"}),
    statements=frozenset(
        {
            "expression_statement",
            "assignment_statement",
            "inc_statement",
            "dec_statement",
            "send_statement",
            "go_statement",
            "defer_statement",
        }
    ),
    blocks=frozenset({"block", "statement_list"}),
    functions={"function_declaration": "result", "method_declaration": "result", "func_literal": "result"},
    void=frozenset({""}),
    zeros=(
        ("bool", "false"),
        (r"u?int(8|16|32|64|ptr)?|byte|rune|float(32|64)|time\.Duration", "0"),
        ("string", '""'),
        (r"error|any|\*.*|\[\].*|map\[.*|chan .*|func\(.*|interface\{.*", "nil"),
    ),
    calls=frozenset({"call_expression"}),
    arguments=frozenset({"argument_list"}),
    numbers=frozenset({"int_literal", "float_literal"}),
    skipped=frozenset(
        {
            "array_type",
            "comment",
            "import_declaration",
            "interpreted_string_literal",
            "package_clause",
            "parameter_list",
            "raw_string_literal",
            "rune_literal",
            "type_declaration",
        }
    ),
    early="return",
    ordered_calls=(
        (r"atomic\.Load(U?[Ii]nt(32|64)|Uintptr|Pointer)", "*({0})"),
        (r"atomic\.Store(U?[Ii]nt(32|64)|Uintptr|Pointer)", "*({0}) = {1}"),
    ),
    locks={r"(R?)Lock": r"\1Unlock", r"(r?)lock": r"\1unlock"},
)
