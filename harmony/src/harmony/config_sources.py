"""Where settings come from: ``harmony.toml``, then ``HARMONY_…`` variables, then the command line.

The later source wins. A wrong value is reported with its source and field.
"""

from __future__ import annotations

import json
import os
import tomllib
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pydantic
from pydantic import BaseModel

from harmony.config import Settings
from harmony.errors import ConfigurationError
from harmony.suggestion import what_is_wrong

PREFIX: Final = "HARMONY_"
"""Of a variable that has a setting."""
NESTING: Final = "__"
"""Between two keys in the name of such a variable."""
_OLD_KEYS: Final = {"trials": "checks", "measures": "cases"}
"""Keys of ``[driver]`` as earlier versions called them."""


def read_settings(file: Path, overrides: Mapping[str, Any] | None = None) -> Settings:
    """Read the configuration of a project.

    Args:
        file: The project file.
        overrides: Values from the command line, nested like the file.

    Raises:
        ConfigurationError: The file cannot be read, or a value is not valid.
    """
    try:
        from_file = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"{file}: {error}", hint="the project file is TOML in UTF-8") from error
    merged: dict[str, Any] = {}
    for source in (from_file, settings_of_variables(os.environ), overrides or {}):
        merged = _merged(merged, _renamed(source))
    try:
        return Settings(**merged)
    except pydantic.ValidationError as error:
        lines = []
        for detail in error.errors():
            where = [str(part) for part in detail["loc"]]
            said = what_is_wrong(detail, _model_at(where[:-1]).model_fields)
            parts = (_source(detail["loc"], file, overrides or {}), ".".join(where), said)
            lines.append(": ".join(filter(None, parts)))
        raise ConfigurationError("\n".join(lines), hint="docs/running.md of harmony has every setting") from error


def settings_of_variables(variables: Mapping[str, str]) -> dict[str, Any]:
    """Return the settings that variables give, nested like the file; what belongs to no setting is none.

    Raises:
        ConfigurationError: A list or a table is no JSON.
    """
    found: dict[str, Any] = {}
    for name, text in sorted(variables.items()):
        keys = name.lower().removeprefix(PREFIX.lower()).split(NESTING)
        if not name.upper().startswith(PREFIX) or keys[0] not in Settings.model_fields:
            continue
        value: Any = text
        if _is_nested(keys):
            try:
                value = json.loads(text)
            except ValueError as error:
                hint = "lists and tables are JSON in variables"
                raise ConfigurationError(f"environment variable {name}: {error}", hint=hint) from error
        for key in reversed(keys):
            value = {key: value}
        found = _merged(found, value)
    return found


def _is_nested(keys: Sequence[str]) -> bool:
    """Whether what some keys lead to is a list or a table."""
    field = _model_at(keys[:-1]).model_fields.get(keys[-1])
    if field is not None:
        return any(issubclass(kind, (tuple, dict, frozenset, BaseModel)) for kind in _kinds(field.annotation))
    # The name of an entry: a table has models or plain values, and what is no table knows no such key.
    table = _model_at(keys[:-2]).model_fields.get(keys[-2])
    entries = typing.get_args(table.annotation) if table else ()
    return any(issubclass(kind, BaseModel) for entry in entries for kind in _kinds(entry))


def _model_at(parts: Iterable[str]) -> type[BaseModel]:
    """Return the part of the settings that some keys lead to."""
    model: type[BaseModel] = Settings
    for part in parts:
        field = model.model_fields.get(part)
        if field is not None:  # otherwise it is a name in a table, such as that of a platform
            model = next((kind for kind in _kinds(field.annotation) if issubclass(kind, BaseModel)), model)
    return model


def _kinds(annotation: Any) -> Iterator[type]:
    """Return the types of which an annotation consists, the outer ones first."""
    kind = typing.get_origin(annotation) or annotation
    if isinstance(kind, type):
        yield kind
    for part in typing.get_args(annotation):
        yield from _kinds(part)


def overrides_of(assignments: Iterable[str]) -> dict[str, Any]:
    """Return settings that a command line gives as ``timeouts.step=60``.

    Raises:
        ConfigurationError: One is no assignment.
    """
    overrides: dict[str, Any] = {}
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals or not key.strip():
            raise ConfigurationError(f"{assignment!r} is no setting", hint="write key=value, such as timeouts.step=60")
        try:
            value: Any = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            value = text
        for part in reversed(key.strip().split(".")):
            value = {part: value}
        overrides = _merged(overrides, value)
    return overrides


def _renamed(source: Mapping[str, Any]) -> Mapping[str, Any]:
    driver = source.get("driver")
    if not isinstance(driver, Mapping):
        return source
    return {**source, "driver": {_OLD_KEYS.get(key, key): value for key, value in driver.items()}}


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(below)
    for key, value in above.items():
        old = result.get(key)
        result[key] = _merged(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return result


def _source(location: tuple[int | str, ...], file: Path, overrides: Mapping[str, Any]) -> str:
    """Return where a value came from, so that a person looks in the right place."""
    if location and location[0] in overrides:
        return "command line"
    names = [str(part).upper() for part in location if isinstance(part, str)]
    for length in range(len(names), 0, -1):
        variable = PREFIX + NESTING.join(names[:length])
        if variable in {name.upper() for name in os.environ}:
            return f"environment variable {variable}"
    return str(file)
