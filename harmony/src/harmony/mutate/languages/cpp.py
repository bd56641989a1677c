"""C++: what C has, and more."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from harmony.mutate.languages.c import INTEGERS, ORDERS, SKIPPED, C

CPP: Final = replace(
    C,
    name="C++",
    module="tree_sitter_cpp",
    suffixes=(".cpp", ".hpp", ".cc", ".hh", ".cxx", ".hxx", ".ipp", ".tpp"),
    wrappers=frozenset({"parenthesized_expression", "condition_clause"}),
    unasked=frozenset({"declaration", "condition_declaration", "init_statement"}),
    statements=frozenset({"expression_statement", "throw_statement"}),
    functions={"function_definition": "type", "lambda_expression": ""},
    zeros=(
        ("bool", "false"),
        (rf"(std::)?({INTEGERS})", "0"),
        ("float|double", "0.0"),
        (r".*\*", "nullptr"),
        (r"std::optional<.*>", "std::nullopt"),
        (r"(?!auto|decltype|void).*[^&]", "{}"),
    ),
    skipped=SKIPPED
    | {
        "alias_declaration",
        "concept_definition",
        "raw_string_literal",
        "requires_clause",
        "template_argument_list",
        "template_parameter_list",
        "using_declaration",
    },
    unseen=rf"{C.unseen}|(std::)?(cerr|clog|cout)\b",
    never="false && ({})",
    orders={
        **ORDERS,
        **dict.fromkeys(
            (f"std::memory_order::{one}" for one in ("consume", "acquire", "release", "acq_rel", "seq_cst")),
            "std::memory_order::relaxed",
        ),
    },
    ordered_calls=(),
    guards={"declaration": r"(const\s+)?std::(lock_guard|unique_lock|scoped_lock|shared_lock)\b.*"},
)
