"""What can be set about the steps: by ``ZEROBUFFER_STEPS_…`` variables, validated."""

from __future__ import annotations

import json
import os
from typing import Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator

_PREFIX: Final = "ZEROBUFFER_STEPS_"


class StepSettings(BaseModel):
    """Deadlines in seconds, sizes of stress, and the implementation.

    Attributes:
        library: The Python library under test, as ``module`` or ``module:attribute``.
        drivers: Programs that speak the port, as command lines by role, by platform, or ``*`` for all; roles without
            one are played by ``library``. JSON, such as ``{"writer": ["drivers/go/bin/driver"]}``.
        read_timeout: For an operation that must succeed.
        attempt_timeout: For an operation that is expected to fail.
        full_timeout: After which a full buffer is called full.
        quiet_timeout: After which no further frame is expected.
        idle_timeout: After which a reader that reads until no frame comes is done.
        blocked_for: How long an operation must not end to be called blocked.
        leave_timeout: How long a fast writer waits for its reader before it closes.
        bulk_timeout: For many frames together.
        slack: Added to every upper bound on time: machines are shared. 0 on a quiet one.
        long_run: How long the long run is.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    library: str = "zerobuffer"
    drivers: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    read_timeout: float = Field(default=5.0, gt=0, le=60)
    attempt_timeout: float = Field(default=2.0, gt=0, le=60)
    full_timeout: float = Field(default=0.2, gt=0, le=10)
    quiet_timeout: float = Field(default=0.2, gt=0, le=10)
    idle_timeout: float = Field(default=1.0, gt=0, le=10)
    blocked_for: float = Field(default=0.1, gt=0, le=10)
    leave_timeout: float = Field(default=1.0, gt=0, le=10)
    bulk_timeout: float = Field(default=50.0, gt=0, le=3600)
    slack: float = Field(default=1.0, ge=0, le=60)
    long_run: float = Field(default=20.0, gt=0, le=86400)

    @classmethod
    def of_environment(cls) -> Self:
        """Return what the variables say; the rest is as it is by default."""
        names = {name: _PREFIX + name.upper() for name in cls.model_fields}
        return cls.model_validate({name: os.environ[key] for name, key in names.items() if key in os.environ})

    @field_validator("drivers", mode="before")
    @classmethod
    def _from_json(cls, value: Any) -> Any:
        return json.loads(value) if isinstance(value, str) else value
