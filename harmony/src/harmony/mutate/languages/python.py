"""Python."""

from __future__ import annotations

from typing import Final

from harmony.mutate.language import Language

PYTHON: Final = Language(
    name="Python",
    module="tree_sitter_python",
    suffixes=(".py",),
    infix=frozenset({"binary_operator", "boolean_operator", "comparison_operator", "augmented_assignment"}),
    words={
        "is": ("comparison", "is not"),
        "is not": ("comparison", "is"),
        "in": ("comparison", "not in"),
        "not in": ("comparison", "in"),
        "and": ("condition", "or"),
        "or": ("condition", "and"),
    },
    unary=frozenset({"unary_operator", "not_operator"}),
    conditions={
        "if_statement": "condition",
        "elif_clause": "condition",
        "while_statement": "condition",
        "if_clause": "0",
        "conditional_expression": "1",
    },
    branches=frozenset({"if_statement"}),
    statements=frozenset({"expression_statement", "raise_statement", "delete_statement"}),
    kept=frozenset({"ellipsis", "string", "concatenated_string", "identifier", "yield"}),
    blocks=frozenset({"block"}),
    declaring=frozenset({"assignment"}),
    functions={"function_definition": "return_type", "lambda": ""},
    void=frozenset({"", "None"}),
    zeros=(
        ("bool", "False"),
        ("int", "0"),
        ("float", "0.0"),
        ("str", '""'),
        ("bytes", 'b""'),
        ("None|NoReturn|Never", ""),
        (".*", "None"),
    ),
    calls=frozenset({"call"}),
    arguments=frozenset({"argument_list"}),
    numbers=frozenset({"integer", "float"}),
    truths={"True": "False", "False": "True"},
    skipped=frozenset(
        {
            "comment",
            "concatenated_string",
            "decorator",
            "future_import_statement",
            "import_from_statement",
            "import_statement",
            "lambda_parameters",
            "parameters",
            "string",
            "type",
            "type_alias_statement",
        }
    ),
    unseen=r"if (typing\.)?TYPE_CHECKING\b|if __name__ ==|__\w+__ =|assert\b",
    empty="pass",
    early="return",
    no="not ({})",
    never="False and ({})",
    nots="not",
    locks={"acquire": "release", "lock": "unlock"},
    guarded={"with_statement": r"(?i:(async )?with [\w.]*(lock|mutex)\w*:)|(async )?with [\w.]+\.\w+:"},
    unguarded="if True:",
)
