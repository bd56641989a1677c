import pytest

pytest.register_assert_rewrite(
    *(f"tests.drivers.{name}" for name in ("exchange", "language", "mutants", "subject", "wire"))
)
