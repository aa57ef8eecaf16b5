"""What was judged, for the head of a report."""

from __future__ import annotations

from msgspec import Struct


class Origin(Struct, frozen=True):
    """What was judged."""

    name: str
    """Its name, such as `deploy/` or the context of a cluster."""
    facts: tuple[tuple[str, str], ...] = ()
    """What tells one report from another, each with its name: files, time, policy, version."""
    gaps: tuple[tuple[str, str], ...] = ()
    """Kinds of objects that could not be read, and why."""
