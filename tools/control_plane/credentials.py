"""Who may talk to a control plane: static tokens for its own users, kubeconfigs for everyone.

Tokens instead of client certificates, because nothing then has to sign anything before the API server runs.
"""

from __future__ import annotations

import json
import secrets
from pathlib import Path

from control_plane.site import Site

ADMIN = "admin"
MASTERS = "system:masters"
USERS = {
    ADMIN: ("admin", MASTERS),
    "kube-controller-manager": ("system:kube-controller-manager", ""),
    "kube-scheduler": ("system:kube-scheduler", ""),
    "kwok": ("kwok", MASTERS),
}


def write_credentials(site: Site) -> None:
    """Write the static tokens, and a kubeconfig for each."""
    tokens = {user: secrets.token_urlsafe(24) for user in USERS}
    lines = [f'{tokens[user]},{name},{name},"{group}"\n' for user, (name, group) in USERS.items()]
    _write_private(site.tokens, "".join(lines))
    for user, token in tokens.items():
        write_kubeconfig(site, user=user, token=token)


def write_kubeconfig(site: Site, *, user: str, token: str) -> Path:
    """Write the kubeconfig of a user; it is JSON, which is YAML too."""
    cluster = {"server": site.server, "certificate-authority": str(site.certificate_authority)}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "local", "cluster": cluster}],
        "users": [{"name": user, "user": {"token": token}}],
        "contexts": [{"name": "local", "context": {"cluster": "local", "user": user}}],
        "current-context": "local",
    }
    return _write_private(site.kubeconfig(user), json.dumps(config, indent=2))


def token_of(site: Site, *, user: str) -> str:
    """Return the token in the kubeconfig of a user."""
    return str(json.loads(site.kubeconfig(user).read_text())["users"][0]["user"]["token"])


def _write_private(file: Path, text: str) -> Path:
    file.parent.mkdir(mode=0o700, exist_ok=True)
    file.write_text(text)
    file.chmod(0o600)
    return file
