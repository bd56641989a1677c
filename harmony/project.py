"""A project on disk: its settings, its features and the library of its steps."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harmony.config import PROJECT_FILE, Settings, find_project_file, read_settings
from harmony.conversion import Converters
from harmony.errors import ConfigurationError, GherkinSyntaxError
from harmony.gherkin import Feature, read_feature
from harmony.injection import Providers
from harmony.local import StepLibrary
from harmony.registry import StepRegistry, import_modules


@dataclass(frozen=True)
class Project:
    """Where everything of a project is.

    Attributes:
        file: The project file.
        settings: What it says.
    """

    file: Path
    settings: Settings

    @property
    def root(self) -> Path:
        """The directory of the project file."""
        return self.file.parent

    @property
    def features_directory(self) -> Path:
        """The directory of the feature files."""
        return (self.root / self.settings.features).resolve()

    def features(self) -> tuple[list[Feature], list[GherkinSyntaxError]]:
        """Read every feature file; a file that is not Gherkin becomes an error beside the others.

        Raises:
            ConfigurationError: There is no features directory.
        """
        directory = self.features_directory
        if not directory.is_dir():
            raise ConfigurationError(f"{self.file}: features: there is no directory {directory}")
        features: list[Feature] = []
        errors: list[GherkinSyntaxError] = []
        for path in sorted(directory.rglob("*.feature")):
            try:
                features.append(read_feature(path))
            except GherkinSyntaxError as error:
                errors.append(error)
        return features, errors

    def library(self) -> StepLibrary:
        """Import the project's steps and providers.

        Raises:
            ConfigurationError: A module cannot be imported.
            StepClassError: A step or provider cannot be used as it is written.
        """
        if str(self.root) not in sys.path:
            sys.path.insert(0, str(self.root))
        converters: dict[Any, Any] = {}
        for module in import_modules(self.settings.providers):
            found = getattr(module, "CONVERTERS", {})
            if not isinstance(found, Mapping):
                raise ConfigurationError(f"{module.__name__}.CONVERTERS is no mapping from types to functions")
            converters |= found
        return StepLibrary(
            StepRegistry.of_modules(self.settings.steps),
            Providers.of_modules(self.settings.providers),
            Converters(converters),
        )


def load_project(start: Path | None = None, overrides: Mapping[str, Any] | None = None) -> Project:
    """Find and read the project of a directory.

    Args:
        start: A project file, or a directory in or below a project; the working directory by default.
        overrides: Settings from the command line.

    Raises:
        ConfigurationError: There is no project, or its file is wrong.
    """
    begin = (start or Path.cwd()).resolve()
    file = begin if begin.is_file() else find_project_file(begin)
    if file is None:
        raise ConfigurationError(
            f"no {PROJECT_FILE} in {begin} or above", hint=f"run inside a project, or write a {PROJECT_FILE}"
        )
    return Project(file, read_settings(file, overrides))
