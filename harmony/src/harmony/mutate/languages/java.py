"""Java."""

from __future__ import annotations

from typing import Final

from harmony.mutate.language import Language

JAVA: Final = Language(
    name="Java",
    module="tree_sitter_java",
    suffixes=(".java",),
    infix=frozenset({"binary_expression", "assignment_expression", "update_expression"}),
    unary=frozenset({"unary_expression"}),
    conditions={
        "if_statement": "condition",
        "while_statement": "condition",
        "do_statement": "condition",
        "for_statement": "condition",
        "ternary_expression": "condition",
    },
    branches=frozenset({"if_statement"}),
    statements=frozenset({"expression_statement", "throw_statement"}),
    blocks=frozenset({"block", "constructor_body", "switch_block_statement_group"}),
    functions={"method_declaration": "type", "constructor_declaration": "", "lambda_expression": ""},
    void=frozenset({"void"}),
    zeros=(
        ("boolean", "false"),
        ("byte|short|int|long|float|double|char", "0"),
        ("void", ""),
        (".+", "null"),
    ),
    calls=frozenset({"method_invocation"}),
    arguments=frozenset({"argument_list"}),
    numbers=frozenset(
        {
            "binary_integer_literal",
            "decimal_floating_point_literal",
            "decimal_integer_literal",
            "hex_integer_literal",
            "octal_integer_literal",
        }
    ),
    skipped=frozenset(
        {
            "annotation",
            "annotation_type_declaration",
            "block_comment",
            "character_literal",
            "enum_constant",
            "formal_parameters",
            "import_declaration",
            "line_comment",
            "marker_annotation",
            "package_declaration",
            "string_literal",
            "type_arguments",
        }
    ),
    empty=";",
    early="if (true) return;",
    orders={"getAcquire": "get", "getVolatile": "get", "setRelease": "set", "setVolatile": "set"},
    locks={"lock": "unlock", "acquire": "release"},
    guarded={"synchronized_statement": ".*"},
    modifiers={"synchronized": "lock", "volatile": "order"},
)
