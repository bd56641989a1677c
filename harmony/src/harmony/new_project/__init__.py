"""A project to start from: a small protocol that works, in the roles and languages that somebody wants."""
