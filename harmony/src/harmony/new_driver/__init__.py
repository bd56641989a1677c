"""A driver to start from, in any of seven languages: it builds, introduces itself, and has verbs to be filled in."""
