"""Soak: random use as users would, round after round, and a judge that knows what must hold."""
