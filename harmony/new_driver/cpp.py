"""Drivers in C++."""

from __future__ import annotations

from typing import Final

from harmony.new_driver.language import (
    Fragments,
    Language,
    about,
    about_record,
    commented,
    pascal,
    safe,
    words,
)
from harmony.new_driver.shapes import Kind, Laid, Outline, Shape, VerbShape

_RESERVED: Final = words(
    "alignas alignof and and_eq asm auto bitand bitor bool break case catch char char16_t char32_t char8_t "
    "class co_await co_return co_yield compl concept const const_cast consteval constexpr constinit continue "
    "decltype default delete do double dynamic_cast else enum explicit export extern false float for friend "
    "goto if inline int long mutable namespace new noexcept not not_eq nullptr operator or or_eq private "
    "protected public register reinterpret_cast requires return short signed sizeof static static_assert "
    "static_cast struct switch template this thread_local throw true try typedef typeid typename union "
    "unsigned using virtual void volatile wchar_t while xor xor_eq"
)
_WIDTH: Final = 120

_PLAIN: Final = {
    Kind.TEXT: "std::string",
    Kind.FLAG: "bool",
    Kind.INTEGER: "std::int64_t",
    Kind.NATURAL: "std::uint64_t",
    Kind.NUMBER: "double",
    Kind.NOTHING: "Json",
    Kind.ANY: "Json",
}
_BY_VALUE: Final = {Kind.FLAG, Kind.INTEGER, Kind.NATURAL, Kind.NUMBER}


def _type(shape: Shape) -> str:
    match shape.kind:
        case Kind.LIST:
            text = f"std::vector<{_type(shape.item or Shape(Kind.ANY))}>"
        case Kind.RECORD:
            text = shape.record
        case _:
            text = _PLAIN[shape.kind]
    return f"std::optional<{text}>" if shape.nullable else text


def _named(name: str) -> str:
    return safe(name, _RESERVED)


def _parameter(name: str, shape: Shape) -> str:
    return f"{_type(shape)} {_named(name)}" if shape.kind in _BY_VALUE else f"const {_type(shape)}& {_named(name)}"


def _structure(laid: Laid) -> str:
    fields = [
        f"    std::uint{8 * member.size}_t {_named(member.name)};"
        if member.word
        else f"    unsigned char {_named(member.name)}[{member.size}];"
        for member in laid.members
    ]
    name = f"{pascal(laid.name)}Structure"
    return "\n".join([f"/// {laid.name}, as it lies in shared memory.", f"struct {name} {{", *fields, "};", ""])


def _layout(laid: Laid) -> str:
    name = f"{pascal(laid.name)}Structure"
    fields = [
        f'            {{"{member.name}", DRIVER_FIELD({name}, {_named(member.name)})}},'
        for member in laid.members
        if not member.padding
    ]
    return "\n".join(
        [f'        {{"{laid.name}", structure(sizeof({name}), {{', *fields, "        })},"],
    )


def _record(record: Shape) -> str:
    parts = [
        f'        made.{_named(name)} = part<{_type(shape)}>(value, "{name}", path);' for name, shape in record.fields
    ]
    return "\n".join(
        [
            commented(about_record(record), "/// ", _WIDTH),
            f"struct {record.record} {{",
            *(f"    {_type(shape)} {_named(name)};" for name, shape in record.fields),
            "",
            f"    static {record.record} from_json(const Json& value, const std::string& path) {{",
            f"        {record.record} made;",
            *parts,
            "        return made;",
            "    }",
            "};",
            "",
        ]
    )


def _verb(verb: VerbShape) -> str:
    parts = [_parameter(name, shape) for name, shape in verb.params]
    head = f"    Json {_named(verb.name)}({', '.join(parts)}) {{"
    if len(head) > _WIDTH:
        inner = ",\n".join(f"        {part}" for part in parts)
        head = f"    Json {_named(verb.name)}(\n{inner}) {{"
    return "\n".join([commented(about(verb), "    /// ", _WIDTH), head, "        throw NotImplemented{};", "    }"])


def _entry(verb: VerbShape) -> str:
    parts = [f'part<{_type(shape)}>(params, "{name}")' for name, shape in verb.params]
    line = f"        return verbs.{_named(verb.name)}({', '.join(parts)});"
    if len(line) > _WIDTH:
        inner = ",\n".join(f"            {part}" for part in parts)
        line = f"        return verbs.{_named(verb.name)}(\n{inner});"
    return "\n".join([f'    {{"{verb.name}", [](Verbs& verbs, const Json& params) -> Json {{', line, "    }},"])


def _fragments(outline: Outline) -> Fragments:
    codes = [
        line
        for code, meaning in outline.contract.codes.items()
        for line in (f"/// {meaning}", f'inline constexpr const char* {_named(code)} = "{code}";')
    ]
    return {
        "codes": "\n".join(codes),
        "structures": "\n".join(map(_structure, outline.structures)),
        "layout": "\n".join(map(_layout, outline.structures)),
        "records": "\n".join(map(_record, outline.records)),
        "verbs": "\n\n".join(map(_verb, outline.verbs)),
        "table": "\n".join(map(_entry, outline.verbs)),
    }


CPP: Final = Language(
    name="cpp",
    title="C++",
    requires={"g++": "g++"},
    command=("{directory}/driver",),
    build=(
        *("g++", "-std=c++20", "-Wall", "-Wextra", "-Wno-unused-parameter", "-pthread"),
        *("-o", "{directory}/driver", "{directory}/driver.cpp"),
    ),
    sources=("{directory}/*.cpp", "{directory}/*.hpp"),
    fragments=_fragments,
    verbs="verbs.hpp",
    ignored=("/driver",),
    note=(
        "`std::atomic_ref` works on the fields of a structure that lies in shared memory. `clang++` builds it, "
        "too; add `-O2` for measurements. Once your library has a CMake project, have that build the driver "
        "(`cmake -P` with a script makes one command of it)."
    ),
)
