"""A driver for each implementation."""
