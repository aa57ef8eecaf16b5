"""The way to a cluster with the options that kubectl has."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from kubernetes.aio import config
from msgspec import Struct
from yaml import MarkedYAMLError

from productionpolicy.controller.connection import UNUSABLE, Connection, NoConnection
from productionpolicy.live.access import Access

IN_CLUSTER = "in-cluster"
"""The name of the context for a process that runs in a pod and uses its service account."""

_NAMESPACE_OF_POD = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_DEFAULT_NAMESPACE = "default"


class Target(Struct, frozen=True):
    """A cluster that can be connected to."""

    connection: Connection
    context: str
    """The name of the context."""
    namespace: str
    """The namespace of the context."""


async def target(access: Access) -> Target:
    """Find the cluster to read.

    Raises:
        NoConnection: there is none, or its credentials cannot be used. The message gives the remedy.
    """
    kubeconfig = access.kubeconfig or default_kubeconfig()
    if kubeconfig is None:
        if access.context is not None:
            raise NoConnection(f"there is no kubeconfig with the context {access.context}; {_PASS}")
        return await _in_cluster()
    context, namespace = _context(kubeconfig, access.context)
    return Target(await Connection.load(kubeconfig, context=context), context, namespace)


def default_kubeconfig() -> Path | None:
    """Return the kubeconfig that kubectl uses by default; None if there is none."""
    named, usual = os.environ.get("KUBECONFIG"), Path.home() / ".kube" / "config"
    if named:
        return Path(named)
    return usual if usual.exists() else None


_PASS = "pass --kubeconfig FILE or set KUBECONFIG"


async def _in_cluster() -> Target:
    try:
        return Target(await Connection.load(None), IN_CLUSTER, _namespace_of_pod())
    except (NoConnection, OSError) as error:
        raise NoConnection(f"there is no kubeconfig, and this is not a pod of a cluster; {_PASS}") from error


def _namespace_of_pod() -> str:
    return _NAMESPACE_OF_POD.read_text().strip()


def _context(kubeconfig: Path, name: str | None) -> tuple[str, str]:
    """Return name and namespace of a context, or of the current one."""
    found = _contexts(kubeconfig)
    chosen = name or str(_merged(kubeconfig).get("current-context") or "")
    if not chosen:
        raise NoConnection(f"the kubeconfig {kubeconfig} has no current context; pass --context NAME{_among(found)}")
    if chosen not in found:
        raise NoConnection(f"the kubeconfig {kubeconfig} has no context {chosen}; pass --context NAME{_among(found)}")
    return chosen, str(found[chosen].get("namespace") or _DEFAULT_NAMESPACE)


def _among(contexts: dict[str, Any]) -> str:
    names = sorted(contexts)
    more = f" and {len(names) - _MOST_NAMES} others" if len(names) > _MOST_NAMES else ""
    return f", one of {', '.join(names[:_MOST_NAMES])}{more}" if names else ""


_MOST_NAMES = 10


def _contexts(kubeconfig: Path) -> dict[str, Any]:
    try:
        found = (getattr(each, "value", each) for each in _merged(kubeconfig).get("contexts") or ())
        return {str(each["name"]): each.get("context") or {} for each in found}
    except UNUSABLE as error:
        raise NoConnection(f"cannot use the kubeconfig {kubeconfig}: its contexts cannot be read") from error


def _merged(kubeconfig: Path) -> dict[str, Any]:
    """Return the content of a kubeconfig; KUBECONFIG may name several files.

    The items of its lists are nodes of the loader, with the content as `value`.
    """
    if not any(Path(each).exists() for each in str(kubeconfig).split(os.pathsep)):
        raise NoConnection(f"the kubeconfig {kubeconfig} does not exist; {_PASS}")
    try:
        merged = config.kube_config.KubeConfigMerger(str(kubeconfig)).config
        content: dict[str, Any] = merged.value if merged is not None else {}
    except UNUSABLE as error:
        raise NoConnection(f"cannot use the kubeconfig {kubeconfig}: {_reason(error)}") from error
    return content


def _reason(error: Exception) -> str:
    if isinstance(error, IsADirectoryError):
        return "it is a folder; pass a file"
    if isinstance(error, MarkedYAMLError) and error.problem_mark is not None:
        line, column = error.problem_mark.line + 1, error.problem_mark.column + 1
        return f"it is not valid YAML (line {line}, column {column}): {error.problem}"
    return (str(error).splitlines() or [type(error).__name__])[0]
