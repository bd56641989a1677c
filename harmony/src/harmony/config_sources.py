"""Where settings come from: ``harmony.toml``, then ``HARMONY_…`` variables, then the command line.

The later source wins. A wrong value is reported with its source and field.
"""

from __future__ import annotations

import os
import tomllib
import typing
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import pydantic
from pydantic import BaseModel
from pydantic_settings import EnvSettingsSource, SettingsError

from harmony.config import NESTING, PREFIX, Settings
from harmony.errors import ConfigurationError
from harmony.suggestion import what_is_wrong

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
    try:
        from_environment = EnvSettingsSource(Settings, env_prefix=PREFIX, env_nested_delimiter=NESTING)()
    except SettingsError as error:
        raise ConfigurationError(f"environment: {error}", hint="lists and tables are JSON in variables") from error
    merged: dict[str, Any] = {}
    for source in (from_file, from_environment, overrides or {}):
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


def _model_at(parts: Iterable[str]) -> type[BaseModel]:
    """Return the part of the settings that some keys lead to."""
    model: type[BaseModel] = Settings
    for part in parts:
        field = model.model_fields.get(part)
        if field is not None:  # otherwise it is a name in a table, such as that of a platform
            kinds = (field.annotation, *typing.get_args(field.annotation))
            model = next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), model)
    return model


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
