"""Tests of the specification itself: that it finds what deviates, and nothing else."""
