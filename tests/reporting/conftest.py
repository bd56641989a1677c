"""Sessions run in a project of their own."""

from tests.harmony.conftest import sandbox

__all__ = ["sandbox"]
