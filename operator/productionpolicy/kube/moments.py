"""Moments in objects."""

from __future__ import annotations

from datetime import datetime


def read_moment(text: str) -> datetime | None:
    """Return the moment in a text such as `2026-06-15T11:00:00Z`; None if it is none, or has no time zone."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None
