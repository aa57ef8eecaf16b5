"""How much memory the container may still use."""

from __future__ import annotations

from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")
"""Where a container sees its own limits (cgroup v2)."""


def room(cgroup: Path = CGROUP) -> int | None:
    """Return how many bytes may still be used; None if there is no limit, or none that can be read.

    File pages that the kernel can drop at any time do not count as used.
    """
    try:
        limit = (cgroup / "memory.max").read_text().strip()
        used = int((cgroup / "memory.current").read_text())
        rows = dict(line.split() for line in (cgroup / "memory.stat").read_text().splitlines())
        return max(0, int(limit) - used + int(rows["inactive_file"])) if limit.isdecimal() else None
    except (OSError, ValueError, KeyError):
        return None
