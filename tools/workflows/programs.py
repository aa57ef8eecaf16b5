"""actionlint, built from its Go module."""

from __future__ import annotations

from pathlib import Path

from control_plane.go_program import GoProgram

MODULES = Path(__file__).parent / "modules"
ACTIONLINT = GoProgram(MODULES / "actionlint", purpose="actionlint")
