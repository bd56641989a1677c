"""A worker of pytest-xdist: how it is known as one, and what its controller has told it."""

from __future__ import annotations

from typing import Any

import pytest


def is_worker(config: pytest.Config) -> bool:
    """Whether this process is a worker, so that its controller reports."""
    return hasattr(config, "workerinput")


def told(config: pytest.Config, name: str) -> Any:
    """Return what a worker was told under a name; None if that is nothing, and where there is no controller."""
    return getattr(config, "workerinput", {}).get(name)
