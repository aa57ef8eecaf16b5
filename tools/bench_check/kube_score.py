"""kube-score, which is measured beside."""

from __future__ import annotations

from pathlib import Path

from control_plane.go_build import go
from control_plane.go_program import GoProgram

KUBE_SCORE = GoProgram(Path(__file__).parent / "modules" / "kube-score", purpose="bench-check")


def version() -> str:
    """Return the version that the module pins."""
    return go(KUBE_SCORE.module, "list", "-m", "-f", "{{.Version}}", "github.com/zegl/kube-score").strip()
