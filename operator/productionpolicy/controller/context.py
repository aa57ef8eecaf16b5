"""What all parts of the controller share."""

from __future__ import annotations

from msgspec import Struct

from productionpolicy.controller.clock import Clock
from productionpolicy.controller.cluster import Cluster
from productionpolicy.controller.events import Events
from productionpolicy.controller.metrics import QUEUED
from productionpolicy.controller.queue import WorkQueue
from productionpolicy.controller.records import Records
from productionpolicy.controller.rollouts import Rollouts
from productionpolicy.controller.scope import Scope
from productionpolicy.controller.store import Store
from productionpolicy.kube.workloads import WorkloadKey

WORKERS = 8
"""How many workloads are written at the same time."""


class Context(Struct, frozen=True):
    """What all parts of the controller share."""

    store: Store
    """What is known of the cluster."""
    scope: Scope
    """Which namespaces the store holds the objects of."""
    cluster: Cluster
    """The API server."""
    records: Records
    """What is remembered of each workload."""
    rollouts: Rollouts
    """Which workloads replace their pods."""
    queue: WorkQueue[WorkloadKey]
    """The workloads to evaluate."""
    events: Events
    clock: Clock

    @classmethod
    def of(cls, cluster: Cluster, *, events: Events, clock: Clock) -> Context:
        """Return an empty one for an API server."""
        queue: WorkQueue[WorkloadKey] = WorkQueue(of="workload", workers=WORKERS, length=QUEUED)
        store, records = Store(), Records()
        rollouts = Rollouts(records, clock=clock, wake=queue.add)
        return cls(store, Scope(store, records), cluster, records, rollouts, queue, events, clock)
