"""kube-score, which is measured beside."""

from __future__ import annotations

from pathlib import Path

from control_plane.go_program import GoProgram

KUBE_SCORE = GoProgram(
    Path(__file__).parent / "modules" / "kube-score", package="github.com/zegl/kube-score", purpose="bench-check"
)
