"""Taking a snapshot: connect, read, and say what was read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from productionpolicy.controller.cluster import Cluster
from productionpolicy.controller.resources import Resource
from productionpolicy.live.access import Access
from productionpolicy.live.connection import target
from productionpolicy.live.reader import Keep, Reader, Scope, Told, everything, silent
from productionpolicy.live.snapshot import Snapshot

TIME = "%Y-%m-%dT%H:%M:%SZ"


class Request(Struct, frozen=True):
    """What to read."""

    kinds: Sequence[Resource]
    namespace: str | None = None
    """The namespace; default: that of the context."""
    everywhere: bool = False
    """Whether to read all namespaces."""
    keep: Keep = everything
    """Decides which objects are kept."""


async def take(access: Access, request: Request, *, now: datetime, told: Told = silent) -> Snapshot:
    """Read a cluster.

    Args:
        access: the cluster, and as whom to read it.
        request: what to read.
        now: the moment, in UTC.
        told: is called with the progress; see `Reader`.

    Raises:
        NoConnection: there is no usable kubeconfig.
        RequestFailed: the API server does not answer, or does not accept the credentials.
    """
    found = await target(access)
    namespace = request.namespace or found.namespace
    scope = Scope(None if request.everywhere else namespace, fallback=namespace)
    async with found.connection.client() as api:
        cluster = Cluster(api, headers=access.headers)
        version = await cluster.version_info()
        reading = await Reader(cluster, keep=request.keep, told=told).read(request.kinds, scope)
    return Snapshot(
        taken_at=now.strftime(TIME),
        context=found.context,
        server_version=str(version.get("gitVersion", "")),
        coverage={each.called: coverage for each, coverage in reading.coverage.items()},
        items=reading.items,
    )
