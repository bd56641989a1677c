"""Values that fit, or do not fit, the parameters of a verb, made from its schema. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from harmony.wire.verb import Verb

_MISFITS: Final[Mapping[str, Any]] = {
    "integer": "three",
    "number": "soon",
    "string": 7,
    "boolean": "yes",
    "array": 7,
    "object": 7,
    "null": {},
}


def fitting(verb: Verb, text: str) -> dict[str, Any]:
    """Return parameters of the right types, though nothing may be open under their numbers.

    Args:
        verb: Whose.
        text: For every parameter that is any text.
    """
    schema = verb.params.json_schema()
    return {key: _value(part, schema, text) for key, part in schema.get("properties", {}).items()}


def misfits(verb: Verb) -> Iterator[tuple[str, Any]]:
    """Yield each parameter with a value of a wrong type."""
    schema = verb.params.json_schema()
    for key, part in schema.get("properties", {}).items():
        kinds = {_resolved(one, schema).get("type") for one in part.get("anyOf", [part])}
        wrong = next((_MISFITS[str(kind)] for kind in sorted(map(str, kinds)) if kind in _MISFITS), None)
        if wrong is not None:
            yield key, wrong


def _value(part: Mapping[str, Any], schema: Mapping[str, Any], text: str) -> Any:
    part = _resolved(part.get("anyOf", [part])[0], schema)
    if "const" in part:
        return part["const"]
    if "enum" in part:
        return part["enum"][0]
    kind = part.get("type")
    if kind == "object":
        needed = part.get("properties", {})
        return {key: _value(one, schema, text) for key, one in needed.items()}
    if kind == "array":
        return []
    if kind == "string":
        return text
    if kind == "boolean":
        return False
    if "default" in part:
        return part["default"]
    least = part.get("minimum", 0)
    return float(least) if kind == "number" else int(least)


def _resolved(part: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = part.get("$ref")
    if reference is None:
        return part
    return {**schema["$defs"][reference.rpartition("/")[2]], **{key: part[key] for key in part if key != "$ref"}}
