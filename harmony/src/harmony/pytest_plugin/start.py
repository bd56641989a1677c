"""``python -m harmony.pytest_plugin.start``: a pytest of ``harmony run``, which may be interrupted while it loads."""

from __future__ import annotations

import sys

from harmony import early_end

if __name__ == "__main__":
    early_end.watch()
    import pytest

    sys.exit(pytest.main())
