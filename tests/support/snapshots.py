"""Snapshots of small clusters, as `check --live --save` writes them."""

from __future__ import annotations

import json
from pathlib import Path

from productionpolicy.drain import complete_coverage
from support.scenes import Raw


def write_snapshot(folder: Path, *parts: Raw | list[Raw], unread: str = "") -> Path:
    """Write a snapshot of these objects into a folder, as if a kind may not be read; return the file."""
    coverage = complete_coverage()
    if unread:
        coverage[unread] = {"read": "None", "reason": "Forbidden: no rights"}
    items = [each for part in parts for each in (part if isinstance(part, list) else [part])]
    file = folder / "cluster.json"
    head = {"apiVersion": "productionpolicy.dev/v1", "kind": "ClusterSnapshot", "takenAt": "2026-11-28T03:00:00Z"}
    more = {"context": "prod", "serverVersion": "v1.37.2", "coverage": coverage, "items": items}
    file.write_text(json.dumps({**head, **more}))
    return file
