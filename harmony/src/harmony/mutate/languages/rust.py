"""Rust."""

from __future__ import annotations

from typing import Final

from harmony.mutate.language import Language

RUST: Final = Language(
    name="Rust",
    module="tree_sitter_rust",
    suffixes=(".rs",),
    infix=frozenset({"binary_expression", "compound_assignment_expr"}),
    unary=frozenset({"unary_expression"}),
    conditions={"if_expression": "condition", "while_expression": "condition", "match_pattern": "condition"},
    branches=frozenset({"if_expression"}),
    unasked=frozenset({"let_condition", "let_chain"}),
    statements=frozenset({"expression_statement"}),
    kept=frozenset(
        {
            "async_block",
            "block",
            "break_expression",
            "const_block",
            "continue_expression",
            "for_expression",
            "if_expression",
            "loop_expression",
            "match_expression",
            "unsafe_block",
            "while_expression",
        }
    ),
    blocks=frozenset({"block"}),
    returns=frozenset({"return_expression"}),
    functions={"function_item": "return_type", "closure_expression": ""},
    void=frozenset({"", "()"}),
    tail=True,
    zeros=(
        ("bool", "false"),
        ("[ui](8|16|32|64|128|size)", "0"),
        ("f(32|64)", "0.0"),
        ("String", "String::new()"),
        ("Vec<.*", "Vec::new()"),
        ("Option<.*", "None"),
        (r"(\w+::)*Result<\(\).*", "Ok(())"),
        (r"(\w+::)*Result<bool\b.*", "Ok(false)"),
        (r"(\w+::)*Result<[ui](8|16|32|64|128|size)\b.*", "Ok(0)"),
        (r"(\w+::)*Result<Option<.*", "Ok(None)"),
    ),
    calls=frozenset({"call_expression", "macro_invocation"}),
    arguments=frozenset({"arguments"}),
    numbers=frozenset({"integer_literal", "float_literal"}),
    skipped=frozenset(
        {
            "array_type",
            "attribute_item",
            "block_comment",
            "char_literal",
            "enum_item",
            "extern_crate_declaration",
            "foreign_mod_item",
            "inner_attribute_item",
            "line_comment",
            "macro_definition",
            "macro_invocation",
            "parameters",
            "raw_string_literal",
            "string_literal",
            "struct_item",
            "type_arguments",
            "type_item",
            "use_declaration",
        }
    ),
    orders=dict.fromkeys(("Acquire", "Release", "AcqRel", "SeqCst"), "Relaxed"),
    guards={"let_declaration": r"let\s+(mut\s+)?_\w*\s*=[^;]*\.(lock|read|write)\(\)[^;]*;"},
)
