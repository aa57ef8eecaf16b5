"""The folder of one control plane: what is where, and on which ports its servers listen."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path

from control_plane.binaries import Binaries
from control_plane.ports import LOOPBACK

ENTRIES = (
    "audit.log",
    "audit-policy.json",
    "certificates",
    "credentials",
    "etcd",
    "flex-volumes",
    "kubectl-cache",
    "logs",
    "state.json",
)
TOKENS = "credentials/tokens.csv"


@dataclass(frozen=True, slots=True)
class Site:
    """Where one control plane lives: its folder, its programs and its ports."""

    folder: Path
    _: KW_ONLY
    binaries: Binaries
    apiserver_port: int
    etcd_port: int
    etcd_peer_port: int
    audit: bool = False
    flags: Mapping[str, Sequence[str]] = field(default_factory=dict, hash=False)
    """Further flags by component."""

    @property
    def server(self) -> str:
        """The address of the API server."""
        return f"https://{LOOPBACK}:{self.apiserver_port}"

    @property
    def certificates(self) -> Path:
        """The folder in which the API server makes its certificate and key when it first starts."""
        return self.folder / "certificates"

    @property
    def certificate_authority(self) -> Path:
        """What clients trust. The API server appends the authority that signed its certificate to the certificate."""
        return self.certificates / "apiserver.crt"

    @property
    def signing_key(self) -> Path:
        """The key for service account tokens: that of the API server, which exists by the time it is read."""
        return self.certificates / "apiserver.key"

    @property
    def tokens(self) -> Path:
        """The file of the static tokens, one for each of the users that exist without a service account."""
        return self.folder / TOKENS

    @property
    def audit_policy(self) -> Path:
        """The file that says what goes to the audit log."""
        return self.folder / "audit-policy.json"

    @property
    def audit_log(self) -> Path:
        """One JSON event a line."""
        return self.folder / "audit.log"

    @property
    def state(self) -> Path:
        """The pids and ports, for a later command."""
        return self.folder / "state.json"

    def kubeconfig(self, user: str) -> Path:
        """The kubeconfig of a user, be it a component, `admin` or a service account."""
        return self.folder / "credentials" / f"{user}.kubeconfig"

    def log(self, component: str) -> Path:
        """The log of a component."""
        return self.folder / "logs" / f"{component}.log"


def is_free(folder: Path) -> bool:
    """Tell whether a control plane may use the folder: what it would remove is its own, or is not there."""
    return (folder / TOKENS).exists() or not any((folder / name).exists() for name in ENTRIES)


def clear(folder: Path) -> None:
    """Remove what an earlier control plane left, and nothing else; only in a folder that `is_free`."""
    for name in ENTRIES:
        entry = folder / name
        if entry.is_dir():
            shutil.rmtree(entry)
        else:
            entry.unlink(missing_ok=True)
