"""Drivers that `harmony new-driver` has made, and tests that pass for any contract."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("new_drivers.template_tests")
