"""What a project can say about itself: every setting, with its default and what makes a value wrong."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, Self

import pydantic
from pydantic import BaseModel, ConfigDict, Field

from harmony.platform_settings import Platform, each_version
from harmony.project_file import NUMBER
from harmony.suggestion import did_you_mean


def unknown_role(role: str, known: Iterable[str]) -> str:
    """Say that nobody declares a role, and which one may be meant."""
    return f"the role {role!r} is not declared: {did_you_mean(role, sorted(known))}"


class Timeouts(BaseModel):
    """Deadlines in seconds.

    Attributes:
        step: For a step.
        by_tag: For a step of a scenario with a tag, where that is longer.
        setup: For an actor to begin a scenario.
        cleanup: For an actor to end one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    step: float = Field(default=30.0, gt=0, le=3600)
    by_tag: dict[str, float] = Field(default_factory=dict)
    setup: float = Field(default=30.0, gt=0, le=3600)
    cleanup: float = Field(default=15.0, gt=0, le=3600)


class DriverSettings(BaseModel):
    """What the project asks of drivers.

    Attributes:
        contract: Its verbs, as ``module:CONTRACT``; see :mod:`harmony.wire.driver_contract`.
        checks: What ``harmony doctor`` checks of each verb, as ``module:CHECKS``.
        cases: What ``harmony perf`` measures, as ``module:CASES``.
        local: The platform whose driver plays every role of a run without pairings; by default the project's providers
            do.
        reference: The platform against which ``harmony doctor`` plays.
        scenario: The scenario that it plays.
        documentation: Where its documentation is published, relative to the project file.
        schema_file: Where its JSON Schema is published.
        strict: Whether every word of a driver must be as the contract says, in every run (``--validate`` for one).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    contract: str = ""
    checks: str = ""
    cases: str = ""
    local: str = ""
    reference: str = "python"
    scenario: str = "1.1"
    documentation: Path | None = None
    schema_file: Path | None = None
    strict: bool = False


class LeakLimits(BaseModel):
    """What a scenario may leave behind in this process. ``check = false`` turns the resource monitor off."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    check: bool = True
    descriptors: int = Field(default=0, ge=0)
    threads: int = Field(default=0, ge=0)
    children: int = Field(default=0, ge=0)
    memory_mb: float = Field(default=256.0, gt=0)
    probes: tuple[str, ...] = ()


class ClauseSettings(BaseModel):
    """The written specification that scenarios cite.

    Attributes:
        document: Markdown with numbered clauses, or a list of them in TOML, relative to the project file.
        tag: How a citation begins that does not say the level: ``clause`` for ``@clause:3.2``.
        red: The levels whose deviations are red.
        table: Where it is published which scenarios cite which clause.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    document: Path | None = None
    tag: str = Field(default="clause", pattern=r"^[^\s:@]+$")
    table: Path | None = None
    red: tuple[Literal["must", "should", "may"], ...] = ("must",)


class ReportSettings(BaseModel):
    """What a project says in the document of its results.

    Attributes:
        title: Its heading.
        limits: A file of Markdown, relative to the project file: what the results do not show.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str = "Results"
    limits: Path | None = None


class GateSettings(BaseModel):
    """What ``harmony gates`` asks of the numbers that runs leave.

    Attributes:
        stage: How far the project is: each stage asks for more; without one only what is said here is asked for.
        coverage: Part of the lines that tests reach, in place of what the stage asks for; 0 asks for nothing.
        mutation: Part of the mutants that tests find.
        pass_rate: Part of the cells that pass.
        coverage_file: What a tool has written of coverage, relative to the project file.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    stage: Literal["", "development", "staging", "production"] = ""
    coverage: float | None = Field(default=None, ge=0, le=1)
    mutation: float | None = Field(default=None, ge=0, le=1)
    pass_rate: float | None = Field(default=None, ge=0, le=1)
    coverage_file: Path | None = None


class Settings(BaseModel):
    """The whole configuration of a project.

    Attributes:
        features: Directory of the feature files, relative to the project file.
        steps: Modules (or packages) with step classes; none if only step workers know the sentences.
        providers: Modules with providers and ``CONVERTERS``.
        numbered: Whether every scenario's title begins with its number.
        number: How a numbered title begins, as a regular expression; its first group is the number, the rest the name.
        roles: Known roles and what they mean; if any are known, others are errors.
        tags: Known tags and what they mean; others are errors. ``clause:*`` stands for all that begin so.
        opt_in: Tags whose scenarios run only on request.
        pairings: Which pairings run if none is asked for: every one; ``pairwise`` fewer, which still have each two
            platforms in each two roles; or ``each`` few, which have each platform in each role.
        capabilities: Tags that a platform must claim as a capability, or its cells are `unsupported`.
        repeat: The command that repeats a cell; ``{pytest}`` (how pytest was called), ``{words}`` (the cell, and the
            options that decide what it does) and ``{seed}`` are filled in.
        fuse: How many times in a row a platform may hang, or fail the same way, before it is stopped; 0 for any number.
        patience: How many times what passing cells of its scenario needed a step may take of a platform that has timed
            out before; 0 for the whole limit, of which steps may then wait for all in a scenario that is known to
            fail, too.
        side_by_side: How many cells of a matrix run at a time on each core, where that pays; more where they wait.
        history: How many whole runs are kept for ``harmony history``, and as many of a part of the cells; 0 for none.
        log_level: Least level shown on stderr while steps run.
        telemetry: Whether to make OpenTelemetry spans.
        timeouts: Deadlines.
        leaks: What a scenario may leave behind.
        driver: What the project asks of drivers.
        clauses: The written specification that scenarios cite.
        report: What the document of results says.
        gates: What the numbers of runs must reach.
        platforms: Implementations by name.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    features: Path = Path("features")
    steps: tuple[str, ...] = ("steps",)
    providers: tuple[str, ...] = ()
    numbered: bool = True
    number: str = NUMBER
    roles: dict[str, str] = Field(default_factory=dict)
    tags: dict[str, str] = Field(default_factory=dict)
    opt_in: tuple[str, ...] = ("stress", "benchmark")
    pairings: Literal["every", "pairwise", "each"] = "every"
    capabilities: tuple[str, ...] = ()
    repeat: str = "{pytest} {words} --seed {seed}"
    fuse: int = Field(default=5, ge=0)
    patience: float = Field(default=10.0, ge=0)
    side_by_side: int = Field(default=3, ge=1)
    history: int = Field(default=100, ge=0)
    log_level: Literal["trace", "debug", "info", "warning", "error", "critical"] = "warning"
    telemetry: bool = False
    timeouts: Timeouts = Timeouts()
    leaks: LeakLimits = LeakLimits()
    driver: DriverSettings = Field(default_factory=DriverSettings)
    clauses: ClauseSettings = Field(default_factory=ClauseSettings)
    report: ReportSettings = Field(default_factory=ReportSettings)
    gates: GateSettings = Field(default_factory=GateSettings)
    platforms: dict[str, Platform] = Field(default_factory=dict)

    @pydantic.field_validator("number")
    @classmethod
    def _has_a_group(cls, value: str) -> str:
        try:
            groups = re.compile(value).groups
        except re.error as error:
            raise ValueError(f"no regular expression: {error}") from None
        if not groups:
            raise ValueError(r"its first group is the number: write it as in 'Test (\d+\.\d+) - '")
        return value

    @pydantic.field_validator("roles")
    @classmethod
    def _in_lower_case(cls, value: dict[str, str]) -> dict[str, str]:
        return {name.lower(): meaning for name, meaning in value.items()}

    @pydantic.field_validator("platforms", mode="before")
    @classmethod
    def _one_for_each_version(cls, value: Any) -> Any:
        return each_version(value) if isinstance(value, Mapping) else value

    @pydantic.model_validator(mode="after")
    def _platforms_play_known_roles(self) -> Self:
        for name, platform in self.platforms.items():
            named = [("roles", role) for role in platform.roles] + [("plays", role) for role in platform.plays]
            for key, role in named if self.roles else ():
                if role not in self.roles:
                    raise ValueError(f"platforms.{name}.{key}: {unknown_role(role, self.roles)}")
        return self

    @pydantic.model_validator(mode="after")
    def _driver_exists(self) -> Self:
        name = self.driver.local
        drivers = [key for key, platform in self.platforms.items() if platform.driver_command]
        if name and name not in drivers:
            raise ValueError(f"driver.local: {name!r} is no platform with a driver; {did_you_mean(name, drivers)}")
        return self

    @pydantic.field_validator("repeat")
    @classmethod
    def _can_be_filled_in(cls, value: str) -> str:
        try:
            value.format(pytest="", words="", seed=0)
        except (KeyError, IndexError, ValueError, AttributeError) as error:
            raise ValueError(
                f"{value!r} cannot be filled in ({error}); it may have {{pytest}}, {{words}}, {{seed}}"
            ) from None
        return value

    @property
    def played_roles(self) -> frozenset[str]:
        """The roles that some platform plays; none where any may be played, or there is no platform."""
        every = [frozenset(platform.plays) for platform in self.platforms.values()]
        return frozenset().union(*every) if all(every) else frozenset()
