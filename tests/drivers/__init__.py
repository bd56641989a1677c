import pytest

pytest.register_assert_rewrite("tests.drivers.exchange", "tests.drivers.wire")
