"""Roles and languages become the files of a project. Pure, but for reading the templates of this package."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import PurePosixPath
from typing import Final

from harmony.config import DriverSettings
from harmony.errors import ConfigurationError
from harmony.new_driver.language import Language, check_name
from harmony.new_driver.rendering import Driver, Place, entry_of, render, templates_below
from harmony.new_project.example.contract import CONTRACT

_FEATURE: Final = "01-key-value.feature"
_PACKAGE: Final = "conformance"
_HERE: Final = files("harmony.new_project")
_REFERENCE: Final = DriverSettings().reference


def check_roles(roles: Sequence[str]) -> None:
    """Refuse names that no sentence could tell apart.

    Raises:
        ConfigurationError: One cannot be used.
    """
    for role in roles:
        check_name(role, "a role")
        if roles.count(role) > 1:
            raise ConfigurationError(f"the role {role!r} is named twice", hint="give each role a name of its own")
    if len(roles) < 2:
        raise ConfigurationError(
            f"one role alone has nobody to talk to: {', '.join(roles) or 'none is named'}",
            hint="name two or more, who listens last: --roles client,server",
        )


@dataclass(frozen=True)
class Blueprint:
    """A project to be written.

    Attributes:
        roles: Who takes part; the last one listens, the others connect to it.
        languages: In each of which there is a driver.
        apart: Whether features and README stand in a folder of their own, beside those of a project that is there.
    """

    roles: tuple[str, ...]
    languages: tuple[Language, ...]
    apart: bool = False

    @property
    def drivers(self) -> list[Driver]:
        """The drivers, each named as its language."""
        return [Driver(language.name, language, f"drivers/{language.name}") for language in self.languages]

    def files(self) -> dict[str, str]:
        """Return all files, by their path."""
        values = self._values()
        templates = templates_below(_HERE / "templates" / "project")
        made = {path: Place(text).substitute(values) for path, text in templates}
        made[self._feature] = made.pop(_FEATURE)
        made[f"{self._folder}README.md"] = made.pop("README.md")
        for name in ("__init__", "contract", "steps"):
            made[f"{_PACKAGE}/{name}.py"] = (_HERE / "example" / f"{name}.py").read_text("utf-8")
        for driver in self.drivers:
            made |= {f"{driver.directory}/{path}": text for path, text in _driver(driver).items()}
        return dict(sorted(made.items()))

    @property
    def _folder(self) -> str:
        return f"{_PACKAGE}/" if self.apart else ""

    @property
    def _feature(self) -> str:
        return f"{self._folder}features/{_FEATURE}"

    def _values(self) -> Mapping[str, str]:
        *clients, server = self.roles
        first = self.languages[0].name
        packages = dict.fromkeys(package for one in self.languages for package in one.requires.values())
        return {
            "features": f"{self._folder}features",
            "feature": self._feature,
            "server": server,
            "client": clients[0],
            "connects": _steps("And", f"connects to '{server}'", clients),
            "gets": _steps("Then", "should get 'light blue' for 'colour'", clients[1:] or clients),
            "tries": _steps("And", "tries to get 'colour'", clients),
            "told": _steps("Then", "should be told 'gone'", clients),
            "roles": "\n".join([*(f'{name} = "sets and gets values"' for name in clients), f'{server} = "keeps them"']),
            "first": first,
            "reference": "" if first == _REFERENCE else f'reference = "{first}" # whom `harmony doctor` plays with\n',
            "doctor": f"harmony doctor {first}".ljust(len("harmony run 1.1") + 20),
            "languages": " and ".join(language.title for language in self.languages),
            "verbs": ", ".join(f"`{language.name}/{language.verbs}`" for language in self.languages),
            "platforms": "\n".join(map(entry_of, self.drivers)).rstrip(),
            "packages": "".join(f"\n      - run: sudo apt-get install --yes {package}" for package in packages),
        }


def _driver(driver: Driver) -> dict[str, str]:
    verbs = _HERE / "templates" / "drivers" / f"{PurePosixPath(driver.language.verbs).name}.in"
    made = render(driver, CONTRACT, [], verbs.read_text("utf-8"))
    del made["README.md"]  # it is about verbs that are to be filled in
    return made


def _steps(keyword: str, deed: str, roles: Iterable[str]) -> str:
    """Write a step of each role."""
    first, *others = (f"the '{role}' process {deed}" for role in roles)
    return "\n".join([f"    {keyword} {first}", *(f"    And {sentence}" for sentence in others)])
