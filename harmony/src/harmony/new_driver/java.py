"""Drivers in Java."""

from __future__ import annotations

from typing import Final

from harmony.new_driver.language import (
    Fragments,
    Language,
    Pieces,
    about,
    about_record,
    camel,
    commented,
    pascal,
    safe,
    spread,
    words,
)
from harmony.new_driver.shapes import Kind, Laid, Outline, Shape, VerbShape

_RESERVED: Final = words(
    "_ abstract assert boolean break byte case catch char class const continue default do double else enum extends "
    "false final finally float for goto if implements import instanceof int interface long native new null package "
    "private protected public return short static strictfp super switch synchronized this throw throws transient true "
    "try void volatile while"
)
_WIDTH: Final = 120
_PLAIN: Final = {
    Kind.TEXT: ("String", "String", "TEXT"),
    Kind.FLAG: ("boolean", "Boolean", "FLAG"),
    Kind.INTEGER: ("long", "Long", "INTEGER"),
    Kind.NATURAL: ("long", "Long", "NATURAL"),
    Kind.NUMBER: ("double", "Double", "NUMBER"),
    Kind.NOTHING: ("Object", "Object", "ANY"),
    Kind.ANY: ("Object", "Object", "ANY"),
}
"""Each as a value, as an object, and as what makes it of JSON."""


def _type(shape: Shape, *, boxed: bool = False) -> str:
    match shape.kind:
        case Kind.LIST:
            return f"List<{_type(shape.item or Shape(Kind.ANY), boxed=True)}>"
        case Kind.RECORD:
            return shape.record
        case _:
            return _PLAIN[shape.kind][boxed or shape.nullable]


def _kind(shape: Shape) -> str:
    match shape.kind:
        case Kind.LIST:
            text = f"Kind.list({_kind(shape.item or Shape(Kind.ANY))})"
        case Kind.RECORD:
            text = f"{shape.record}::from"
        case _:
            text = f"Kind.{_PLAIN[shape.kind][2]}"
    return f"Kind.optional({text})" if shape.nullable else text


def _get(name: str, shape: Shape) -> str:
    return f'given.get("{name}", {_kind(shape)})'


def _named(name: str) -> str:
    return safe(camel(name), _RESERVED)


def _doc(text: str, indent: str) -> str:
    line = f"{indent}/** {text} */"
    if len(line) <= _WIDTH:
        return line
    return "\n".join([f"{indent}/**", commented(text, f"{indent} * ", _WIDTH), f"{indent} */"])


def _constants(laid: Laid) -> list[str]:
    return [member.name.upper() for member in laid.members if not member.padding]


def _structure(laid: Laid) -> str:
    offset = 0
    fields = []
    for member in laid.members:
        if not member.padding:
            place = f'new Field("{member.name}", {offset}, {member.size})'
            fields.append(f"        static final Field {member.name.upper()} = {place};")
        offset += member.size
    return "\n".join(
        [
            f"    /** {laid.name}, as all implementations lay it out. */",
            f"    static final class {pascal(laid.name)}Structure {{",
            f"        static final int BYTES = {laid.size};",
            *fields,
            "    }",
            "",
        ]
    )


def _layout(laid: Laid) -> str:
    name = f"{pascal(laid.name)}Structure"
    parts = [f"{name}.BYTES", *(f"{name}.{constant}" for constant in _constants(laid))]
    inner = ",\n".join(f"                {part}" for part in parts)
    return f'        made.put("{laid.name}", structure(\n{inner}));'


def _record(record: Shape) -> str:
    fields = [f"{_type(shape)} {_named(name)}" for name, shape in record.fields]
    parts = [_get(name, shape) for name, shape in record.fields]
    return "\n".join(
        [
            _doc(about_record(record), "    "),
            spread(f"record {record.record}(", fields, ") {", width=_WIDTH, indent="    "),
            f"        static {record.record} from(Object value, String path) {{",
            "            var given = new Params(value, path);",
            spread(f"return new {record.record}(", parts, ");", width=_WIDTH, indent="            "),
            "        }",
            "    }",
            "",
        ]
    )


def _method(verb: VerbShape, indent: str) -> list[str]:
    parts = [f"{_type(shape)} {_named(name)}" for name, shape in verb.params]
    head = spread(f"Object {_named(verb.name)}(", parts, ") throws Exception {", width=_WIDTH, indent=indent)
    return [head, f"{indent}    throw new NotImplemented();", f"{indent}}}"]


def _verb(verb: VerbShape) -> str:
    return "\n".join([_doc(about(verb), "    "), "    @Override", *_method(verb, "    ")])


def _unimplemented(verb: VerbShape) -> str:
    return "\n".join(_method(verb, "        "))


def _entry(verb: VerbShape) -> str:
    parts = [_get(name, shape) for name, shape in verb.params]
    opening = f'VERBS.put("{verb.name}", (verbs, given) -> verbs.{_named(verb.name)}('
    return spread(opening, parts, "));", width=_WIDTH, indent="        ")


def _code(code: str, meaning: str) -> str:
    return f'{_doc(meaning, "        ")}\n        static final String {code.upper()} = "{code}";'


_pieces: Final = Pieces(_code, _structure, _layout, _record, _verb, _entry)


def _fragments(outline: Outline) -> Fragments:
    return {**_pieces(outline), "unimplemented": "\n\n".join(map(_unimplemented, outline.verbs))}


JAVA: Final = Language(
    name="java",
    title="Java",
    requires={"javac": "default-jdk-headless"},
    # Killed, it would leave a file of its performance counters; what it says of itself would go to stdout; and a driver
    # lives so short that the quicker compiler alone is quicker.
    command=(
        *("java", "-XX:-UsePerfData", "-XX:+DisplayVMOutputToStderr", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
        *("-cp", "{directory}/classes", "driver.Driver"),
    ),
    build=(
        *("javac", "-Xlint:all,-serial", "-encoding", "UTF-8", "-sourcepath", "{contract}:{directory}"),
        *("-d", "{directory}/classes", "{contract}/driver/Driver.java"),
    ),
    sources=("{contract}/**/*.java", "{directory}/**/*.java"),
    fragments=_fragments,
    verbs="driver/Verbs.java",
    stub=_verb,
    declared=r"^    (?:public |synchronized )*Object (\w+)\(",
    ignored=("/classes/",),
    note=(
        "JDK 17 or newer, no dependency. `FileChannel.map` and the `VarHandle`s of "
        "`MethodHandles.byteBufferViewVarHandle` reach mapped memory atomically; what else the system has "
        "(locks, events) needs JNI, or `java.lang.foreign` of JDK 22. What native code prints to descriptor 1 would "
        "spoil the messages: Java can redirect `System.out` alone. The parent's death is noticed within a "
        "tenth of a second, by asking: there is no signal to ask for. Take `-XX:TieredStopAtLevel=1` away for "
        "measurements."
    ),
    shared={},
)
