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
        return cls.served_as(str(raw.get("apiVersion")), str(raw.get("kind")))

    @classmethod
    def served_as(cls, api_version: str, kind: str) -> GroupKind:
        """Return the kind that an `apiVersion` and a `kind` name."""
        group, slash, _ = api_version.partition("/")
        return cls(group if slash else "", kind)

    def __str__(self) -> str:
        return f"{self.kind}.{self.group}" if self.group else self.kind
