"""Names of container images."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Image:
    """A reference to an image: `registry:5000/team/name:tag@sha256:…`."""

    name: str
    tag: str | None = None
    digest: str | None = None

    @classmethod
    def parse(cls, reference: str) -> Image:
        """Split a reference. A colon before the last slash belongs to a registry's port."""
        named, _, digest = reference.partition("@")
        folder, slash, last = named.rpartition("/")
        name, _, tag = last.partition(":")
        return cls(name=f"{folder}{slash}{name}", tag=tag or None, digest=digest or None)

    @property
    def default_pull_policy(self) -> str:
        """What the API server fills in for imagePullPolicy (core/v1)."""
        moves = self.tag == "latest" or (self.tag is None and self.digest is None)
        return "Always" if moves else "IfNotPresent"
