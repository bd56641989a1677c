"""C#."""

from __future__ import annotations

from typing import Final

from harmony.mutate.language import Language

CSHARP: Final = Language(
    name="C#",
    module="tree_sitter_c_sharp",
    suffixes=(".cs",),
    infix=frozenset(
        {"binary_expression", "assignment_expression", "postfix_unary_expression", "prefix_unary_expression"}
    ),
    unary=frozenset({"prefix_unary_expression"}),
    conditions={
        "if_statement": "condition",
        "while_statement": "condition",
        "do_statement": "condition",
        "for_statement": "condition",
        "conditional_expression": "condition",
    },
    branches=frozenset({"if_statement"}),
    statements=frozenset({"expression_statement", "throw_statement"}),
    blocks=frozenset({"block", "switch_section"}),
    functions={
        "method_declaration": "returns",
        "local_function_statement": "type",
        "operator_declaration": "type",
        "constructor_declaration": "",
        "accessor_declaration": "",
        "lambda_expression": "",
        "anonymous_method_expression": "",
    },
    void=frozenset({"void"}),
    zeros=(
        ("bool", "false"),
        ("s?byte|u?short|u?int|u?long|float|double|decimal", "0"),
        (r"(void|Task|ValueTask|IEnumerable<.*|IEnumerator<.*|var)", ""),
        (r"(.+)", r"default(\1)"),
    ),
    calls=frozenset({"invocation_expression"}),
    arguments=frozenset({"argument_list"}),
    numbers=frozenset({"integer_literal", "real_literal"}),
    skipped=frozenset(
        {
            "array_type",
            "attribute_list",
            "character_literal",
            "comment",
            "delegate_declaration",
            "enum_declaration",
            "extern_alias_directive",
            "interface_declaration",
            "interpolated_string_expression",
            "parameter_list",
            "raw_string_literal",
            "string_literal",
            "type_argument_list",
            "using_directive",
            "verbatim_string_literal",
        }
    ),
    empty=";",
    ordered_calls=(
        (r"(System\.Threading\.)?Volatile\.Read", "{0}"),
        (r"(System\.Threading\.)?Volatile\.Write", "{0} = {1}"),
    ),
    locks={"Enter": "Exit", "WaitOne": "ReleaseMutex"},
    guarded={"lock_statement": ".*"},
    modifiers={"volatile": "order"},
)
