"""pytest in a process of its own, with the plugins that runs need and no others: each start is half as long."""

from __future__ import annotations

import sys
from typing import Final

PLUGINS: Final = ("harmony.pytest_plugin.plugin", "pytest_asyncio.plugin", "xdist.plugin")
ALONE: Final = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
"""What its environment says: only what the command line names is loaded."""


def words_of_pytest(*arguments: str) -> list[str]:
    """Return the command."""
    named = [word for plugin in PLUGINS for word in ("-p", plugin)]
    return [sys.executable, "-m", "pytest", *named, *arguments]
