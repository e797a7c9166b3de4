"""Make ``python -m fastpc`` the same as ``fastpc``."""

import sys

from fastpc.cli import main

if __name__ == "__main__":
    sys.exit(main())
