"""Helm 3 and Helm 4, built from their Go modules."""

from __future__ import annotations

from pathlib import Path

from control_plane.go_program import GoProgram

MODULES = Path(__file__).parent / "modules"
HELM_3 = GoProgram(MODULES / "helm3", purpose="helm")
HELM_4 = GoProgram(MODULES / "helm4", purpose="helm")
