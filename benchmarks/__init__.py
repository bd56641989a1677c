"""Side by side with peers and with plain C, in one interleaved run: ``python -m benchmarks``."""
