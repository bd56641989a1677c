"""Drivers in JavaScript, on Node."""

from __future__ import annotations

import json
from typing import Final

from harmony.new_driver.language import Fragments, Language, about, commented, listed, words
from harmony.new_driver.shapes import Kind, Laid, Outline, Shape, VerbShape

# Words that cannot name a parameter in a module.
_RESERVED: Final = words(
    "arguments await break case catch class const continue debugger default delete do else enum eval export extends "
    "false finally for function if implements import in instanceof interface let new null package private protected "
    "public return static super switch this throw true try typeof var void while with yield"
)


def _shape(shape: Shape) -> str:
    match shape.kind:
        case Kind.LIST:
            text = f"[{_shape(shape.item or Shape(Kind.ANY))}]"
        case Kind.RECORD:
            text = shape.record
        case Kind.TEXT if shape.choices:
            text = f"oneOf({', '.join(map(json.dumps, shape.choices))})"
        case _:
            text = f'"{shape.kind}"'
    return f"orNull({text})" if shape.nullable else text


def _params(verb: VerbShape) -> str:
    return (
        listed(f"  {verb.name}: {{ ", (f"{name}: {_shape(shape)}" for name, shape in verb.params), " },", width=120)
        .replace("{ \n", "{\n")
        .replace("\n        ", "\n    ")
        .replace("\n },", "\n  },")
    )


def _record(record: Shape) -> str:
    fields = [f"  {name}: {_shape(part)}," for name, part in record.fields]
    return "\n".join([f"const {record.record} = {{", *fields, "};", ""])


def _structure(laid: Laid, offsets: dict[str, tuple[int, int]]) -> str:
    fields = [
        f"      {member.name}: [{offsets[member.name][0]}, {offsets[member.name][1]}],"
        for member in laid.members
        if not member.padding
    ]
    return "\n".join([f"  {laid.name}: {{", f"    size: {laid.size},", "    fields: {", *fields, "    },", "  },"])


def _verb(verb: VerbShape) -> str:
    names = ", ".join(f"{name}: {name}_" if name in _RESERVED else name for name, _ in verb.params)
    return "\n".join(
        [
            commented(about(verb), "  // ", 110),
            f"  async {verb.name}({{ {names} }}) {{",
            "    throw new NotImplemented();",
            "  }",
        ]
    )


def _fragments(outline: Outline) -> Fragments:
    contract = outline.contract
    return {
        "codes": "\n".join(f'  {code}: "{code}", // {meaning}' for code, meaning in contract.codes.items()),
        "layout": "\n".join(_structure(laid, dict(contract.layout[laid.name].fields)) for laid in outline.structures),
        "records": "\n".join(map(_record, outline.records)),
        "shapes": "\n".join(map(_params, outline.verbs)),
        "verbs": "\n\n".join(map(_verb, outline.verbs)),
    }


NODE: Final = Language(
    name="node",
    title="JavaScript (Node)",
    requires={"node": "nodejs"},
    command=("node", "{directory}/verbs.mjs"),
    build=(),
    sources=(),
    fragments=_fragments,
    verbs="verbs.mjs",
    stub=_verb,
    declared=r"^  async (?!closeAll\b)(\w+)\(\{",
    ignored=("node_modules/",),
    note=(
        "Node itself can neither map memory nor wait for what is the system's: an implementation that does needs a "
        "native addon. Whatever waits there must do so off the main thread (an asynchronous worker of the addon), "
        "or it holds up every other verb. There is no way to ask for a signal at the parent's death; the end of "
        "stdin, which comes with it, ends the driver."
    ),
    shared={},
)
