"""Preparing platforms: the programs that can be built here are built, with a line for each."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection

from harmony.platform_settings import Platform
from harmony.project import Project
from harmony.run import building
from harmony.run.pool import filled_in, unavailable


def build_platform(name: str, platform: Platform, project: Project, say: Callable[[str], object]) -> str:
    """Run the build command of a platform; return why it is not made, or nothing."""
    command = filled_in(platform.build, project.home)
    begin = time.monotonic()
    say(f"{name}: {' '.join(command)}")
    trouble = building.build(name, platform, project.home, command)
    if not trouble:
        say(f"{name}: built in {time.monotonic() - begin:.1f} s")
    return trouble and f"{name}: not built: {trouble}"


def build_missing(project: Project, names: Collection[str], say: Callable[[str], object]) -> str:
    """Build what is not built, or from other sources, where its tools are here; return what went wrong, or nothing.

    Args:
        project: The project.
        names: Of the platforms that shall play.
        say: Is told what is done.
    """
    for name, platform in project.settings.platforms.items():
        missing = name in names and platform.build and unavailable(name, platform, project.home)
        if not missing or building.missing_tools(platform):
            continue
        if trouble := build_platform(name, platform, project, say):
            return trouble
    return ""
