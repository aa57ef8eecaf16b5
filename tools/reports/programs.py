"""A program that decodes reports into the types of their projects, and the definitions that these publish.

Both come from Go modules that are pinned by checksums. OpenReports publishes its definitions in the module of its
types; those of wgpolicyk8s.io are published by Kyverno, whose reports they hold.
"""

from __future__ import annotations

import json
from pathlib import Path

from control_plane.go_build import go
from control_plane.go_program import GoProgram

_MODULE = Path(__file__).parent / "modules" / "decode"
DECODE = GoProgram(_MODULE, purpose="reports")

_DEFINITIONS = {
    "openreports.io": ("github.com/openreports/reports-api", "config/crd/openreports.io_reports.yaml"),
    "wgpolicyk8s.io": ("github.com/kyverno/kyverno", "config/crds/policyreport/wgpolicyk8s.io_policyreports.yaml"),
}


def definition(group: str) -> Path:
    """Return the published CustomResourceDefinition of the reports of a group.

    Raises:
        BuildFailed: Go is missing, or the module cannot be downloaded.
    """
    module, file = _DEFINITIONS[group]
    return Path(json.loads(go(_MODULE, "mod", "download", "-json", module))["Dir"]) / file
