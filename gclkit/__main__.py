"""``python -m gclkit`` is the ``gclkit`` command."""

import sys

from gclkit.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
