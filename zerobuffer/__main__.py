"""`python -m zerobuffer` is the same as the command `zerobuffer`."""

import sys

from zerobuffer.cli import main

if __name__ == "__main__":
    sys.exit(main())
