"""Examines a driver: everything the contract demands of it, one check after the other, each with its remedy.

`check` says what a check is, `driver_probe` is the process that is examined, and `check_context` is where a check has
its drivers. `driver_checks` is what a project adds about its own verbs, `examination` runs them, and `rendering` writes
what was found.
"""
