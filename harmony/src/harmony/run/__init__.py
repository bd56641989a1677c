"""Doing it: scenarios over the actors of their roles."""
