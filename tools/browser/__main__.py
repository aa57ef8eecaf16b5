"""`python -m browser`: get the browser in which pages are tested, before the first test waits for it."""

from __future__ import annotations

import sys

from browser.programs import ensure
from proof.packages import NotAvailable


def main() -> int:
    """Get the browser if it is missing, and return the exit code."""
    try:
        ensure()
    except NotAvailable as failure:
        print(f"error: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
