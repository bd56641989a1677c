"""Drivers in Rust."""

from __future__ import annotations

from typing import Final

from harmony.new_driver.language import (
    Fragments,
    Language,
    Pieces,
    Types,
    about,
    about_record,
    commented,
    listed,
    pascal,
    safe,
    words,
)
from harmony.new_driver.shapes import Kind, Laid, Outline, Shape, VerbShape

_RESERVED: Final = words(
    "abstract as async await become box break const continue crate do dyn else enum extern false final fn for gen if "
    "impl in let loop macro match mod move mut override priv pub ref return self static struct super trait true try "
    "type typeof unsafe unsized use virtual where while yield"
)
_WIDTH: Final = 110
_MANY: Final = 7
"""Parameters of which clippy complains when there are more."""

_type: Final = Types(
    {
        Kind.TEXT: "String",
        Kind.FLAG: "bool",
        Kind.INTEGER: "i64",
        Kind.NATURAL: "u64",
        Kind.NUMBER: "f64",
        Kind.NOTHING: "Value",
        Kind.ANY: "Value",
    },
    listed="Vec<{}>",
    optional="Option<{}>",
)


def _named(name: str) -> str:
    return safe(name, _RESERVED)


def _structure(laid: Laid) -> str:
    fields = [
        f"    {'pub ' if not member.padding else ''}{_named(member.name)}: "
        + (f"u{8 * member.size}," if member.word else f"[u8; {member.size}],")
        for member in laid.members
    ]
    return "\n".join(
        [
            f"/// {laid.name}, as all implementations lay it out.",
            "#[repr(C)]",
            f"pub struct {pascal(laid.name)}Structure {{",
            *fields,
            "}",
            "",
        ]
    )


def _layout(laid: Laid) -> str:
    known = [member.name for member in laid.members if not member.padding]
    fields = ",\n".join(f'            {_named(name)} as "{name}"' for name in known)
    return f'        "{laid.name}" = {pascal(laid.name)}Structure {{\n{fields}\n        }}'


def _record(record: Shape) -> str:
    fields = [f"    pub {_named(name)}: {_type(shape)}," for name, shape in record.fields]
    parts = [
        f'            {_named(name)}: part(value, "{name}").map_err(Misfit::inside)?,' for name, _ in record.fields
    ]
    return "\n".join(
        [
            commented(about_record(record), "/// ", _WIDTH),
            f"pub struct {record.record} {{",
            *fields,
            "}",
            "",
            f"impl FromJson for {record.record} {{",
            "    fn from_json(value: &Value) -> Result<Self, Misfit> {",
            f"        Ok({record.record} {{",
            *parts,
            "        })",
            "    }",
            "}",
            "",
        ]
    )


def _verb(verb: VerbShape) -> str:
    params = ["&self", *(f"{_named(name)}: {_type(shape)}" for name, shape in verb.params)]
    return "\n".join(
        [
            commented(about(verb), "    /// ", _WIDTH),
            listed(f"pub fn {_named(verb.name)}(", params, ") -> Answer {", indent="    ", width=_WIDTH),
            "        Err(Failure::NotImplemented)",
            "    }",
        ]
    )


def _default(verb: VerbShape) -> str:
    """Write what a verb does that a driver has not got."""
    params = ["&self", *(f"_{name}: {_type(shape)}" for name, shape in verb.params)]
    head = listed(f"fn {_named(verb.name)}(", params, ") -> Answer {", indent="    ", width=_WIDTH)
    many = "    #[allow(clippy::too_many_arguments)]\n" if len(params) > _MANY else ""
    return f"{many}{head}\n        Err(Failure::NotImplemented)\n    }}"


def _fragments(outline: Outline) -> Fragments:
    return {**_PIECES(outline), "defaults": "\n\n".join(map(_default, outline.verbs))}


def _arm(verb: VerbShape) -> str:
    """Write an arm as rustfmt does: on one line, in a block, or with one argument a line."""
    parts = [f'part(params, "{name}")?' for name, _ in verb.params]
    call = f"verbs.{_named(verb.name)}("
    line = f'        "{verb.name}" => {call}{", ".join(parts)}),'
    if len(line) <= _WIDTH:
        return line
    inner = f"            {call}{', '.join(parts)})"
    if len(inner) <= _WIDTH:
        return "\n".join([f'        "{verb.name}" => {{', inner, "        }"])
    return listed(f'"{verb.name}" => {call}', parts, "),", indent="        ", width=_WIDTH)


def _code(code: str, meaning: str) -> str:
    return f'    /// {meaning}\n    pub const {code.upper()}: &str = "{code}";'


_PIECES: Final = Pieces(_code, _structure, _layout, _record, _verb, _arm)
RUST: Final = Language(
    name="rust",
    title="Rust",
    requires={"cargo": "cargo"},
    command=("{directory}/target/debug/driver",),
    build=("cargo", "build", "--quiet", "--manifest-path", "{directory}/Cargo.toml"),
    sources=("{directory}/src/*.rs", "{directory}/Cargo.toml", "{directory}/Cargo.lock"),
    fragments=_fragments,
    verbs="src/verbs.rs",
    stub=_verb,
    declared=r"^    pub fn (\w+)\([^)]*\) -> Answer",
    ignored=("target/",),
    note=(
        "Lay atomic types over the fields that both sides change (`AtomicU64` has the layout of `u64`). JSON is read "
        "and written by serde_json: the first build fetches it from cargo's registry, in the version that `Cargo.lock` "
        "names, and the next ones need no network. `cargo build --release` and its path are for measurements."
    ),
)
