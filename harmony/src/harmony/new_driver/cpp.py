"""Drivers in C++."""

from __future__ import annotations

from typing import Final

from harmony.new_driver.language import (
    BY_VALUE,
    Language,
    Pieces,
    Types,
    about,
    about_record,
    commented,
    pascal,
    safe,
    spread,
    words,
)
from harmony.new_driver.shapes import Kind, Laid, Shape, VerbShape

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

_type: Final = Types(
    {
        Kind.TEXT: "std::string",
        Kind.FLAG: "bool",
        Kind.INTEGER: "std::int64_t",
        Kind.NATURAL: "std::uint64_t",
        Kind.NUMBER: "double",
        Kind.NOTHING: "Json",
        Kind.ANY: "Json",
    },
    listed="std::vector<{}>",
    optional="std::optional<{}>",
)


def _named(name: str) -> str:
    return safe(name, _RESERVED)


def _parameter(name: str, shape: Shape) -> str:
    return f"{_type(shape)} {_named(name)}" if shape.kind in BY_VALUE else f"const {_type(shape)}& {_named(name)}"


def _structure(laid: Laid) -> str:
    fields = [
        f"    std::uint{8 * member.size}_t {_named(member.name)};"
        if member.word
        else f"    unsigned char {_named(member.name)}[{member.size}];"
        for member in laid.members
    ]
    name = f"{pascal(laid.name)}Structure"
    return "\n".join([f"/// {laid.name}, as all implementations lay it out.", f"struct {name} {{", *fields, "};", ""])


def _layout(laid: Laid) -> str:
    name = f"{pascal(laid.name)}Structure"
    fields = [
        f'            {{"{member.name}", DRIVER_FIELD({name}, {_named(member.name)})}},'
        for member in laid.members
        if not member.padding
    ]
    return "\n".join(
        [f'        {{"{laid.name}", structure(sizeof({name}), Json::object({{', *fields, "        }))},"],
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
    head = spread(f"Json {_named(verb.name)}(", parts, ") {", width=_WIDTH, indent="    ")
    return "\n".join([commented(about(verb), "    /// ", _WIDTH), head, "        throw NotImplemented{};", "    }"])


def _entry(verb: VerbShape) -> str:
    parts = [f'part<{_type(shape)}>(params, "{name}")' for name, shape in verb.params]
    line = spread(f"return verbs.{_named(verb.name)}(", parts, ");", width=_WIDTH, indent="        ")
    return "\n".join([f'    {{"{verb.name}", [](Verbs& verbs, const Json& params) -> Json {{', line, "    }},"])


def _code(code: str, meaning: str) -> str:
    return f'/// {meaning}\ninline constexpr const char* {_named(code)} = "{code}";'


CPP: Final = Language(
    name="cpp",
    title="C++",
    requires={"g++": "g++", "nlohmann/json.hpp": "nlohmann-json3-dev"},
    command=("{directory}/driver",),
    build=(
        *("g++", "-std=c++20", "-Wall", "-Wextra", "-Wno-unused-parameter", "-pthread"),
        *("-o", "{directory}/driver", "{directory}/driver.cpp"),
    ),
    sources=("{directory}/*.cpp", "{directory}/*.hpp"),
    fragments=Pieces(_code, _structure, _layout, _record, _verb, _entry),
    verbs="verbs.hpp",
    stub=_verb,
    declared=r"^    Json (\w+)\(",
    ignored=("/driver",),
    note=(
        "`std::atomic_ref` works on the fields of a structure in mapped memory. `clang++` builds it, "
        "too; add `-O2` for measurements. Once your library has a CMake project, have that build the driver "
        "(`cmake -P` with a script makes one command of it)."
    ),
)
