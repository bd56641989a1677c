"""The steps of this project answer as peers in the field have been answered: recorded conversations, replayed."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sandbox import run_python

ROOT: Final = Path(__file__).parents[2]
VECTORS: Final = ROOT / "harmony" / "tests" / "serve" / "vectors"


def test_harmony_serve_is_held_to_the_recorded_conversations() -> None:
    done = run_python(ROOT, "-m", "harmony", "replay", str(VECTORS), "--platform", "python")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "16 of 16 recordings passed" in done.stdout
