"""What a session is asked for: the project, the scenarios and the pairings, read from the options when first needed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final, NoReturn

import pytest

from harmony.config_sources import overrides_of
from harmony.errors import ExitCode, HarmonyError
from harmony.plan.pairing import PairingRequest, parse_roles
from harmony.plan.platforms import NamedPlatforms, strength_of
from harmony.plan.touched import Touched
from harmony.plan.words import Words
from harmony.project import Project, load_project, load_suite
from harmony.project_file import PROJECT_FILE, find_project_file
from harmony.pytest_plugin.invocation import options, program, template
from harmony.pytest_plugin.tags import marker_expression, wanted_tags
from harmony.pytest_plugin.words import take_words
from harmony.run.project_run import Choice, Invocation, ProjectRun

_RUN: Final = pytest.StashKey[ProjectRun | None]()


class LintFoundError(HarmonyError):
    """Features and steps do not fit together.

    Way out: correct what is listed above the message; `harmony lint` lists it again and runs nothing.
    """

    code = "lint"
    exit_code = ExitCode.LINT


class BuildFailedError(HarmonyError):
    """What shall play cannot be built.

    Way out: read what the build printed above; `harmony build NAME` repeats it, `--no-build` goes on without.
    """

    code = "build_failed"
    exit_code = ExitCode.FAILED


def stop(config: pytest.Config, error: HarmonyError) -> NoReturn:
    """End before anything runs; `harmony run` says why in its own way."""
    if config.getoption("--harmony-run"):
        raise pytest.UsageError(str(error)) from error
    pytest.exit(str(error), returncode=error.exit_code)


def project_run(config: pytest.Config) -> ProjectRun | None:
    """Return the project and what is chosen of it; nothing where there is no project.

    Raises:
        pytest.UsageError: The project or the choice is wrong.
    """
    if _RUN not in config.stash:
        try:
            config.stash[_RUN] = _read(config)
        except HarmonyError as error:
            raise pytest.UsageError(str(error)) from error
    return config.stash[_RUN]


def pairing_request(config: pytest.Config, run: ProjectRun) -> PairingRequest:
    """Return which pairings are asked for.

    Raises:
        HarmonyError: An option names no platform.
    """
    option = config.getoption
    named = _platforms(config)
    return PairingRequest(
        tuple(option("--pairing")),
        parse_roles(option("--role"), run.project.settings.platforms),
        strength_of(run.project.settings, few=option("--pairwise"), every=option("--all-pairings")),
        named.chosen,
        tuple(named.brought),
    )


def asks_for_pairings(config: pytest.Config) -> bool:
    """Whether roles shall be processes of their own."""
    option = config.getoption
    return any(
        option(name) for name in ("--matrix", "--pairing", "--role", "--pairwise", "--all-pairings", "--platform")
    )


def touched_cells(config: pytest.Config) -> Touched | None:
    """Return which cells a change touches, where `harmony watch` asks for these alone."""
    words = config.getoption("--touched")
    return Touched.of_words(words) if words else None


def _read(config: pytest.Config) -> ProjectRun | None:
    wanted, suite = config.getoption("--harmony-project"), config.getoption("--harmony-suite")
    file = Path(wanted).resolve() if wanted else find_project_file(config.rootpath)
    if file is None and not suite:
        if words := config.getoption("--scenario"):
            raise pytest.UsageError(f"--scenario {words[0]}: no {PROJECT_FILE} in {config.rootpath} or above")
        return None
    project = _project(config, file, suite)
    take_words(config, project)
    _take_said(config, project)
    _take_tags(config, project)
    tags = [tag for tag in ("stress", "benchmark") if config.getoption(f"--{tag}")]
    run = ProjectRun(project, Choice(tuple(config.getoption("--scenario")), (*tags, *config.getoption("--with-tag"))))
    run.invocation = Invocation(
        program(config), options(config, project), config.invocation_params.dir, template(config)
    )
    return run


def _project(config: pytest.Config, file: Path | None, suite: str) -> Project:
    strict = ["driver.strict=true"] if config.getoption("--validate") else []
    overrides = overrides_of([*config.getoption("--harmony-set"), *strict])
    here = config.invocation_params.dir
    project = load_suite(suite, here, overrides) if suite else load_project(file, overrides)
    return replace(project, settings=_platforms(config).added_to(project.settings))


def _platforms(config: pytest.Config) -> NamedPlatforms:
    return NamedPlatforms.of(config.getoption("--platform"), config.invocation_params.dir)


def _take_said(config: pytest.Config, project: Project) -> None:
    """Turn the words of `harmony run`, which never name files, into options; collect the project's features."""
    if config.getoption("--harmony-run"):
        config.args = [str(project.features_directory)]
    said = Words.of(config.option.harmony_words, project.settings.platforms)
    config.option.pairing = [*config.option.pairing, *said.pairings]
    config.option.scenario = [*config.option.scenario, *said.scenarios]
    config.option.harmony_words = []


def _take_tags(config: pytest.Config, project: Project) -> None:
    """Turn tags into pytest's expression of markers; a tag that runs on request only is asked for thereby."""
    option, settings = config.option, project.settings
    if not option.tag:
        return
    expression = marker_expression(option.tag, project.known_tags)
    option.markexpr = f"({option.markexpr}) and ({expression})" if option.markexpr else expression
    wanted = wanted_tags(option.tag)
    option.with_tag = list(dict.fromkeys([*option.with_tag, *(tag for tag in settings.opt_in if tag in wanted)]))
    option.tag = []
