"""Drivers with one fault each, derived from the Python driver: what `harmony doctor` must find, and by which checks.

python -m tests.zoo.broken_drivers NAME
"""

from tests.zoo.broken_drivers import ending, introduction, refusals, requests, stdout, verbs, wire
from tests.zoo.broken_drivers.sound import ZOO, Sound

__all__ = ["ZOO", "Sound", "ending", "introduction", "refusals", "requests", "stdout", "verbs", "wire"]
