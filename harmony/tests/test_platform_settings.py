"""What a project says about an implementation: roles, versions, commands."""

from __future__ import annotations

from typing import Any

import pydantic
import pytest

from harmony.config import Settings
from harmony.platform_settings import Platform, base_name, each_version


def test_a_role_may_have_a_command_variables_and_claims_of_its_own() -> None:
    one = Platform.model_validate(
        {
            "command": ["client"],
            "environment": {"A": "1"},
            "capabilities": ["v5"],
            "roles": {"Hub": {"command": ["hub"], "environment": {"B": "2"}}, "ear": {"capabilities": []}},
        }
    )
    assert (one.in_role("hub").command, one.in_role("hub").environment) == (("hub",), {"A": "1", "B": "2"})
    assert one.in_role("ear") is one.in_role("other") is one
    assert [one.claims("v5", role) for role in ("hub", "ear", "other")] == [True, False, True]
    assert one.commands == (("client",), ("hub",))


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({}, "command: it is missing"),
        ({"plays": ["a", "b"], "roles": {"a": {"command": ["x"]}}}, "command: it is missing"),
        ({"roles": {"a": {"command": ["x"]}}}, "command: it is missing"),
        ({"command": ["x"], "plays": ["a"], "roles": {"b": {"command": ["x"]}}}, "roles.b: it does not play this role"),
        ({"command": ["x"], "roles": {"a": {}}}, "it says nothing"),
        ({"command": ["x"], "version": {"command": ["x"], "pattern": "("}}, "version.pattern"),
    ],
)
def test_what_does_not_fit_together_is_said(entry: dict[str, Any], said: str) -> None:
    with pytest.raises(pydantic.ValidationError) as caught:
        Platform.model_validate(entry)
    error = caught.value.errors()[0]
    assert said in ": ".join([".".join(map(str, error["loc"])), error["msg"]])


def test_where_each_role_has_a_command_the_platform_needs_none() -> None:
    roles = {"a": {"command": ["x"]}, "b": {"command": ["y"]}}
    assert Platform.model_validate({"plays": ["A", "b"], "roles": roles}).commands == (("x",), ("y",))


def test_a_role_that_nobody_declares_is_no_role_that_a_platform_plays() -> None:
    with pytest.raises(
        pydantic.ValidationError, match=r"platforms\.x\.plays: the role 'sendr' .*did you mean 'sender'"
    ):
        Settings.model_validate({"roles": {"sender": ""}, "platforms": {"x": {"command": ["x"], "plays": ["sendr"]}}})


def test_each_version_is_a_platform_and_the_first_one_plays_under_the_plain_name() -> None:
    entry = {
        "versions": ["2.7.9", "2.7.8"],
        "command": ["bin/{version}/hub"],
        "build": ["make", "V={version}"],
        "environment": {"AT": "{version}"},
        "roles": {"ear": {"command": ["ear", "{version}"]}},
    }
    made = Settings.model_validate({"platforms": {"a": {"command": ["a"]}, "hub": entry}}).platforms
    assert list(made) == ["a", "hub", "hub@2.7.9", "hub@2.7.8"]
    assert [made[name].opt_in for name in made] == [False, False, True, True]
    old = made["hub@2.7.8"]
    assert (old.command, old.build, old.environment) == (("bin/2.7.8/hub",), ("make", "V=2.7.8"), {"AT": "2.7.8"})
    assert old.in_role("ear").command == ("ear", "2.7.8")
    assert made["hub"].command == made["hub@2.7.9"].command == ("bin/2.7.9/hub",)
    assert [base_name(name) for name in made] == ["a", "hub", "hub", "hub"]


@pytest.mark.parametrize(
    ("versions", "said"),
    [
        ([], "list of versions"),
        ("2.7", "list of versions"),
        (["2 7"], "list of versions"),
        (["1"], "all would be the same"),
    ],
)
def test_versions_that_make_nothing_are_refused(versions: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        each_version({"hub": {"versions": versions, "command": ["x"]}})
