"""promtool and the server, built from one Go module."""

from __future__ import annotations

from pathlib import Path

from control_plane.go_program import GoProgram

MODULE = Path(__file__).parent / "modules" / "prometheus"
COMMANDS = "github.com/prometheus/prometheus/cmd"
WITHOUT_DISCOVERY = ("remove_all_sd",)
"""Excludes service discovery, with its clients of all cloud providers."""

PROMTOOL = GoProgram(MODULE, purpose="promtool", package=f"{COMMANDS}/promtool", tags=WITHOUT_DISCOVERY)
SERVER = GoProgram(MODULE, purpose="prometheus", package=f"{COMMANDS}/prometheus", tags=WITHOUT_DISCOVERY)
"""Without the tag `builtinassets` it has no web UI."""
