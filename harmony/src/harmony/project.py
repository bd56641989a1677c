"""A project on disk: its settings, its features and the library of its steps."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from harmony.config import Settings
from harmony.config_sources import read_settings
from harmony.errors import ConfigurationError, GherkinSyntaxError
from harmony.platform_settings import Platform
from harmony.project_file import PROJECT_FILE, require_project_file, require_suite_file
from harmony.spec.capabilities import tags_of
from harmony.state import read_whole
from harmony.steps.conversion import Converters
from harmony.steps.injection import Providers
from harmony.steps.library import StepLibrary
from harmony.steps.registry import StepRegistry, import_modules
from harmony.wire.driver_contract import Contract

if TYPE_CHECKING:  # a worker looks at no process, and reads no feature
    from harmony.process.remains import LeakProbe
    from harmony.spec.clauses import Clause
    from harmony.spec.gherkin import Feature, Scenario

Named = TypeVar("Named")


@dataclass(frozen=True)
class Project:
    """Where everything of a project is.

    Attributes:
        file: The project file.
        settings: What it says.
        suite: The package that it lies in, where it was found by that.
        place: See :attr:`home`.
    """

    file: Path
    settings: Settings
    suite: str = ""
    place: Path | None = None

    @property
    def root(self) -> Path:
        """The directory of the project file."""
        return self.file.parent

    @property
    def home(self) -> Path:
        """Where platforms start and runs leave what they leave: the root, but for a suite, which only is read."""
        return self.place or self.root

    @property
    def features_directory(self) -> Path:
        """The directory of the feature files."""
        return (self.root / self.settings.features).resolve()

    def features(self) -> tuple[list[Feature], list[GherkinSyntaxError]]:
        """Read every feature file; a file that is not Gherkin becomes an error beside the others.

        Raises:
            ConfigurationError: There is no features directory.
        """
        from harmony.spec.gherkin import read_feature  # noqa: PLC0415 - see above

        directory = self.features_directory
        if not directory.is_dir():
            raise ConfigurationError(f"{self.file}: features: there is no directory {directory}")
        features: list[Feature] = []
        errors: list[GherkinSyntaxError] = []
        number = re.compile(self.settings.number)
        for path in sorted(directory.rglob("*.feature")):
            try:
                features.append(read_feature(path, number))
            except GherkinSyntaxError as error:
                errors.append(error)
        return features, errors

    @property
    def known_tags(self) -> dict[str, str]:
        """The tags that scenarios may have, and what they mean: its own, and those that it need not name."""
        from harmony.spec.levels import LEVEL_TAGS  # noqa: PLC0415 - see above

        settings = self.settings
        return {**LEVEL_TAGS, **tags_of(settings.capabilities, settings.roles), **settings.tags}

    def clauses(self, scenarios: Sequence[Scenario] = ()) -> list[Clause]:
        """Read the clauses of its specification, with the scenarios that cite them; none where it names no document.

        Raises:
            ConfigurationError: The document cannot be read, or is no list.
        """
        from harmony.spec.clauses import read_clauses  # noqa: PLC0415 - see above

        settings = self.settings.clauses
        if settings.document is None:
            return []
        try:
            text = read_whole(self.root / settings.document)
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{self.file}: clauses.document: {error}") from error
        return read_clauses(text, scenarios, settings.tag, settings.document.as_posix())

    def make_importable(self) -> None:
        """Have modules beside the project file found."""
        if str(self.root) not in sys.path:
            sys.path.insert(0, str(self.root))

    def library(self) -> StepLibrary:
        """Import the project's steps and providers.

        Raises:
            ConfigurationError: A module cannot be imported.
            StepClassError: A step or provider cannot be used as it is written.
        """
        self.make_importable()
        converters: dict[Any, Any] = {}
        for module in import_modules(self.settings.providers):
            found = getattr(module, "CONVERTERS", {})
            if not isinstance(found, Mapping):
                raise ConfigurationError(f"{module.__name__}.CONVERTERS is no mapping from types to functions")
            converters |= found
        contract = self.contract if self.settings.driver.contract else None
        return StepLibrary(
            StepRegistry.of_modules(self.settings.steps),
            Providers.of_modules(self.settings.providers),
            Converters(converters),
            contract,
        )

    def named(self, setting: str, name: str, kind: type[Named]) -> Named:
        """Import what a setting names as ``module:attribute``.

        Args:
            setting: Of the project file, for messages.
            name: What it says.
            kind: What must be found there.

        Raises:
            ConfigurationError: It names nothing, or something else.
        """
        self.make_importable()
        module, _, attribute = name.partition(":")
        if not module or not attribute:
            raise ConfigurationError(
                f"{self.file}: {setting} is {name!r}", hint=f'write {setting} = "module:ATTRIBUTE"'
            )
        try:
            found = getattr(importlib.import_module(module), attribute)
        except (ImportError, AttributeError) as error:
            near = _nearest(module, attribute, kind)
            hint = f"did you mean {near!r}?" if near else ""
            raise ConfigurationError(f"{self.file}: {setting}: {name!r} cannot be found: {error}", hint=hint) from error
        if not isinstance(found, kind):
            raise ConfigurationError(f"{self.file}: {setting}: {name!r} is no {kind.__name__}")
        return found

    def probes(self, platform: str = "") -> list[LeakProbe]:
        """Import what looks for what a run has left.

        Args:
            platform: Around whose cells it looks; around every cell if absent.

        Raises:
            ConfigurationError: The project names something that is not there.
        """
        setting, leaks = "leaks.probes", self.settings.leaks.probes
        if platform:
            setting, leaks = f"platforms.{platform}.{setting}", self.settings.platforms[platform].leaks.probes
        return [self.named(setting, name, cast("type[LeakProbe]", Callable)) for name in leaks]

    @property
    def contract(self) -> Contract:
        """The verbs of the project's drivers.

        Raises:
            ConfigurationError: The project names none.
        """
        return self.named("driver.contract", self.settings.driver.contract, Contract)


def _nearest(module: str, attribute: str, kind: type) -> str:
    """Return the module and attribute that are nearest to a name, if the attribute is of a kind; otherwise nothing."""
    parent, dot, last = module.rpartition(".")
    try:
        places = importlib.import_module(parent).__path__ if dot else sys.path
        known = {one.name for one in pkgutil.iter_modules(places)} | (set() if dot else {*sys.modules})
        found = last if last in known else next(iter(difflib.get_close_matches(last, known, n=1)), "")
        names = vars(importlib.import_module(f"{parent}{dot}{found}")) if found else {}
    except (ImportError, AttributeError):
        return ""
    fitting = [name for name, value in names.items() if isinstance(value, kind)]
    near = difflib.get_close_matches(attribute, fitting, n=1, cutoff=0.5)
    return f"{parent}{dot}{found}:{near[0]}" if near else ""


def load_project(start: Path | None = None, overrides: Mapping[str, Any] | None = None) -> Project:
    """Find and read the project of a directory.

    Args:
        start: A project file, or a directory in or below a project; the working directory by default.
        overrides: Settings from the command line.

    Raises:
        ConfigurationError: There is no project, or its file is wrong.
    """
    file = require_project_file(start)
    return Project(file, read_settings(file, overrides))


def load_suite(package: str, here: Path, overrides: Mapping[str, Any] | None = None) -> Project:
    """Read the project that lies in an installed package, for whoever tests their own platform with it.

    Args:
        package: Its name.
        here: The working directory; the platforms of a project file in it play beside those of the suite.
        overrides: Settings from the command line.

    Raises:
        ConfigurationError: There is no such suite, or one of the files is wrong.
    """
    file = require_suite_file(package)
    settings = read_settings(file, overrides)
    platforms = {name: _of_suite(one, file.parent) for name, one in settings.platforms.items()}
    own = here / PROJECT_FILE
    if own.is_file() and own.resolve() != file:
        platforms |= read_settings(own).platforms
    return Project(file, settings.model_copy(update={"platforms": platforms}), package, here)


def _of_suite(platform: Platform, root: Path) -> Platform:
    """Return a platform that starts in its suite, wherever that is, and is not built there."""

    def filled(command: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(word.replace("{root}", str(root)) for word in command)

    version = platform.version
    commands = {name: filled(getattr(platform, name)) for name in ("command", "listen", "driver")}
    more = {
        "roles": {
            role: part.model_copy(update={"command": filled(part.command)}) for role, part in platform.roles.items()
        },
        "version": version and version.model_copy(update={"command": filled(version.command)}),
        "directory": root / platform.directory,
        "build": (),
        "sources": (),
    }
    return platform.model_copy(update={**commands, **more})
