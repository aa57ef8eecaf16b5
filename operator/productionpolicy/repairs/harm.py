"""Harm that a repair may turn out to do, so that the operator takes it back itself."""

from __future__ import annotations

from msgspec import Struct


class Harm(Struct, frozen=True):
    """Why a repair is taken back, and not made again under the same circumstances."""

    note: str
    """In the words of the annotation."""
    reason: str
    """For people."""
