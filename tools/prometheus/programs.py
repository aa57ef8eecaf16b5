"""promtool and the server, each built from its Go module."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from control_plane.go_program import GoProgram

MODULES = Path(__file__).parent / "modules"
# The tag excludes service discovery, with its clients of all cloud providers.
_program = partial(GoProgram, package="github.com/prometheus/prometheus", tags=("remove_all_sd",))
PROMTOOL = _program(MODULES / "promtool", purpose="promtool")
SERVER = _program(MODULES / "prometheus", purpose="prometheus")
"""Without the tag `builtinassets` it has no web UI."""
