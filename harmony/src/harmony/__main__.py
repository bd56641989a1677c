"""``python -m harmony``."""

from harmony.cli import main

main()
