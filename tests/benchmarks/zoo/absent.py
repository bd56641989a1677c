"""Needs something that is not installed."""

import importlib

importlib.import_module("a_package_that_nobody_has_installed")
