"""`python -m chaos.clocked`: the operator with a clock that somebody sets.

The clock of a machine cannot be set for one process alone. So the two clocks that the operator is given are: what is
in the file that OFFSET_FILE names, in seconds, is added to what the day is.
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from productionpolicy.cli.main import main
from productionpolicy.controller import operator
from productionpolicy.controller.clock import Clock

OFFSET_FILE = "CHAOS_OFFSET_FILE"


def now() -> datetime:
    """Return the moment that the clock shows."""
    offset = Path(os.environ[OFFSET_FILE]).read_text()
    return datetime.now(UTC) + timedelta(seconds=float(offset or 0))


if __name__ == "__main__":
    operator.CLOCK = Clock(now=now)
    sys.exit(main())
