"""`python -m test_programs`: build what tests run, before the first test waits for something while a compiler works."""

from __future__ import annotations

import sys

from control_plane.go_build import BuildFailed
from helm.programs import HELM_3, HELM_4
from prometheus.programs import PROMTOOL
from workflows.programs import ACTIONLINT


def main() -> int:
    """Build the programs that are missing, and return the exit code."""
    try:
        for each in (HELM_3, HELM_4, PROMTOOL, ACTIONLINT):
            each.ensure()
    except BuildFailed as failure:
        print(f"error: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
