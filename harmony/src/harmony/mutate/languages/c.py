"""C."""

from __future__ import annotations

from typing import Final

from harmony.mutate.language import Language

ORDERS: Final = {
    **dict.fromkeys(
        (f"memory_order_{one}" for one in ("consume", "acquire", "release", "acq_rel", "seq_cst")),
        "memory_order_relaxed",
    ),
    **dict.fromkeys(
        (f"__ATOMIC_{one}" for one in ("CONSUME", "ACQUIRE", "RELEASE", "ACQ_REL", "SEQ_CST")), "__ATOMIC_RELAXED"
    ),
}
INTEGERS: Final = (
    r"(unsigned|signed|short|long|int|char|\s)+|u?int(_fast|_least)?(8|16|32|64|ptr|max)_t|s?size_t|ptrdiff_t|off_t"
)
SKIPPED: Final = frozenset(
    {
        "array_declarator",
        "attribute_declaration",
        "attribute_specifier",
        "char_literal",
        "comment",
        "concatenated_string",
        "enum_specifier",
        "gnu_asm_expression",
        "parameter_list",
        "preproc_call",
        "preproc_def",
        "preproc_function_def",
        "preproc_include",
        "sizeof_expression",
        "static_assert_declaration",
        "string_literal",
        "system_lib_string",
        "type_definition",
        "type_descriptor",
    }
)
C: Final = Language(
    name="C",
    module="tree_sitter_c",
    suffixes=(".c", ".h"),
    infix=frozenset({"binary_expression", "assignment_expression", "update_expression"}),
    unary=frozenset({"unary_expression"}),
    conditions={
        "if_statement": "condition",
        "while_statement": "condition",
        "do_statement": "condition",
        "for_statement": "condition",
        "conditional_expression": "condition",
    },
    branches=frozenset({"if_statement"}),
    statements=frozenset({"expression_statement"}),
    blocks=frozenset({"case_statement", "compound_statement", "else_clause"}),
    functions={"function_definition": "type"},
    void=frozenset({"void"}),
    zeros=(("bool|_Bool", "false"), (INTEGERS, "0"), ("float|double", "0.0"), (r".*\*", "NULL"), (r"(enum )?\w+", "0")),
    calls=frozenset({"call_expression"}),
    arguments=frozenset({"argument_list"}),
    numbers=frozenset({"number_literal"}),
    skipped=SKIPPED | {"struct_specifier", "union_specifier"},
    unseen=r"_Static_assert\b|static_assert\b",
    empty=";",
    never="0 && ({})",
    orders=ORDERS,
    ordered_calls=(
        ("atomic_load", "atomic_load_explicit({0}, memory_order_relaxed)"),
        ("atomic_store", "atomic_store_explicit({0}, {1}, memory_order_relaxed)"),
    ),
    locks={r"(\w*_)?lock": r"\1unlock"},
)
