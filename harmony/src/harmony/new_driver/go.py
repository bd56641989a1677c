"""Drivers in Go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from harmony.new_driver.language import Fragments, Language, Types, about, about_record, commented, pascal
from harmony.new_driver.shapes import Kind, Laid, Outline, Shape, VerbShape

_type: Final = Types(
    {
        Kind.TEXT: "string",
        Kind.FLAG: "bool",
        Kind.INTEGER: "int64",
        Kind.NATURAL: "uint64",
        Kind.NUMBER: "float64",
        Kind.NOTHING: "any",
        Kind.ANY: "any",
    },
    listed="[]{}",
    optional="*{}",
)


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Align the columns as gofmt does."""
    if not rows:
        return []
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    return [
        "\t" + "".join(f"{cell:{width + 1}}" for cell, width in zip(row, widths, strict=False)) + row[-1]
        for row in rows
    ]


def _struct(name: str, comment: str, rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return f"{comment}\ntype {name} struct{{}}\n"
    return "\n".join([comment, f"type {name} struct {{", *_columns(rows), "}", ""])


def _tagged(fields: Sequence[tuple[str, Shape]]) -> list[list[str]]:
    return [[pascal(name), _type(shape), f'`json:"{name}"`'] for name, shape in fields]


def _structure(laid: Laid) -> str:
    rows = [
        [
            "_" if member.padding else pascal(member.name),
            f"uint{8 * member.size}" if member.word else f"[{member.size}]byte",
            f'`field:"{"" if member.padding else member.name}"`',
        ]
        for member in laid.members
    ]
    name = f"{pascal(laid.name)}Structure"
    return _struct(name, f"// {name} is {laid.name}, as all implementations lay it out.", rows)


def _params(verb: VerbShape) -> str:
    name = f"{pascal(verb.name)}Params"
    return _struct(name, f"// {name} is what {verb.name} is asked with.", _tagged(verb.params))


def _record(record: Shape) -> str:
    text = about_record(record)
    comment = commented(f"{record.record} is {text[:1].lower()}{text[1:]}", "// ")
    return _struct(record.record, comment, _tagged(record.fields))


def _verb(verb: VerbShape) -> str:
    name = pascal(verb.name)
    return "\n".join(
        [
            commented(f"{name}: {about(verb)}", "// "),
            f"func (v *Verbs) {name}(params contract.{name}Params) (any, error) {{",
            "\treturn nil, contract.ErrNotImplemented",
            "}",
            "",
        ]
    )


def _method(verb: VerbShape) -> str:
    name = pascal(verb.name)
    return "\n".join([commented(f"{name}: {about(verb)}", "\t// "), f"\t{name}(params {name}Params) (any, error)"])


def _unimplemented(verb: VerbShape) -> str:
    name = pascal(verb.name)
    head = f"func (Unimplemented) {name}({name}Params) (any, error)"
    return f"// {name} is not there.\n{head} {{ return nil, ErrNotImplemented }}\n"


def _codes(codes: Sequence[tuple[str, str]]) -> str:
    rows = [[f"Code{pascal(code)}", f'= "{code}"', f"// {meaning}"] for code, meaning in codes]
    return "\n".join(["const (", *_columns(rows), ")"]) if rows else ""


def _table(outline: Outline) -> str:
    rows = [[f'"{verb.name}":', f"bind(Verbs.{pascal(verb.name)}),"] for verb in outline.verbs]
    return "\n".join(["map[string]verb{", *_columns(rows), "}"])


def _layout(outline: Outline) -> str:
    rows = [[f'"{laid.name}":', f"structure({pascal(laid.name)}Structure{{}}),"] for laid in outline.structures]
    return "\n".join(["{", *("\t" + line for line in _columns(rows)), "\t}"]) if rows else "{}"


def _fragments(outline: Outline) -> Fragments:
    return {
        "codes": _codes(list(outline.contract.codes.items())),
        "structures": "\n".join(map(_structure, outline.structures)),
        "layout": _layout(outline),
        "params": "\n".join([*map(_record, (*outline.records, *outline.results)), *map(_params, outline.verbs)]),
        "methods": "\n".join(map(_method, outline.verbs)),
        "unimplemented": "\n".join(map(_unimplemented, outline.verbs)),
        "table": _table(outline),
        "verbs": "\n".join(map(_verb, outline.verbs)),
    }


def _reaching(way: str, shared: bool) -> Fragments:
    required = f"\nrequire contract v0.0.0\n\nreplace contract => {way}" if shared else ""
    return {"contract_module": "contract" if shared else "driver/contract", "contract_required": required}


GO: Final = Language(
    name="go",
    title="Go",
    requires={"go": "golang-go"},
    command=("{directory}/bin/driver",),
    build=("go", "build", "-C", "{directory}", "-o", "bin/driver", "."),
    sources=("{contract}/*.go", "{directory}/*.go", "{directory}/go.mod"),
    fragments=_fragments,
    verbs="verbs.go",
    stub=_verb,
    declared=r"^func \(\w+ \*Verbs\) (\w+)\(\w+ [\w.]+\) \(any, error\)",
    ignored=("bin/",),
    note=(
        "`sync/atomic` works on mapped memory as on any other. A call of the system that blocks holds a thread, not "
        "the other goroutines."
    ),
    generated="contract",
    shared={"go.mod": "module contract\n\ngo 1.21\n"},
    reaching=_reaching,
)
