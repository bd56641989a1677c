"""A driver to start from, in any of six languages: it builds, introduces itself, and has its verbs to be filled in."""
