"""What kubectl's options say about a cluster.

Importing it does not import the client of clusters, which takes a second.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import Struct


class Access(Struct, frozen=True):
    """Which cluster to read, and as whom."""

    kubeconfig: Path | None = None
    """Default: the files in KUBECONFIG, or else ~/.kube/config, or else the service account of the pod."""
    context: str | None = None
    """Default: the current context of the kubeconfig."""
    user: str | None = None
    """The user to act as."""
    groups: Sequence[str] = ()
    """The groups to act as; only with a user."""

    @property
    def flags(self) -> dict[str, object]:
        """The values of kubectl's options, by option."""
        return {
            "--kubeconfig": self.kubeconfig,
            "--context": self.context,
            "--as": self.user,
            "--as-group": self.groups,
        }

    @property
    def headers(self) -> Iterator[tuple[str, str]]:
        """The headers that have the API server treat requests as those of another user."""
        if self.user is not None:
            yield "Impersonate-User", self.user
        for each in self.groups:
            yield "Impersonate-Group", each
