"""`python -m test_programs`: build what tests run, before the first test waits for something while a compiler works.

With `--browser` it gets a browser instead: an installed one, or the distribution's, unpacked into the cache.
"""

from __future__ import annotations

import argparse
import sys

from browser import programs as browser
from control_plane.go_build import BuildFailed
from helm.programs import HELM_3, HELM_4
from prometheus.programs import PROMTOOL
from reports.programs import DECODE
from workflows.programs import ACTIONLINT


def main() -> int:
    """Build the programs that are missing, and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="test_programs", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--browser", action="store_true", help="get the browser in which pages are tested")
    wanted = (browser,) if parser.parse_args().browser else (HELM_3, HELM_4, PROMTOOL, ACTIONLINT, DECODE)
    try:
        for each in wanted:
            each.ensure()
    except BuildFailed as failure:
        print(f"error: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
