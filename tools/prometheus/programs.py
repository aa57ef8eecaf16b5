"""promtool, built from its Go module."""

from __future__ import annotations

from pathlib import Path

from control_plane.go_program import GoProgram

MODULES = Path(__file__).parent / "modules"
# The tag excludes service discovery, with its clients of all cloud providers.
PROMTOOL = GoProgram(
    MODULES / "promtool", package="github.com/prometheus/prometheus", purpose="promtool", tags=("remove_all_sd",)
)
