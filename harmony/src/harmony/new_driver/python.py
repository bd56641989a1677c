"""Drivers in Python."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from harmony.new_driver.language import Fragments, Language, about, about_record, commented, listed, pascal
from harmony.new_driver.shapes import Kind, Laid, Outline, Shape, VerbShape

_PLAIN: Final = {
    Kind.TEXT: "str",
    Kind.FLAG: "bool",
    Kind.INTEGER: "int",
    Kind.NATURAL: "int",
    Kind.NUMBER: "float",
    Kind.NOTHING: "None",
    Kind.ANY: "Any",
}


def _type(shape: Shape, *, answer: bool = False) -> str:
    match shape.kind:
        case Kind.LIST:
            text = f"list[{_type(shape.item or Shape(Kind.ANY), answer=answer)}]"
        case Kind.RECORD:
            text = "dict[str, Any]" if answer else shape.record
        case Kind.TEXT if shape.choices:
            text = "Literal[" + ", ".join(f'"{choice}"' for choice in shape.choices) + "]"
        case _:
            text = _PLAIN[shape.kind]
    return f"{text} | None" if shape.nullable else text


def _structure(laid: Laid) -> str:
    fields = [
        f'        ("{member.name}", '
        + (f"ctypes.c_uint{8 * member.size}" if member.word else f"ctypes.c_ubyte * {member.size}")
        + "),"
        for member in laid.members
    ]
    return "\n".join(
        [
            f"class {pascal(laid.name)}Structure(ctypes.Structure):",
            f'    """{laid.name}, as all implementations lay it out."""',
            "",
            "    _fields_ = [",
            *fields,
            "    ]",
        ]
    )


def _record(record: Shape) -> str:
    return "\n".join(
        [
            "@dataclass(frozen=True)",
            f"class {record.record}:",
            _doc(about_record(record), "    "),
            "",
            *(f"    {name}: {_type(shape)}" for name, shape in record.fields),
        ]
    )


def _doc(text: str, indent: str) -> str:
    if len(text) + len(indent) <= 100:
        return f'{indent}"""{text}"""'
    wrapped = commented(text, indent).removeprefix(indent)
    return f'{indent}"""{wrapped}\n{indent}"""'


def _verb(verb: VerbShape) -> str:
    params = ["self", *(["*"] if verb.params else []), *(f"{name}: {_type(shape)}" for name, shape in verb.params)]
    head = listed(f"def {verb.name}(", params, f") -> {_type(verb.result, answer=True)}:", indent="    ", width=100)
    return "\n".join([head, _doc(about(verb), "        "), "        raise NotImplementedError"])


def _code(code: str, meaning: str) -> str:
    line = f'    {code.upper()} = "{code}"'
    beside = f"{line}  # {meaning}"
    return beside if len(beside) <= 120 else f"    # {meaning}\n{line}"


def _typing(text: str) -> str:
    """Return the import of what annotations of a text take of it."""
    names = [name for name in ("Any", "Literal") if re.search(rf"[: \[]{name}\b", text)]
    return f"from typing import {', '.join(names)}\n" if names else ""


def _import(records: Sequence[str]) -> str:
    names = sorted(["CODES", "NAME", "PROTOCOL", "STRUCTURES", *records], key=lambda name: (not name.isupper(), name))
    line = f"from contract import {', '.join(names)}"
    return line if len(line) <= 120 else listed("from contract import (", names, ")", width=0)


def _fragments(outline: Outline) -> Fragments:
    contract = outline.contract
    records = "\n\n\n".join(map(_record, outline.records))
    verbs = "\n\n".join(map(_verb, outline.verbs))
    return {
        "codes": "\n".join(_code(code, meaning) for code, meaning in contract.codes.items()),
        "structures": "\n\n\n".join(map(_structure, outline.structures)),
        "layout": "\n".join(f'    "{laid.name}": {pascal(laid.name)}Structure,' for laid in outline.structures),
        "records": records,
        "record_imports": ("from dataclasses import dataclass\n" if records else "") + _typing(records),
        "contract_import": _import(sorted(record.record for record in outline.records)),
        "verbs": verbs,
        "verb_imports": f"{_typing(verbs)}\n".lstrip("\n"),
    }


PYTHON: Final = Language(
    name="python",
    title="Python",
    requires={},
    command=("{python}", "{directory}/driver.py"),
    build=(),
    sources=(),
    fragments=_fragments,
    verbs="driver.py",
    stub=_verb,
    declared=r"^    def (?!close_all\b)([a-z]\w*)\(\s*self",
    ignored=("__pycache__/",),
    note=(
        "`harmony.driver_kit` comes with the harness and imports nothing but the standard library: a Python that is "
        "not the harness's own needs `harmony-conformance` installed. "
        "Python has no atomic operations: a number in memory that several processes change needs a small compiled "
        "part. A call of C that blocks must release the GIL, as those of `ctypes.CDLL` do."
    ),
)
