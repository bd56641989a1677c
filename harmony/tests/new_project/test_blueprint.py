"""What `harmony init` makes of roles and languages, and what it leaves alone."""

from __future__ import annotations

import re
import tomllib
from typing import Final

import pytest

from harmony.errors import ConfigurationError
from harmony.new_driver.languages import LANGUAGES
from harmony.new_project.blueprint import Blueprint, check_roles
from harmony.new_project.placement import place

FEATURE: Final = "features/01-key-value.feature"
# What a person writes of a driver: no blank line, comment, import, or line of brackets.
_NOT_WRITTEN: Final = re.compile(
    r"\s*(//.*|#.*|/?\*.*|\"\"\".*|[\]\[(){};,\s]*|(import|use|using|package|namespace) .*"
    r"|from \S+ import .*|@Override)"
)


def made(*roles: str, languages: tuple[str, ...] = ("python", "node")) -> dict[str, str]:
    return Blueprint(roles or ("client", "server"), tuple(LANGUAGES[name] for name in languages)).files()


def test_contract_steps_features_and_configuration_are_short() -> None:
    files = made()
    paths = [path for path in files if path.endswith((".feature", ".toml")) or path.startswith("conformance/")]
    assert len(paths) == 6
    assert sum(files[path].count("\n") for path in paths) <= 150


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_a_person_writes_of_a_driver_is_short(language: str) -> None:
    verbs = made(languages=(language,))[f"drivers/{language}/{LANGUAGES[language].verbs}"]
    assert sum(not _NOT_WRITTEN.fullmatch(line) for line in verbs.splitlines()) <= 60


def test_no_place_of_a_template_is_left() -> None:
    assert [path for path, text in made(languages=tuple(LANGUAGES)).items() if "@@" in text] == []


def test_the_last_role_listens_and_every_other_one_connects_and_is_told() -> None:
    feature = made("reader", "writer", "keeper")[FEATURE]
    assert "Given the 'keeper' process listens" in feature
    for role in ("reader", "writer"):
        assert f"the '{role}' process connects to 'keeper'" in feature
        assert f"the '{role}' process should be told 'gone'" in feature
    assert "When the 'reader' process sets" in feature
    assert "Then the 'writer' process should get 'light blue'" in feature
    assert "the 'keeper' process is killed" in feature


def test_a_project_without_python_has_another_reference() -> None:
    driver = tomllib.loads(made(languages=("go", "node"))["harmony.toml"])["driver"]
    assert (driver["local"], driver["reference"]) == ("go", "go")
    assert "reference" not in tomllib.loads(made()["harmony.toml"])["driver"]


def test_what_every_language_takes_is_installed_by_ci() -> None:
    workflow = made(languages=tuple(LANGUAGES))[".github/workflows/conformance.yml"]
    for language in LANGUAGES.values():
        for package in language.requires.values():
            assert package in workflow


@pytest.mark.parametrize(
    ("roles", "told"),
    [
        (["Client", "server"], "'Client' cannot name a role"),
        (["a b", "server"], "'a b' cannot name a role"),
        (["it's", "server"], "cannot name a role"),
        (["peer", "peer"], "'peer' is named twice"),
        (["alone"], "one role alone has nobody to talk to: alone"),
        ([], "none is named"),
    ],
)
def test_names_of_roles_are_checked(roles: list[str], told: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check_roles(roles)
    assert told in caught.value.message


def test_what_can_be_merged_is_told_and_all_else_is_refused() -> None:
    files = made()
    there = {".gitignore": "build/\n.harmony/\n", ".pre-commit-config.yaml": files[".pre-commit-config.yaml"]}
    placement = place(files, there.get)
    assert set(placement.files) == set(files) - set(there)
    assert placement.by_hand == {".gitignore": ".pytest_cache/\n__pycache__/", ".pre-commit-config.yaml": ""}
    with pytest.raises(ConfigurationError, match=r"never overwritten: conformance/steps\.py, drivers/node/verbs\.mjs"):
        place(files, {"conformance/steps.py": "", "drivers/node/verbs.mjs": "", ".gitignore": ""}.get)
