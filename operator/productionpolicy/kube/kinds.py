"""Kinds of the Kubernetes API. The name alone is not unique: two groups can have kinds of the same name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct


class GroupKind(Struct, frozen=True, order=True):
    """A kind and the API group that serves it, in any version; the core group has an empty name."""

    group: str
    kind: str

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> GroupKind:
        """Return the kind of a raw object."""
        group, slash, _ = str(raw.get("apiVersion")).partition("/")
        return cls(group if slash else "", str(raw.get("kind")))

    def __str__(self) -> str:
        return f"{self.kind}.{self.group}" if self.group else self.kind
