"""Harm that a repair can do, and because of which the operator withdraws it."""

from __future__ import annotations

from msgspec import Struct


class Harm(Struct, frozen=True):
    """Why a repair is withdrawn, and not made again under the same circumstances."""

    note: str
    """The text in the annotation."""
    reason: str
    """The reason in messages for people."""
