"""Drivers in C#."""

from __future__ import annotations

from typing import Final

from harmony.new_driver.language import (
    BY_VALUE,
    Language,
    Pieces,
    Types,
    about,
    about_record,
    camel,
    commented,
    pascal,
    safe,
    spread,
    words,
)
from harmony.new_driver.shapes import Kind, Laid, Shape, VerbShape

_RESERVED: Final = words(
    "abstract as base bool break byte case catch char checked class const continue decimal default delegate "
    "do double else enum event explicit extern false finally fixed float for foreach goto if implicit in int "
    "interface internal is lock long namespace new null object operator out override params private protected "
    "public readonly ref return sbyte sealed short sizeof stackalloc static string struct switch this throw "
    "true try typeof uint ulong unchecked unsafe ushort using virtual void volatile while"
)
_WIDTH: Final = 120

_type: Final = Types(
    {
        Kind.TEXT: "string",
        Kind.FLAG: "bool",
        Kind.INTEGER: "long",
        Kind.NATURAL: "ulong",
        Kind.NUMBER: "double",
        Kind.NOTHING: "object",
        Kind.ANY: "object",
    },
    listed="List<{}>",
    optional="{}?",
    can_be_optional=BY_VALUE,
)
_WORDS: Final = {1: "byte", 2: "ushort", 4: "uint", 8: "ulong"}


def _get(name: str, shape: Shape) -> str:
    optional = shape.nullable and shape.kind not in BY_VALUE
    return f'{"Optional" if optional else "Get"}<{_type(shape)}>("{name}")'


def _named(name: str) -> str:
    return safe(camel(name), _RESERVED)


def _structure(laid: Laid) -> str:
    fields = [
        f"        public {_WORDS[member.size]} {pascal(member.name)};"
        if member.word
        else f"        public fixed byte {pascal(member.name)}[{member.size}];"
        for member in laid.members
    ]
    return "\n".join(
        [
            f"    /// <summary>{laid.name}, as all implementations lay it out.</summary>",
            "    [StructLayout(LayoutKind.Sequential)]",
            f"    public unsafe struct {pascal(laid.name)}Structure",
            "    {",
            *fields,
            "    }",
            "",
        ]
    )


def _layout(laid: Laid) -> str:
    fields = [
        f'                    {{ "{member.name}", nameof({pascal(laid.name)}Structure.{pascal(member.name)}) }},'
        for member in laid.members
        if not member.padding
    ]
    return "\n".join(
        [
            "                {",
            f'                    "{laid.name}",',
            f"                    Structure(typeof({pascal(laid.name)}Structure), new Dictionary<string, string>",
            "                    {",
            *(f"    {field}" for field in fields),
            "                    })",
            "                },",
        ]
    )


def _record(record: Shape) -> str:
    return "\n".join(
        [
            _summary(about_record(record), "    "),
            f"    public sealed class {record.record}",
            "    {",
            *(f"        public readonly {_type(shape)} {pascal(name)};" for name, shape in record.fields),
            "",
            f"        public {record.record}(Params given)",
            "        {",
            *(f"            {pascal(name)} = given.{_get(name, shape)};" for name, shape in record.fields),
            "        }",
            "    }",
            "",
        ]
    )


def _summary(text: str, indent: str) -> str:
    safe_text = text.replace("&", "&amp;").replace("<", "&lt;")
    line = f"{indent}/// <summary>{safe_text}</summary>"
    if len(line) <= _WIDTH:
        return line
    inner = commented(safe_text, f"{indent}/// ", _WIDTH)
    return f"{indent}/// <summary>\n{inner}\n{indent}/// </summary>"


def _verb(verb: VerbShape) -> str:
    parts = [f"{_type(shape)} {_named(name)}" for name, shape in verb.params]
    head = spread(f"public object {pascal(verb.name)}(", parts, ")", width=_WIDTH, indent="        ")
    body = ["        {", "            throw new NotImplementedException();", "        }"]
    return "\n".join([_summary(about(verb), "        "), head, *body])


def _entry(verb: VerbShape) -> str:
    parts = [f"given.{_get(name, shape)}" for name, shape in verb.params]
    inner = ",\n".join(f"                        {part}" for part in parts)
    return "\n".join(
        [
            "                {",
            f'                    "{verb.name}",',
            f"                    (verbs, given) => verbs.{pascal(verb.name)}(",
            f"{inner})",
            "                },",
        ]
    )


def _code(code: str, meaning: str) -> str:
    return f'{_summary(meaning, "        ")}\n        public const string {pascal(code)} = "{code}";'


CSHARP: Final = Language(
    name="csharp",
    title="C#",
    requires={"mcs": "mono-mcs libmono-posix4.0-cil", "mono": "mono-runtime"},
    # Without the variable Mono leaves a file in /dev/shm when it is killed.
    command=("env", "MONO_DISABLE_SHARED_AREA=1", "mono", "{directory}/driver.exe"),
    build=(
        *("mcs", "-nologo", "-unsafe", "-r:Mono.Posix", "-out:{directory}/driver.exe"),
        *(f"{{directory}}/{name}.cs" for name in ("Driver", "Framing", "Json", "Contract", "Verbs")),
    ),
    sources=("{directory}/*.cs",),
    fragments=Pieces(_code, _structure, _layout, _record, _verb, _entry),
    verbs="Verbs.cs",
    stub=_verb,
    declared=r"^ *public object (\w+)\(",
    ignored=("/driver.exe", "bin/", "obj/"),
    note=(
        "For the .NET SDK there is `driver.csproj`; its commands are `dotnet build -o DIRECTORY/bin DIRECTORY` "
        "and `DIRECTORY/bin/driver`. It was written with care but has not been built where this template was "
        "made. `Volatile` and `Interlocked` work on fields behind a pointer. Calls of the system that a signal "
        "interrupts (Mono's garbage collector sends many) have to be made again."
    ),
)
