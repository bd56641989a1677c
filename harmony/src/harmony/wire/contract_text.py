"""A contract as a person reads it (one screen of Markdown) and as a machine does (JSON Schema). Both are generated."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pydantic import TypeAdapter

from harmony.wire.driver_contract import DRIVER_ERROR, Contract, ErrorData
from harmony.wire.verb import Verb

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_REFERENCE: Final = "#/$defs/{model}"

_INTRODUCTION: Final = """\
JSON-RPC 2.0, each message framed by `Content-Length: <bytes>\\r\\n\\r\\n`, on stdin and stdout; logs go to stderr.

```
{"jsonrpc":"2.0","id":1,"method":"health","params":[{"timeout":5.0}]}
{"jsonrpc":"2.0","id":1,"result":true}
```

| | |
|---|---|"""

_RULES: Final = {
    "Params": "a list with one object. A key that is missing or ill-typed: error `-32602`. Unknown keys are ignored",
    "Result": "exactly the keys below. Numbers for what is open are given by the driver, from 1 on, and never twice",
    "Deadline": "every request has `timeout` in seconds, for all it does. {grace:g} s later the driver is said to hang",
    "At once": "each request runs in a thread or task of its own: one that waits holds up no other",
    "Refusals": 'error `{code}` with `data: {{"code": CANONICAL, "details": {{…}}}}`; `message` says cause and way out',
    "Unknown verb": "error `-32601`; the scenario is `unsupported`, never green",
    "Bad messages": "error `-32700` for no JSON (`id` null), `-32600` for no request; the driver goes on",
    "Layout": "`hello` tells offsets and sizes as the driver's own compiler sees them; what differs is refused by name",
    "End": "on closed stdin or SIGTERM: release everything, exit 0, within a second, also while verbs wait",
    "Parent's death": "ends the driver, too",
}


def markdown(contract: Contract, grace: float) -> str:
    """Return the documentation of a contract.

    Args:
        contract: What it documents.
        grace: Seconds that a driver gets beyond the deadline of a request.
    """
    types = _Types(contract)
    lines = [
        f"# The driver contract of {contract.name}, version {contract.version}",
        "",
        "_Made by `harmony contract --write` from the types of the port; do not edit._",
        "",
        _INTRODUCTION,
        *(f"| {topic} | {rule.format(grace=grace, code=DRIVER_ERROR)} |" for topic, rule in _RULES.items()),
        "",
        "| verb | params beside `timeout` | result | |",
        "|---|---|---|---|",
        *map(types.row, contract.verbs.values()),
        "",
        *types.objects(),
        contract.notes,
        *_listed("Canonical codes", contract.codes),
        *_listed("Capabilities", contract.capabilities),
        *_layout(contract),
    ]
    return "\n".join(lines).rstrip() + "\n"


def json_schema(contract: Contract) -> dict[str, Any]:
    """Return the schema of every message of a conversation, with each verb's parts under ``$defs``."""
    found, definitions = _schemas(contract)
    for verb in contract.verbs.values():
        definitions[f"{verb.name}.params"] = {**found[verb.name, "params"], "description": verb.summary}
        definitions[f"{verb.name}.result"] = found[verb.name, "result"]
        definitions[f"{verb.name}.request"] = _request(verb)
    definitions["response"] = _message({"result": True}, ["id", "result"])
    definitions["error"] = _message({"error": _error(contract)}, ["id", "error"])
    messages = [f"{name}.request" for name in contract.verbs] + ["response", "error"]
    return {
        "$schema": DIALECT,
        "title": f"Driver contract of {contract.name}",
        "version": contract.version,
        "description": "A message of a conversation. The parts of each verb are VERB.params and VERB.result.",
        "anyOf": [{"$ref": _REFERENCE.format(model=name)} for name in messages],
        "needs": {verb.name: verb.needs for verb in contract.verbs.values() if verb.needs},
        "codes": dict(contract.codes),
        "capabilities": dict(contract.capabilities),
        "layout": {name: structure.model_dump(mode="json") for name, structure in contract.layout.items()},
        "$defs": definitions,
    }


def _schemas(contract: Contract) -> tuple[dict[tuple[str, str], dict[str, Any]], dict[str, Any]]:
    inputs: list[tuple[Any, Any, TypeAdapter[Any]]] = [
        entry
        for verb in contract.verbs.values()
        for entry in (
            ((verb.name, "params"), "serialization", verb.params),
            ((verb.name, "result"), "serialization", verb.result),
        )
    ]
    found, rest = TypeAdapter.json_schemas(inputs, ref_template=_REFERENCE)
    definitions = dict(rest.get("$defs", {}))
    schemas: dict[tuple[str, str], dict[str, Any]] = {}
    for (key, _), schema in found.items():
        name, part = key
        target = schema.get("$ref", "").rpartition("/")[2]
        whole = definitions.pop(target) if part == "params" and target in definitions else schema
        schemas[name, part] = _tidied(whole)
    return schemas, {name: _tidied(schema) for name, schema in definitions.items()}


def _tidied(schema: Any) -> Any:
    """Drop what pydantic makes of names and docstrings for Python; have an object hold exactly its keys."""
    if isinstance(schema, Mapping):
        tidy = {key: _tidied(value) for key, value in schema.items()}
        if isinstance(tidy.get("description"), str):
            tidy["description"] = tidy["description"].partition("\n\n")[0].replace("\n", " ")
        title = tidy.get("title")
        if isinstance(title, str) and title[:1].isupper():
            del tidy["title"]
        if isinstance(tidy.get("properties"), Mapping) and tidy.get("type") == "object":
            tidy |= {"required": list(tidy["properties"]), "additionalProperties": False}
        return tidy
    return [_tidied(item) for item in schema] if isinstance(schema, list) else schema


def _message(more: Mapping[str, Any], required: Sequence[str]) -> dict[str, Any]:
    identity = {"type": ["integer", "string", "null"]}
    return {
        "type": "object",
        "properties": {"jsonrpc": {"const": "2.0"}, "id": identity, **more},
        "required": ["jsonrpc", *required],
        "additionalProperties": False,
    }


def _request(verb: Verb) -> dict[str, Any]:
    params = {"type": "array", "prefixItems": [{"$ref": f"#/$defs/{verb.name}.params"}], "minItems": 1, "maxItems": 1}
    return _message({"method": {"const": verb.name}, "params": params}, ["id", "method", "params"])


def _error(contract: Contract) -> dict[str, Any]:
    data = TypeAdapter(ErrorData).json_schema()
    data["properties"]["code"]["enum"] = list(contract.codes)
    reported = {"properties": {"code": {"const": DRIVER_ERROR}, "data": _tidied(data)}, "required": ["data"]}
    return {
        "type": "object",
        "properties": {"code": {"type": "integer"}, "message": {"type": "string"}, "data": True},
        "required": ["code", "message"],
        "additionalProperties": False,
        "if": {"properties": {"code": {"const": DRIVER_ERROR}}},
        "then": reported,
    }


class _Types:
    """How the documentation writes types."""

    def __init__(self, contract: Contract) -> None:
        self._schemas, self._definitions = _schemas(contract)

    def row(self, verb: Verb) -> str:
        """Return the line of a verb."""
        properties = self._schemas[verb.name, "params"].get("properties", {})
        params = ", ".join(self._named(name, schema) for name, schema in properties.items() if name != "timeout")
        return f"| `{verb.name}` | {params} | {self._shown(self._schemas[verb.name, 'result'])} | {_meaning(verb)} |"

    def objects(self) -> Iterator[str]:
        """Yield a table of the objects that verbs carry, one line each."""
        yield "| object | |"
        yield "|---|---|"
        for name, schema in self._definitions.items():
            if "properties" in schema:
                shown = ", ".join(self._named(key, value) for key, value in schema["properties"].items())
                yield f"| `{_small(name)}` | {shown} |"
        yield ""

    def _named(self, name: str, schema: Mapping[str, Any]) -> str:
        shown = self._shown(schema)
        return f"`{name}`" if shown.strip("`") == name else f"`{name}` {shown}"

    def _shown(self, schema: Mapping[str, Any]) -> str:
        if "$ref" in schema:
            target = schema["$ref"].rpartition("/")[2]
            definition = self._definitions[target]
            return self._shown(definition) if "enum" in definition else f"`{_small(target)}`"
        if "enum" in schema:
            return " · ".join(f"`{value}`" for value in schema["enum"])
        if "const" in schema:
            return f"`{schema['const']}`"
        if "anyOf" in schema:
            return " or ".join(self._shown(option) for option in schema["anyOf"])
        kind = schema.get("type")
        title = str(schema.get("title", ""))
        if title and not title[0].isupper():  # pydantic's own titles are in capitals
            return title
        if kind == "array":
            items = schema.get("items")
            inner = ", ".join(map(self._shown, schema.get("prefixItems", ()))) or (
                self._shown(items) + ", …" if items else "…"
            )
            return f"[{inner}]"
        if kind == "object":
            values = schema.get("additionalProperties")
            return f"{{name: {self._shown(values)}}}" if isinstance(values, Mapping) else "object"
        return f"`{kind}`" if kind == "null" else str(kind)


def _small(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower()


def _meaning(verb: Verb) -> str:
    plain = verb.summary.replace("``", "`").replace("|", "\\|")
    said = [*([verb.needs] if verb.needs else []), *([f"as {' or '.join(verb.roles)}"] if verb.roles else [])]
    return f"{plain} _({', '.join(said)})_" if said else plain


def _listed(title: str, words: Mapping[str, str]) -> Iterator[str]:
    if words:
        yield f"**{title}**: " + " · ".join(f"`{word}` {meaning}" for word, meaning in words.items()) + "."
        yield ""


def _layout(contract: Contract) -> Iterator[str]:
    """Yield the structures, each field with offset and size."""
    for name, structure in contract.layout.items():
        fields = " · ".join(f"`{key}` {offset}+{size}" for key, (offset, size) in structure.fields.items())
        yield f"**Layout of `{name}`** ({structure.size} bytes; offset+size): {fields}."
        yield ""
