"""Telling it to a person."""
