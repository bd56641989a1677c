"""Drivers in C#."""

from __future__ import annotations

from typing import Final

from harmony.new_driver.language import Fragments, Language, about, about_record, camel, commented, pascal, safe, words
from harmony.new_driver.shapes import Kind, Laid, Outline, Shape, VerbShape

_RESERVED: Final = words(
    "abstract as base bool break byte case catch char checked class const continue decimal default delegate "
    "do double else enum event explicit extern false finally fixed float for foreach goto if implicit in int "
    "interface internal is lock long namespace new null object operator out override params private protected "
    "public readonly ref return sbyte sealed short sizeof stackalloc static string struct switch this throw "
    "true try typeof uint ulong unchecked unsafe ushort using virtual void volatile while"
)
_WIDTH: Final = 120

_PLAIN: Final = {
    Kind.TEXT: "string",
    Kind.FLAG: "bool",
    Kind.INTEGER: "long",
    Kind.NATURAL: "ulong",
    Kind.NUMBER: "double",
    Kind.NOTHING: "object",
    Kind.ANY: "object",
}
_VALUES: Final = {Kind.FLAG, Kind.INTEGER, Kind.NATURAL, Kind.NUMBER}
_WORDS: Final = {1: "byte", 2: "ushort", 4: "uint", 8: "ulong"}


def _type(shape: Shape) -> str:
    match shape.kind:
        case Kind.LIST:
            return f"List<{_type(shape.item or Shape(Kind.ANY))}>"
        case Kind.RECORD:
            return shape.record
        case _:
            return _PLAIN[shape.kind] + ("?" if shape.nullable and shape.kind in _VALUES else "")


def _get(name: str, shape: Shape) -> str:
    optional = shape.nullable and shape.kind not in _VALUES
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
            f"    /// <summary>{laid.name}, as it lies in shared memory.</summary>",
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
    head = f"        public object {pascal(verb.name)}({', '.join(parts)})"
    if len(head) > _WIDTH:
        inner = ",\n".join(f"            {part}" for part in parts)
        head = f"        public object {pascal(verb.name)}(\n{inner})"
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


def _fragments(outline: Outline) -> Fragments:
    codes = [
        line
        for code, meaning in outline.contract.codes.items()
        for line in (_summary(meaning, "        "), f'        public const string {pascal(code)} = "{code}";')
    ]
    return {
        "codes": "\n".join(codes),
        "structures": "\n".join(map(_structure, outline.structures)),
        "layout": "\n".join(map(_layout, outline.structures)),
        "records": "\n".join(map(_record, outline.records)),
        "verbs": "\n\n".join(map(_verb, outline.verbs)),
        "table": "\n".join(map(_entry, outline.verbs)),
    }


CSHARP: Final = Language(
    name="csharp",
    title="C#",
    requires={"mcs": "mono-mcs libmono-posix4.0-cil", "mono": "mono-runtime"},
    # Without the variable Mono leaves a file in shared memory when it is killed.
    command=("env", "MONO_DISABLE_SHARED_AREA=1", "mono", "{directory}/driver.exe"),
    build=(
        *("mcs", "-nologo", "-unsafe", "-r:Mono.Posix", "-out:{directory}/driver.exe"),
        *(f"{{directory}}/{name}.cs" for name in ("Driver", "Framing", "Json", "Contract", "Verbs")),
    ),
    sources=("{directory}/*.cs",),
    fragments=_fragments,
    verbs="Verbs.cs",
    ignored=("/driver.exe", "bin/", "obj/"),
    note=(
        "For the .NET SDK there is `driver.csproj`; its commands are `dotnet build -o DIRECTORY/bin DIRECTORY` "
        "and `DIRECTORY/bin/driver`. It was written with care but has not been built where this template was "
        "made. `Volatile` and `Interlocked` work on fields behind a pointer. Calls of the system that a signal "
        "interrupts (Mono's garbage collector sends many) have to be made again."
    ),
)
