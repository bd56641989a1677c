"""The entry point that pytest loads wherever harmony is installed: the plugin comes in only where a project is.

Without a project no option is added and nothing else is imported: the other tests of an environment are left alone.
"""

from __future__ import annotations

import pytest

from harmony.project_file import find_project_file

_PROJECT_OPTIONS = ("--harmony-project", "--harmony-suite")


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config, args: list[str]) -> None:
    """Load the plugin in a project, before the options are read."""
    # A worker of pytest-xdist gets the options of its controller without their words.
    given = vars(early_config.option)
    named: object = any(word.partition("=")[0] in _PROJECT_OPTIONS for word in args)
    named = named or given.get("harmony_project") or given.get("harmony_suite")
    if named or find_project_file(early_config.rootpath):
        early_config.pluginmanager.import_plugin("harmony.pytest_plugin.plugin")
