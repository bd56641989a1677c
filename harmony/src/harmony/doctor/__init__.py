"""Examines a driver: everything the contract demands of it, one check after the other, each with its remedy.

`check` says what a check is, `patient` is the process that is examined, `context` is where one check has its patients,
`trial` is what a project adds about its own verbs, `examination` runs them, and `rendering` writes what was found.
"""
