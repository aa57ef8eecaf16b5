"""The audit log of a control plane: who asked the API server for what, to compare rights used with rights granted."""

from __future__ import annotations

import json

from control_plane.site import Site

POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived", "Panic"],  # leaves ResponseComplete and, for watches, ResponseStarted
    "rules": [{"level": "Metadata"}],
}


def write_audit_policy(site: Site) -> None:
    """Write the file that says what goes to the audit log."""
    site.audit_policy.write_text(json.dumps(POLICY, indent=2))
