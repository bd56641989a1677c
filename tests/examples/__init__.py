"""The projects in examples/."""
