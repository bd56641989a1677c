"""What a project can say about itself: every setting, with its default and what makes a value wrong."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Final, Literal, Self

import pydantic
from pydantic import BaseModel, ConfigDict, Field, PlainSerializer
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from harmony import patterns
from harmony.project_file import NUMBER
from harmony.suggestion import did_you_mean

PREFIX: Final = "HARMONY_"
"""Of a variable that has a setting."""
NESTING: Final = "__"
"""Between two keys in the name of such a variable."""
Capabilities = Annotated[frozenset[str], PlainSerializer(sorted, return_type=list[str], when_used="json")]
"""In JSON always in the same order, which a set has in no other process."""


def unknown_role(role: str, known: Iterable[str]) -> str:
    """Say that nobody declares a role, and which one may be meant."""
    return f"the role {role!r} is not declared: {did_you_mean(role, sorted(known))}"


class RolePart(BaseModel):
    """What is different where a platform plays one role.

    Attributes:
        capabilities: What it claims to be able to do in this role, in place of what the platform claims.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    capabilities: Capabilities


class PlatformLeaks(BaseModel):
    """What the cells of a platform may leave behind.

    Attributes:
        check: Whether a cell in which it plays fails for what is left; it is removed in any case.
        probes: Name what is left, beside those of the project.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    check: bool = True
    probes: tuple[str, ...] = ()


class PlatformMutation(BaseModel):
    """How ``harmony mutate`` plants faults in a platform.

    Attributes:
        sources: Patterns of the files in which it plants them; the platform's ``sources`` if there are none.
        leave_out: Patterns of those in which it plants none, such as tests and what is the driver's alone.
        build: Command that builds the platform with a fault; the platform's ``build`` if absent.
        prepare: Command that makes a copy of the project ready, once, such as one that makes an environment in it.
        python: The Python that plays in a copy, relative to it; by default the one that runs ``harmony mutate``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    sources: tuple[str, ...] = ()
    leave_out: tuple[str, ...] = ()
    build: tuple[str, ...] = ()
    prepare: tuple[str, ...] = ()
    python: Path | None = None


class Platform(BaseModel):
    """One implementation that can play roles.

    Attributes:
        command: How its process is started.
        listen: How a process is started that listens on ``{socket}``, for ``harmony up``; none if it cannot.
        contract: What that process speaks: ``steps`` (it has step definitions) or ``driver`` (it has verbs).
        driver: How its driver is started, where ``command`` starts something else; see :attr:`driver_command`.
        directory: Where it is started, relative to the project file.
        environment: Variables added to its environment.
        build: Command that builds it, if it needs one.
        requires: Programs that the build or the start takes, headers of C++ (``*.h``, ``*.hpp``) that the build takes,
            and the Debian package that has each.
        sources: Patterns of the files that it is built from; a program made from others counts as not built.
        capabilities: What it claims to be able to do.
        roles: What is different in some role.
        leaks: What its cells may leave behind.
        mutation: How faults are planted in it.
        lifetime: How long a process with step definitions plays: one scenario, as it is told its numbers when it is
            started, or the whole session, where `initialize` may tell it other ones for each scenario.
        start_timeout: Seconds until it must answer for the first time.
        step_timeout: Seconds a step may take; the project's value if absent.
        stop_timeout: Seconds it gets to end in order before it is killed.
        stderr: What becomes of an alarm there, such as the report of a sanitizer or a panic: it is shown, and with
            ``clean`` fails the cell.
        stderr_patterns: Regular expressions of more alarms, each for a line.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    command: tuple[str, ...] = Field(min_length=1)
    listen: tuple[str, ...] = ()
    contract: Literal["steps", "driver"] = "steps"
    driver: tuple[str, ...] = ()
    directory: Path = Path()
    environment: dict[str, str] = Field(default_factory=dict)
    build: tuple[str, ...] = ()
    requires: dict[str, str] = Field(default_factory=dict)
    sources: tuple[str, ...] = ()
    capabilities: Capabilities = frozenset()
    roles: dict[str, RolePart] = Field(default_factory=dict)
    leaks: PlatformLeaks = PlatformLeaks()
    mutation: PlatformMutation = PlatformMutation()
    lifetime: Literal["scenario", "session"] = "scenario"
    start_timeout: float = Field(default=30.0, gt=0)
    step_timeout: float | None = Field(default=None, gt=0)
    stop_timeout: float = Field(default=5.0, gt=0)
    stderr: Literal["captured", "clean"] = "captured"
    stderr_patterns: tuple[str, ...] = ()

    @pydantic.field_validator("stderr_patterns")
    @classmethod
    def _compile(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in value:
            try:
                patterns.check(pattern)
            except patterns.PatternError as error:
                raise ValueError(f"{pattern!r}: {error}") from None
        return value

    @pydantic.field_validator("roles")
    @classmethod
    def _in_lower_case(cls, value: dict[str, RolePart]) -> dict[str, RolePart]:
        return {name.lower(): part for name, part in value.items()}

    def claims(self, capability: str, role: str) -> bool:
        """Whether it claims to be able to do something in a role."""
        part = self.roles.get(role)
        return capability in (part.capabilities if part else self.capabilities)

    @property
    def driver_command(self) -> tuple[str, ...]:
        """How a process is started that has the verbs of the contract; nothing if this platform has none."""
        return self.driver or (self.command if self.contract == "driver" else ())


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
        document: Markdown with numbered clauses, relative to the project file.
        tag: How a citation begins: ``clause`` for ``@clause:3.2``.
        table: Where it is published which scenarios cite which clause.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    document: Path | None = None
    tag: str = Field(default="clause", pattern=r"^[^\s:@]+$")
    table: Path | None = None


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


class Settings(BaseSettings):
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
        capabilities: Tags that a platform must claim as a capability, or its cells are `unsupported`.
        repeat: The command that repeats a cell; ``{pytest}`` (how pytest was called), ``{words}`` (the cell, and the
            options that decide what it does) and ``{seed}`` are filled in.
        fuse: How many times in a row a platform may hang, or fail the same way, before it is stopped; 0 for any number.
        patience: How many times what passing cells of its scenario needed a step may take of a platform that has timed
            out before; 0 for the whole limit.
        history: How many whole runs are kept for ``harmony history``, and as many of a part of the cells; 0 for none.
        log_level: Least level shown on stderr while steps run.
        telemetry: Whether to make OpenTelemetry spans.
        timeouts: Deadlines.
        leaks: What a scenario may leave behind.
        driver: What the project asks of drivers.
        clauses: The written specification that scenarios cite.
        gates: What the numbers of runs must reach.
        platforms: Implementations by name.
    """

    model_config = SettingsConfigDict(extra="forbid", frozen=True, env_prefix=PREFIX, env_nested_delimiter=NESTING)

    features: Path = Path("features")
    steps: tuple[str, ...] = ("steps",)
    providers: tuple[str, ...] = ()
    numbered: bool = True
    number: str = NUMBER
    roles: dict[str, str] = Field(default_factory=dict)
    tags: dict[str, str] = Field(default_factory=dict)
    opt_in: tuple[str, ...] = ("stress", "benchmark")
    capabilities: tuple[str, ...] = ()
    repeat: str = "{pytest} {words} --seed {seed}"
    fuse: int = Field(default=5, ge=0)
    patience: float = Field(default=10.0, ge=0)
    history: int = Field(default=100, ge=0)
    log_level: Literal["trace", "debug", "info", "warning", "error", "critical"] = "warning"
    telemetry: bool = False
    timeouts: Timeouts = Timeouts()
    leaks: LeakLimits = LeakLimits()
    driver: DriverSettings = Field(default_factory=DriverSettings)
    clauses: ClauseSettings = Field(default_factory=ClauseSettings)
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

    @pydantic.model_validator(mode="after")
    def _platforms_play_known_roles(self) -> Self:
        for name, platform in self.platforms.items():
            for role in platform.roles if self.roles else ():
                if role not in self.roles:
                    raise ValueError(f"platforms.{name}.roles: {unknown_role(role, self.roles)}")
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

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take values from the constructor alone: :mod:`harmony.config_sources` has merged all sources."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)
